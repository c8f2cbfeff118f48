"""Values of one reply, by the struct module."""

import math
import struct
from collections.abc import Sequence

from zerometer.core.points import Quality

Field = tuple[int, str, str, float, float, tuple[int, ...]]

FORMATS = {
    "u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f",
    "u64": ">Q", "i64": ">q", "f64": ">d",
}  # fmt: skip


def in_order(wire: bytes, order: str) -> bytes:
    """Put the bytes of one value in ABCD order; each order undoes itself."""
    words = [wire[i : i + 2] for i in range(0, len(wire), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


def decode_one(data: bytes, field: Field) -> tuple[float, Quality]:
    place, type_, order, scale, offset, markers = field
    if type_ == "bit":
        bits = 8
        raw = number = data[place // 8] >> place % 8 & 1
    else:
        size = struct.calcsize(FORMATS[type_])
        bits = 8 * size
        value = in_order(data[2 * place : 2 * place + size], order)
        raw = int.from_bytes(value, "big")
        (number,) = struct.unpack(FORMATS[type_], value)
    scaled = float(number) * scale + offset
    if any(marker % 2**bits == raw for marker in markers) or not math.isfinite(scaled):
        return math.nan, Quality.MISSING
    return scaled, Quality.MEASURED


def decode(data: bytes, fields: Sequence[Field]) -> list[tuple[float, Quality]]:
    return [decode_one(data, field) for field in fields]
