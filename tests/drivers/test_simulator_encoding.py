"""Registers of a simulated meter, decoded as those of a real one."""

import struct
from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zerometer.core.decoding import decode_plan
from zerometer.core.points import REGISTERS_OF, Part, Point, ReadBlock, SignBit
from zerometer.drivers.simulator.encoding import shown

ORDERS = ["ABCD", "BADC", "CDAB", "DCBA"]


def decoded(point: Point, registers: tuple[tuple[int, bytes], ...]) -> float:
    """Put the registers into a block, and decode that."""
    block = ReadBlock(function=3, address=0, count=40, points=(0,))
    image = bytearray(80)
    for address, data in registers:
        for i, byte in enumerate(data, 2 * address):
            image[i] |= byte
    values, qualities = array("d", [0.0]), bytearray(1)
    decode_plan([point], block).decode(bytes(image), values, qualities)
    assert qualities == b"\0"
    return values[0]


@given(
    st.sampled_from(sorted(REGISTERS_OF)),
    st.sampled_from(ORDERS),
    st.sampled_from([1.0, 0.1, -0.001, 1000.0]),
    st.sampled_from([0.0, -100.0]),
    st.floats(-1e6, 1e6),
)
def test_what_is_said_is_what_is_decoded(
    type_: str, order: str, scale: float, offset: float, value: float
) -> None:
    point = Point(
        name="p", function=3, address=4, type=type_, order=order,  # type: ignore[arg-type]
        scale=scale, offset=offset,
    )  # fmt: skip
    registers = shown(point, value)
    assert decoded(point, registers.registers) == pytest.approx(registers.said)


@given(st.sampled_from(ORDERS), st.floats(-2e9, 2e9))
@example("ABCD", -0.25)
def test_a_high_word_elsewhere_takes_what_the_low_one_cannot(
    order: str, value: float
) -> None:
    point = Point(
        name="p", function=3, address=4, type="u16", order=order,  # type: ignore[arg-type]
        plus=(Part(address=9, type="i16", scale=65_536.0),),
    )  # fmt: skip
    registers = shown(point, value)
    assert decoded(point, registers.registers) == registers.said
    assert registers.said == pytest.approx(value, abs=0.5)


@given(st.floats(-60_000, 60_000))
def test_one_of_a_pair_shows_imports_the_other_exports(value: float) -> None:
    point = Point(
        name="p", function=3, address=4, type="u16",
        plus=(Part(address=5, type="u16", scale=-1.0),),
    )  # fmt: skip
    registers = shown(point, value)
    imported, exported = (
        struct.unpack(">H", data)[0] for _, data in registers.registers
    )
    assert 0 in (imported, exported)
    assert decoded(point, registers.registers) == pytest.approx(value, abs=1.0)


@given(st.floats(0, 4e6))
def test_a_counter_of_integer_and_rest_shows_whole_steps(value: float) -> None:
    point = Point(
        name="p", function=3, address=4, type="u32", kind="counter", group="energy",
        plus=(Part(address=6, type="u16", scale=0.0001),),
    )  # fmt: skip
    registers = shown(point, value)
    assert decoded(point, registers.registers) == registers.said
    assert value - 0.000_101 <= registers.said <= value + 1e-6


def test_tariffs_share_a_counter() -> None:
    point = Point(
        name="p", function=3, address=4, type="u32", kind="counter", group="energy",
        plus=(Part(address=6, type="u32"),),
    )  # fmt: skip
    first, second = (
        struct.unpack(">I", data)[0] for _, data in shown(point, 1000.0).registers
    )
    assert (first, second) == (600, 400)


@given(st.floats(-65_535, 65_535))
def test_a_sign_stands_in_its_bit(value: float) -> None:
    point = Point(
        name="p", function=3, address=4, type="u16", sign=SignBit(address=3, bit=13)
    )
    assert decoded(point, shown(point, value).registers) == pytest.approx(
        value, abs=0.5
    )


@pytest.mark.parametrize("value", [0.95, -0.95, 1.0])
def test_a_power_factor_is_folded(value: float) -> None:
    point = Point(name="p", function=3, address=4, type="f32", form="4q_fp_pf")
    registers = shown(point, value)
    (raw,) = struct.unpack(">f", registers.registers[0][1])
    assert abs(raw) >= 1.0
    assert decoded(point, registers.registers) == pytest.approx(value)


def test_a_number_of_a_unit_that_is_not_listed_is_the_nearest() -> None:
    point = Point(
        name="p", function=3, address=4, type="u16", codes=((7.0, 1.0), (9.0, 1000.0))
    )
    assert shown(point, 1000.0).registers == ((4, b"\0\x09"),)
    assert shown(point, 1.0).said == 1.0
