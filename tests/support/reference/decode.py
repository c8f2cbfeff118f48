"""Values of one reply, by the struct module and decimal digits."""

import math
import struct
from collections.abc import Sequence

from zerometer.core.points import Quality

Part = tuple[int, str, str, float, tuple[int, int] | None, tuple[int, ...]]
Field = tuple[
    Sequence[Part], tuple[int, int] | None, float, tuple[tuple[float, float], ...], str
]

FORMATS = {
    "u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f",
    "u64": ">Q", "i64": ">q", "f64": ">d",
}  # fmt: skip
BYTES = {"bcd16": 2, "bcd32": 4, "bcd64": 8, "t5": 4, "t6": 4, "t7": 4}


def plain(  # noqa: PLR0917
    place: int,
    type_: str,
    order: str = "ABCD",
    scale: float = 1.0,
    markers: tuple[int, ...] = (),
    offset: float = 0.0,
) -> Field:
    """Return the field of one number."""
    return [(place, type_, order, scale, None, markers)], None, offset, (), "number"


def size_of(type_: str) -> int:
    """Return the bytes of a number."""
    return BYTES.get(type_) or struct.calcsize(FORMATS[type_])


def in_order(wire: bytes, order: str) -> bytes:
    """Put the bytes of one value in ABCD order; each order undoes itself."""
    words = [wire[i : i + 2] for i in range(0, len(wire), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


def number_of(value: bytes, type_: str, bits: tuple[int, int] | None) -> float:
    """Return what the bytes of one number say."""
    if type_.startswith("bcd"):
        digits = value.hex()
        return float(int(digits)) if digits.isdecimal() else math.nan
    if type_ == "t7":
        size = int.from_bytes(value[2:], "big") / 10_000
        return -size if value[0] == 0xFF else size
    if type_ in ("t5", "t6"):
        mantissa = int.from_bytes(value[1:], "big", signed=type_ == "t6")
        (exponent,) = struct.unpack("b", value[:1])
        if exponent < 0:
            return mantissa / power_of_ten(-exponent)
        return mantissa * power_of_ten(exponent)
    if bits is None:
        (number,) = struct.unpack(FORMATS[type_], value)
        return float(number)
    width = bits[1] - bits[0] + 1
    cut = int.from_bytes(value, "big") >> bits[0] & (1 << width) - 1
    if type_[0] == "i" and cut >> width - 1:
        cut -= 1 << width
    return float(cut)


def part_of(data: bytes, part: Part) -> float:
    """Return the scaled number of one part."""
    place, type_, order, scale, bits, markers = part
    if type_ == "bit":
        raw, size, number = data[place // 8] >> place % 8 & 1, 1, 0.0
        number = float(raw)
    else:
        size = size_of(type_)
        value = in_order(data[2 * place : 2 * place + size], order)
        raw = int.from_bytes(value, "big")
        number = number_of(value, type_, bits)
    if any(marker % 2 ** (8 * size) == raw for marker in markers):
        return math.nan
    return number * scale


def power_of_ten(value: float) -> float:
    """Return ten to a whole power up to 22, as its digits say; else NaN."""
    if not abs(value) <= 22 or value % 1:
        return math.nan
    return float(f"1e{value:.0f}")


def decode_one(data: bytes, field: Field) -> tuple[float, Quality]:
    parts, sign, offset, codes, form = field
    value, *more = [part_of(data, part) for part in parts]
    for number in more:
        value += number
    if (
        sign
        and int.from_bytes(data[2 * sign[0] : 2 * sign[0] + 2], "big") >> sign[1] & 1
    ):
        value = -value
    value += offset
    if codes:
        value = next((means for code, means in codes if code == value), math.nan)
    if form == "absolute":
        value = abs(value)
    elif form == "pow10":
        value = power_of_ten(value)
    elif form == "4q_fp_pf" and abs(value) > 1:
        value = math.copysign(2.0, value) - value
    if not math.isfinite(value):
        return math.nan, Quality.MISSING
    return value, Quality.MEASURED


def decode(data: bytes, fields: Sequence[Field]) -> list[tuple[float, Quality]]:
    return [decode_one(data, field) for field in fields]
