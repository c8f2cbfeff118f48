"""What meters do with a value beside scaling it, by examples of their documents."""

from array import array

import pytest

from zerometer.core.decoding import decode_plan
from zerometer.core.points import Part, Point, Quality, ReadBlock, SignBit


def value_of(wire: str, point: Point, width: int = 1) -> float | None:
    """Decode *point* from registers that begin at address 0; None when missing."""
    data = bytes.fromhex(wire)
    block = ReadBlock(
        function=3, address=0, count=len(data) // 2 // width, points=(0,), width=width
    )
    values, qualities = array("d", [0.0]), bytearray(1)
    decode_plan([point], block).decode(data, values, qualities)
    return values[0] if qualities[0] == Quality.MEASURED else None


def test_a_high_word_that_is_not_adjacent() -> None:
    point = Point(
        name="power", function=3, address=0, type="u16", scale=0.1,
        plus=(Part(address=3, type="i16", scale=6553.6),),
    )  # fmt: skip
    assert value_of("0001 0000 0000 0002", point) == pytest.approx(13_107.3)
    assert value_of("FFFF 0000 0000 FFFF", point) == pytest.approx(-0.1)


def test_an_integer_and_a_fraction() -> None:
    point = Point(
        name="energy", function=3, address=0, type="i32", order="CDAB",
        plus=(Part(address=2, type="i32", order="CDAB", scale=0.001),),
    )  # fmt: skip
    assert value_of("2710 0000 00FA 0000", point) == 10_000.25


def test_import_minus_export() -> None:
    point = Point(
        name="power", function=3, address=0, type="u16",
        plus=(Part(address=1, type="u16", scale=-1.0, invalid=(0xFFFF,)),),
    )  # fmt: skip
    assert value_of("0000 0040", point) == -64
    assert value_of("0040 0000", point) == 64
    assert value_of("0040 FFFF", point) is None


def test_ten_thousands_in_registers_of_their_own() -> None:
    # Modbus mod10: each register counts from 0 to 9999.
    point = Point(
        name="energy", function=3, address=0, type="u16",
        plus=(
            Part(address=1, type="u16", scale=1e4),
            Part(address=2, type="u16", scale=1e8),
        ),
    )  # fmt: skip
    assert value_of("162E 0929 0003", point) == 323_455_678


@pytest.mark.parametrize(
    ("type_", "wire", "value"),
    [
        ("bcd16", "1234", 1234),
        ("bcd32", "1234 5678", 12_345_678),
        ("bcd64", "0000 0012 3456 7890", 1_234_567_890),
        ("bcd16", "12A4", None),
        ("t5", "FE01 E240", 1234.56),
        ("t5", "0201 E240", 12_345_600),
        ("t6", "FDFE 1DC0", -123.456),
        ("t7", "00FF 2694", 0.9876),
        ("t7", "FF00 2694", -0.9876),
    ],
)
def test_types_of_digits_and_of_exponents(
    type_: str, wire: str, value: float | None
) -> None:
    point = Point(name="p", function=3, address=0, type=type_)  # type: ignore[arg-type]
    assert value_of(wire, point) == value


def test_a_sign_in_another_register() -> None:
    point = Point(
        name="p", function=3, address=1, type="u16", sign=SignBit(address=0, bit=9)
    )
    assert value_of("0200 0064", point) == -100
    assert value_of("FDFF 0064", point) == 100


def test_bits_of_a_register() -> None:
    point = Point(name="p", function=3, address=0, type="u16", bits=(8, 15))
    assert value_of("04FF", point) == 4
    signed = Point(name="p", function=3, address=0, type="i16", bits=(8, 15))
    assert value_of("FE04", signed) == -2


def test_a_power_of_ten() -> None:
    point = Point(
        name="decimals", function=3, address=0, type="u16", bits=(8, 15), offset=-4,
        group="ratio", form="pow10",
    )  # fmt: skip
    assert value_of("0300", point) == 0.1
    assert value_of("0600", point) == 100
    assert value_of("0400", point) == 1
    assert value_of("1A00", point) == 1e22
    assert value_of("1B00", point) is None


def test_no_power_of_ten_that_a_meter_cannot_mean() -> None:
    point = Point(
        name="scale", function=3, address=0, type="f32", group="ratio", form="pow10"
    )
    wire = array("f", [-23.0, -22.0, 0.5, float("nan")])
    wire.byteswap()
    assert value_of(wire[0:1].tobytes().hex(), point) is None
    assert value_of(wire[1:2].tobytes().hex(), point) == 1e-22
    assert value_of(wire[2:3].tobytes().hex(), point) is None
    assert value_of(wire[3:4].tobytes().hex(), point) is None


def test_codes_of_units() -> None:
    point = Point(
        name="unit", function=3, address=0, type="u16", group="ratio",
        codes=((1.0, 1.0), (2.0, 1000.0)),
    )  # fmt: skip
    assert value_of("0002", point) == 1000
    assert value_of("0003", point) is None


@pytest.mark.parametrize(
    ("registers", "said"), [(0.9, 0.9), (1.1, 0.9), (-1.1, -0.9), (-0.9, -0.9)]
)
def test_a_power_factor_of_four_quadrants(registers: float, said: float) -> None:
    wire = array("f", [registers])
    wire.byteswap()
    point = Point(name="pf", function=3, address=0, type="f32", form="4q_fp_pf")
    assert value_of(wire.tobytes().hex(), point) == pytest.approx(said)


def test_a_magnitude() -> None:
    point = Point(name="p", function=3, address=0, type="i16", form="absolute")
    assert value_of("FF9C", point) == 100
    assert value_of("0064", point) == 100


def test_a_value_at_each_address() -> None:
    first = Point(name="p", function=3, address=1, type="u32")
    assert value_of("0000 0001 0000 0002 0000 0003", first, width=2) == 2


def test_an_offset_of_the_raw_number_is_one_of_the_value() -> None:
    # Tenths of a degree above -100: raw minus 1000, by 0.1.
    point = Point(name="t", function=3, address=0, type="u16", scale=0.1, offset=-100.0)
    assert value_of("04E2", point) == 25.0
