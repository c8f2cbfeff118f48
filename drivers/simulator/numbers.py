"""One number in its registers: from what it says to the bytes on the wire."""

import math
import struct

from zerometer.core.points import Part, Point, WordOrder

#: Types that take any number, as nearly as they can.
INEXACT = ("f32", "f64", "t5", "t6", "t7")

_FLOATS = {"f32": ">f", "f64": ">d"}
_DIGITS = {"bcd16": 4, "bcd32": 8, "bcd64": 16}
_MANTISSA_BITS = {"t5": 24, "t6": 23}


def limits(number: Point | Part) -> tuple[int, int]:
    """Return the smallest and the largest integer that *number* can be."""
    if number.type in _DIGITS:
        return 0, 10 ** _DIGITS[number.type] - 1
    low, high = number.bits or (0, 16 * number.registers - 1)
    bits = high - low + 1
    if number.type[0] == "u":
        return 0, (1 << bits) - 1
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def encode(number: Point | Part, raw: float | int) -> bytes:
    """Return *raw* as register bytes in wire order."""
    size = 2 * number.registers
    if number.type in _FLOATS:
        data = struct.pack(_FLOATS[number.type], raw)
    elif number.type in _DIGITS:
        data = bytes.fromhex(f"{int(raw):0{_DIGITS[number.type]}d}")
    elif number.type == "t7":
        sign = 0xFF00_0000 if raw < 0 else 0
        data = (sign | _ten_thousandths(raw)).to_bytes(4, "big")
    elif number.type in _MANTISSA_BITS:
        exponent, mantissa = _exponential(number.type, raw)
        word = (exponent & 0xFF) << 24 | mantissa & 0xFF_FFFF
        data = word.to_bytes(4, "big")
    else:
        low, high = number.bits or (0, 8 * size - 1)
        cut = int(raw) & ((1 << (high - low + 1)) - 1)
        data = (cut << low).to_bytes(size, "big")
    return _reorder(data, number.order)


def said(number: Point | Part, raw: float | int) -> float:
    """Return what the registers say that show *raw*, before its scale."""
    if number.type == "f32":
        (single,) = struct.unpack(">f", struct.pack(">f", raw))
        return float(single)
    if number.type == "t7":
        return math.copysign(_ten_thousandths(raw) / 10_000, raw)
    if number.type in _MANTISSA_BITS:
        exponent, mantissa = _exponential(number.type, raw)
        return mantissa * 10.0**exponent
    return raw


def _ten_thousandths(raw: float) -> int:
    return min(round(abs(raw) * 10_000), 0xFFFF)


def _exponential(kind: str, raw: float) -> tuple[int, int]:
    """Return the smallest exponent whose mantissa fits, and that mantissa."""
    if kind == "t5":
        raw = max(raw, 0.0)
    most = (1 << _MANTISSA_BITS[kind]) - 1
    exponent = -9
    while abs(raw) / 10.0**exponent > most:
        exponent += 1
    return exponent, round(raw / 10.0**exponent)


def _reorder(data: bytes, order: WordOrder) -> bytes:
    if order in ("DCBA", "BADC"):
        data = b"".join(data[i : i + 2][::-1] for i in range(0, len(data), 2))
    if order in ("DCBA", "CDAB"):
        data = b"".join(data[i : i + 2] for i in range(len(data) - 2, -2, -2))
    return data
