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
FORMS = ["number", "number", "absolute", "4q_fp_pf", "pow10"]
#: Raw values that are special to some type, cut to its size.
SPECIAL = [0, 2**64 - 1, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000,
           0x7F80_0000_0000_0000, 0xFFC0_0000_0000_0000, 0x7FF0_0000_0000_0000,
           0x7FF8_0000_0000_0000, 0x1234_5678_9012_3456, 0x0000_0099_0000_0009,
           0x3F80_0000_3F80_0000, 0xBFC0_0000_0001_0000,
           0xFE00_2694_0000_2694]  # fmt: skip


SCALES = [1.0, 0.1, 0.001, -1.0, 65_536.0, math.nan]
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def signed(raw: int, width: int) -> int:
    return raw - 2**width if raw >= 2 ** (width - 1) else raw


@st.composite
def parts(draw: st.DrawFn, registers: int) -> reference.Part:
    type_ = draw(st.sampled_from([*REGISTERS_OF, "bit"]))
    size = REGISTERS_OF.get(type_, 0)
    last = registers - size if size else 16 * registers - 1
    width = 16 * size or 8
    raw = st.integers(0, 2**width - 1) | st.sampled_from(
        [s >> 64 - width for s in SPECIAL]
    )
    bits = None
    if type_[0] in "ui" and draw(st.booleans()):
        low = draw(st.integers(0, width - 1))
        bits = (low, draw(st.integers(low, width - 1)))
    return (
        draw(st.integers(0, last)),
        type_,
        draw(st.sampled_from(ORDERS)),
        draw(st.sampled_from(SCALES) | FINITE),
        bits,
        tuple(draw(st.lists(raw | raw.map(lambda r: signed(r, width)), max_size=3))),
    )


@st.composite
def fields(draw: st.DrawFn, registers: int) -> reference.Field:
    signs = st.tuples(st.integers(0, registers - 1), st.integers(0, 15))
    codes = st.tuples(st.sampled_from([0.0, 1.0, -1.0, 7.0]), FINITE)
    return (
        draw(st.lists(parts(registers), min_size=1, max_size=3)),
        draw(st.none() | signs),
        draw(st.sampled_from([0.0, -273.15]) | FINITE),
        tuple(draw(st.lists(codes, max_size=2))),
        draw(st.sampled_from(FORMS)),
    )


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, list[reference.Field]]:
    """Draw fields and data in which special values and markers do occur."""
    registers = draw(st.integers(4, 125))
    drawn = draw(st.lists(fields(registers), max_size=8))
    data = bytearray(draw(st.binary(min_size=2 * registers, max_size=2 * registers)))
    for place, type_, order, _, _, markers in (p for f in drawn for p in f[0]):
        if type_ == "bit" or not draw(st.booleans()):
            continue
        size = reference.size_of(type_)
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


@given(replies(), st.lists(st.binary(min_size=1, max_size=8), max_size=4))
def test_a_block_is_its_replies_column_by_column(
    reply: tuple[bytes, list[reference.Field]], changes: list[bytes]
) -> None:
    data, fields = reply
    many = [data] + [(change + data)[: len(data)] for change in changes]
    values = array("d", [0.0] * (len(fields) * len(many)))
    qualities = bytearray(len(values))
    DecodePlan(fields).decode_block(b"".join(many), len(data), values, qualities)
    each = [reference.decode(data, fields) for data in many]
    columns = [pair for column in zip(*each, strict=True) for pair in column]
    assert repr(columns) == repr(
        [(v, Quality(q)) for v, q in zip(values, qualities, strict=True)]
    )


def test_blocks_that_do_not_fit() -> None:
    plan = DecodePlan([reference.plain(1, "u16")])
    values, qualities = array("d", [0.0] * 2), bytearray(2)
    plan.decode_block(bytes.fromhex("0000 0001 0000 0002"), 4, values, qualities)
    assert values.tolist() == [1.0, 2.0]
    for data, size in ((bytes(7), 4), (bytes(9), 3), (bytes(4), 0), (bytes(4), -4)):
        with pytest.raises(UsageError, match="are not whole replies"):
            plan.decode_block(data, size, values, qualities)
    with pytest.raises(UsageError, match="columns: 1 fields"):
        plan.decode_block(bytes(12), 4, values, qualities)


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
    field = reference.plain(0, "u32", order)
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
    field = reference.plain(0, "i64", order)
    assert decode(bytes.fromhex(wire), [field]) == [
        (0x123456789ABCDE, Quality.MEASURED)
    ]


def test_order_of_one_register_is_that_of_its_bytes() -> None:
    fields = [reference.plain(0, "u16", order) for order in ORDERS]
    values = [value for value, _ in decode(b"\x12\x34", fields)]
    assert values == [0x1234, 0x3412, 0x1234, 0x3412]


def test_float_of_a_meter() -> None:
    # 43 66 33 34 is 230.2 in the order of IEEE 754.
    field = reference.plain(0, "f32")
    [(value, quality)] = decode(bytes.fromhex("43 66 33 34"), [field])
    assert value == pytest.approx(230.2, rel=1e-7)
    assert quality is Quality.MEASURED


def test_marker_may_be_given_signed_or_unsigned() -> None:
    data = b"\x80\x00"
    for marker in (0x8000, -0x8000):
        for type_ in ("u16", "i16"):
            field = reference.plain(0, type_, markers=(0x7FFF, marker))
            [(value, quality)] = decode(data, [field])
            assert math.isnan(value)
            assert quality is Quality.MISSING


def test_ratio_read_from_the_meter() -> None:
    plan = DecodePlan([reference.plain(0, "u16", scale=0.5, offset=5.0)])
    values, qualities = array("d", [1.0]), bytearray(1)
    plan.set_times(0, math.nan)
    plan.decode(b"\x00\x0a", values, qualities)
    assert math.isnan(values[0])
    assert qualities[0] == Quality.MISSING
    plan.set_times(0, 80.0)
    plan.decode(b"\x00\x0a", values, qualities)
    assert values[0] == 405.0
    assert qualities[0] == Quality.MEASURED
    for index in (-1, 1):
        with pytest.raises(UsageError, match="index"):
            plan.set_times(index, 1.0)


def test_only_its_own_part_of_the_columns_is_written() -> None:
    plan = DecodePlan([reference.plain(1, "u16")])
    values, qualities = array("d", [7.0] * 3), bytearray(b"\x05" * 3)
    plan.decode(b"\x00\x01\x00\x02", values, qualities, 1)
    assert values.tolist() == [7.0, 2.0, 7.0]
    assert qualities == b"\x05\x00\x05"


def test_columns_and_data_that_are_too_short() -> None:
    plan = DecodePlan([reference.plain(1, "u32"), reference.plain(2, "bit")])
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
        (reference.plain(0, "u8"), "type"),
        (reference.plain(0, "u16", "AB"), "order"),
        (reference.plain(-1, "u16"), "place"),
        (reference.plain(65_536, "u16"), "place"),
        (reference.plain(0, "u16", markers=(65_536,)), "marker"),
        (reference.plain(0, "i16", markers=(-32_769,)), "marker"),
        (([(0, "u16", "ABCD", 1.0, (0, 16), ())], None, 0.0, (), "number"), "bits"),
        (([(0, "u16", "ABCD", 1.0, (4, 3), ())], None, 0.0, (), "number"), "bits"),
        (([(0, "f32", "ABCD", 1.0, (0, 3), ())], None, 0.0, (), "number"), "bits"),
        (([], None, 0.0, (), "number"), "parts"),
        (([(0, "u16", "ABCD", 1.0, None, ())], (0, 16), 0.0, (), "number"), "sign"),
        (([(0, "u16", "ABCD", 1.0, None, ())], (-1, 0), 0.0, (), "number"), "sign"),
        (([(0, "u16", "ABCD", 1.0, None, ())], None, 0.0, (), "square"), "form"),
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
