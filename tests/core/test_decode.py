"""Decode plans, against the plain reference and by hand."""

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import decode as reference

from zerometer.core._decode import DecodePlan
from zerometer.core.decoding import decode_plan
from zerometer.core.errors import UsageError
from zerometer.core.points import REGISTERS_OF, Point, Quality, ReadBlock

ORDERS = ["ABCD", "BADC", "CDAB", "DCBA"]
#: Raw values that are special to some type, cut to its size.
SPECIAL = [0, 2**64 - 1, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000,
           0x7F80_0000_0000_0000, 0xFFC0_0000_0000_0000, 0x7FF0_0000_0000_0000,
           0x7FF8_0000_0000_0000]  # fmt: skip


@st.composite
def fields(draw: st.DrawFn, registers: int) -> reference.Field:
    type_ = draw(st.sampled_from([*REGISTERS_OF, "bit"]))
    size = REGISTERS_OF.get(type_, 0)
    last = registers - size if size else 16 * registers - 1
    bits = 16 * size or 8
    raw = st.integers(0, 2**bits - 1) | st.sampled_from(
        [s >> 64 - bits for s in SPECIAL]
    )
    finite = st.floats(allow_nan=False, allow_infinity=False)
    return (
        draw(st.integers(0, last)),
        type_,
        draw(st.sampled_from(ORDERS)),
        draw(st.sampled_from([1.0, 0.1, 0.001, -1.0, math.nan]) | finite),
        draw(st.sampled_from([0.0, -273.15]) | finite),
        tuple(draw(st.lists(raw | raw.map(lambda r: r - 2**bits if r >= 2 ** (bits - 1)
                                          else r), max_size=3))),
    )  # fmt: skip


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, list[reference.Field]]:
    """Draw fields and data in which special values and markers do occur."""
    registers = draw(st.integers(4, 125))
    drawn = draw(st.lists(fields(registers), max_size=12))
    data = bytearray(draw(st.binary(min_size=2 * registers, max_size=2 * registers)))
    for place, type_, order, _, _, markers in drawn:
        size = 2 * REGISTERS_OF.get(type_, 0)
        if not size or not draw(st.booleans()):
            continue
        special = [s >> 64 - 8 * size for s in SPECIAL] + list(markers)
        raw = draw(st.sampled_from(special)) % 2 ** (8 * size)
        wire = reference.in_order(raw.to_bytes(size, "big"), order)
        data[2 * place : 2 * place + size] = wire
    return bytes(data), drawn


def decode(data: bytes, fields: list[reference.Field]) -> list[tuple[float, Quality]]:
    values = array("d", [0.0] * len(fields))
    qualities = bytearray(len(fields))
    DecodePlan(fields).decode(data, values, qualities)
    return [(v, Quality(q)) for v, q in zip(values, qualities, strict=True)]


@given(replies())
def test_values_are_those_of_the_reference(
    reply: tuple[bytes, list[reference.Field]],
) -> None:
    data, fields = reply
    # By text: NaN equals itself there, and every bit of a double counts.
    assert repr(decode(data, fields)) == repr(reference.decode(data, fields))


@pytest.mark.parametrize(
    ("order", "wire"),
    [
        ("ABCD", "12 34 56 78"),
        ("BADC", "34 12 78 56"),
        ("CDAB", "56 78 12 34"),
        ("DCBA", "78 56 34 12"),
    ],
)
def test_orders_of_two_registers(order: str, wire: str) -> None:
    field = (0, "u32", order, 1.0, 0.0, ())
    assert decode(bytes.fromhex(wire), [field]) == [(0x12345678, Quality.MEASURED)]


@pytest.mark.parametrize(
    ("order", "wire"),
    [
        ("ABCD", "00 12 34 56 78 9A BC DE"),
        ("BADC", "12 00 56 34 9A 78 DE BC"),
        ("CDAB", "BC DE 78 9A 34 56 00 12"),
        ("DCBA", "DE BC 9A 78 56 34 12 00"),
    ],
)
def test_orders_of_four_registers(order: str, wire: str) -> None:
    field = (0, "i64", order, 1.0, 0.0, ())
    assert decode(bytes.fromhex(wire), [field]) == [
        (0x123456789ABCDE, Quality.MEASURED)
    ]


def test_order_of_one_register_is_that_of_its_bytes() -> None:
    fields = [(0, "u16", order, 1.0, 0.0, ()) for order in ORDERS]
    values = [value for value, _ in decode(b"\x12\x34", fields)]
    assert values == [0x1234, 0x3412, 0x1234, 0x3412]


def test_float_of_a_meter() -> None:
    # 43 66 33 34 is 230.2 in the order of IEEE 754.
    [(value, quality)] = decode(
        bytes.fromhex("43 66 33 34"), [(0, "f32", "ABCD", 1.0, 0.0, ())]
    )
    assert value == pytest.approx(230.2, rel=1e-7)
    assert quality is Quality.MEASURED


def test_marker_may_be_given_signed_or_unsigned() -> None:
    data = b"\x80\x00"
    for marker in (0x8000, -0x8000):
        for type_ in ("u16", "i16"):
            field = (0, type_, "ABCD", 1.0, 0.0, (0x7FFF, marker))
            [(value, quality)] = decode(data, [field])
            assert math.isnan(value)
            assert quality is Quality.MISSING


def test_scale_read_from_the_meter() -> None:
    plan = DecodePlan([(0, "u16", "ABCD", math.nan, 5.0, ())])
    values, qualities = array("d", [1.0]), bytearray(1)
    plan.decode(b"\x00\x0a", values, qualities)
    assert math.isnan(values[0])
    assert qualities[0] == Quality.MISSING
    plan.set_scale(0, 40.0)
    plan.decode(b"\x00\x0a", values, qualities)
    assert values[0] == 405.0
    assert qualities[0] == Quality.MEASURED
    for index in (-1, 1):
        with pytest.raises(UsageError, match="index"):
            plan.set_scale(index, 1.0)


def test_only_its_own_part_of_the_columns_is_written() -> None:
    plan = DecodePlan([(1, "u16", "ABCD", 1.0, 0.0, ())])
    values, qualities = array("d", [7.0] * 3), bytearray(b"\x05" * 3)
    plan.decode(b"\x00\x01\x00\x02", values, qualities, 1)
    assert values.tolist() == [7.0, 2.0, 7.0]
    assert qualities == b"\x05\x00\x05"


def test_columns_and_data_that_are_too_short() -> None:
    plan = DecodePlan([(1, "u32", "ABCD", 1.0, 0.0, ()), (2, "bit", "ABCD", 1, 0, ())])
    data, values, qualities = bytes(6), array("d", [0.0] * 2), bytearray(2)
    plan.decode(data, values, qualities)
    with pytest.raises(UsageError, match=r"data: 5 bytes, the plan needs 6$"):
        plan.decode(data[:5], values, qualities)
    for at in (-1, 1, 2**62):
        with pytest.raises(UsageError, match="columns: 2 fields"):
            plan.decode(data, values, qualities, at)
    with pytest.raises(UsageError, match="columns: 2 fields"):
        plan.decode(data, values[:1], qualities)
    with pytest.raises(UsageError, match="columns: 2 fields"):
        plan.decode(data, values, qualities[:1])
    with pytest.raises(UsageError, match="values: not an array of doubles"):
        plan.decode(data, array("f", [0.0] * 4), qualities)
    DecodePlan([]).decode(b"", array("d"), bytearray())


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ((0, "u8", "ABCD", 1.0, 0.0, ()), "type"),
        ((0, "u16", "AB", 1.0, 0.0, ()), "order"),
        ((-1, "u16", "ABCD", 1.0, 0.0, ()), "place"),
        ((65_536, "u16", "ABCD", 1.0, 0.0, ()), "place"),
        ((0, "u16", "ABCD", 1.0, 0.0, (65_536,)), "marker"),
        ((0, "i16", "ABCD", 1.0, 0.0, (-32_769,)), "marker"),
    ],
)
def test_field_that_makes_no_sense(field: reference.Field, named: str) -> None:
    with pytest.raises(UsageError, match=f"^field: {named}: "):
        DecodePlan([field])


def test_plan_of_a_block_of_points() -> None:
    points = [
        Point(name="power", function=3, address=102, type="i32", order="CDAB",
              scale=0.1),
        Point(name="voltage", function=3, address=100, type="u16", offset=2.0,
              invalid=(0xFFFF,)),
    ]  # fmt: skip
    block = ReadBlock(function=3, address=100, count=4, points=(1, 0))
    values, qualities = array("d", [0.0] * 2), bytearray(2)
    plan = decode_plan(points, block)
    plan.decode(bytes.fromhex("00E6 0000 FFF6 FFFF"), values, qualities)
    assert values.tolist() == [232.0, -1.0]
    plan.decode(bytes.fromhex("FFFF 0000 FFF6 FFFF"), values, qualities)
    assert list(qualities) == [Quality.MISSING, Quality.MEASURED]


def test_plan_of_a_block_of_bits() -> None:
    points = [
        Point(name=f"input-{i}", function=2, address=20 + i, type="u16", kind="gauge")
        for i in range(10)
    ]
    block = ReadBlock(function=2, address=20, count=10, points=tuple(range(10)))
    values, qualities = array("d", [0.0] * 10), bytearray(10)
    decode_plan(points, block).decode(b"\x05\x02", values, qualities)
    assert values.tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 0, 1]
