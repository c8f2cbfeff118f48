"""From a value to the registers that show it: the inverse of decoding."""

import math
import struct

from zerometer.core.points import Point, RegisterType, WordOrder

_CODES: dict[RegisterType, str] = {
    "u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "u64": ">Q", "i64": ">q",
    "f32": ">f", "f64": ">d",
}  # fmt: skip

#: Step of a counter in floating point whose map states no resolution.
FLOAT_STEP = 0.001


def raw_of(point: Point, value: float) -> float | int:
    """Return the number in the registers for *value* (in the unit, before ratios).

    Counters are rounded down to their step and roll over; gauges are rounded and
    stop at the ends of the type's range.
    """
    if point.type in ("f32", "f64"):
        return _float_raw(point, value)
    exact = value / point.scale
    low, high = _range(point.type)
    if point.kind == "counter":
        modulus = high + 1
        if point.modulus is not None:
            modulus = round(point.modulus / abs(point.scale))
        # Some meters count exports below zero: towards zero is down for both.
        return int(math.fmod(exact, modulus))
    return min(max(round(exact), low), high)


def modulus_of(point: Point) -> float:
    """Return where a counter's registers roll over, in its unit before ratios."""
    if point.modulus is not None:
        return point.modulus
    if point.type in ("f32", "f64"):
        return math.inf
    return (_range(point.type)[1] + 1) * abs(point.scale)


def encode(point: Point, raw: float | int) -> bytes:
    """Return *raw* as register bytes in wire order."""
    return _reorder(struct.pack(_CODES[point.type], raw), point.order)


def shown(point: Point, raw: float | int) -> float:
    """Return what *raw* stands for: in the unit, before ratios and offset."""
    if point.type == "f32":
        (raw,) = struct.unpack(">f", struct.pack(">f", raw))
    return raw * point.scale


def _float_raw(point: Point, value: float) -> float:
    if point.kind == "counter":
        step = point.resolution or FLOAT_STEP
        if point.modulus is not None:
            value %= point.modulus
        value = math.floor(value / step) * step
    return value / point.scale


def _range(kind: RegisterType) -> tuple[int, int]:
    bits = int(kind[1:])
    if kind[0] == "u":
        return 0, (1 << bits) - 1
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def _reorder(data: bytes, order: WordOrder) -> bytes:
    if order in ("DCBA", "BADC"):
        data = b"".join(data[i : i + 2][::-1] for i in range(0, len(data), 2))
    if order in ("DCBA", "CDAB"):
        data = b"".join(data[i : i + 2] for i in range(len(data) - 2, -2, -2))
    return data
