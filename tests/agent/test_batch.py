"""Sealing and opening batches: what goes in comes out, all else is named."""

import hashlib
import math
import random
import zlib
from array import array
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from harness.batches import header, readings, sealed
from hypothesis import example, given
from hypothesis import strategies as st
from reference import batch as reference

from zerometer.agent.batch import (
    Column,
    Gap,
    Table,
    batch_hash,
    decode,
    encode,
    peek,
)
from zerometer.agent.batch.errors import (
    BadColumnError,
    BadCrcError,
    NewerFormatError,
    SurplusBytesError,
    TruncatedError,
)
from zerometer.core.errors import FormatError, UsageError

WHOLE = encode(header(), readings())
ENTRIES, BODY, _ = msgpack.unpackb(WHOLE)

int64s = st.integers(-(1 << 63), (1 << 63) - 1)
texts = st.text(max_size=8)


@st.composite
def columns(draw: st.DrawFn, name: str, rows: int) -> Column:
    def many(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    kind = draw(st.sampled_from("qdfl"))
    unit = draw(st.sampled_from(["", "kW", "kWh"]))
    if kind == "l":
        return Column(name, unit, 0, many(st.none() | texts | int64s | st.booleans()))
    nulls = draw(st.none() | st.just(bytes(many(st.integers(0, 1)))))
    if kind == "q":
        integers = array("q", many(st.integers(-9, 9) | int64s))
        return Column(name, unit, draw(st.integers(-22, 22)), integers, nulls)
    floats = st.floats(width=64 if kind == "d" else 32)
    return Column(name, unit, 0, array(kind, many(floats)), nulls)


@st.composite
def tables(draw: st.DrawFn) -> list[Table]:
    made = []
    for number in range(draw(st.integers(0, 3))):
        rows = draw(st.integers(0, 12))
        names = draw(st.lists(texts, unique=True, max_size=4))
        made.append(Table(str(number), [draw(columns(name, rows)) for name in names]))
    return made


def comparable(column: Column) -> Column:
    """Return *column* as it comes out, and as floats whatever their width.

    Null marks come only where there is a null, and what is under one is not said.
    """
    nulls = column.nulls if column.nulls and any(column.nulls) else None
    values = column.values
    if not isinstance(values, list) and values.typecode in "df":
        marks = nulls or bytes(len(values))
        shown = (math.nan if null else v for v, null in zip(values, marks, strict=True))
        values = array("d", shown)
    return Column(column.name, column.unit, column.exponent, values, nulls)


@given(tables())
def test_tables_come_back(sent: list[Table]) -> None:
    batch = decode(encode(header(), sent))
    expected = [Table(t.name, [comparable(c) for c in t.columns]) for t in sent]
    got = [Table(t.name, [comparable(c) for c in t.columns]) for t in batch.tables]
    assert repr(got) == repr(expected)  # by repr, for NaN and negative zeros
    assert batch.skipped == 0
    assert batch.header.rows == sum(table.rows for table in sent)


@given(tables())
def test_a_second_decoder_reads_the_same(sent: list[Table]) -> None:
    data = encode(header(), sent)
    entries, opened = reference.decode(data)
    batch = decode(data)
    assert entries["seq"] == batch.header.seq
    for table in batch.tables:
        for column in table.columns:
            nulls = column.nulls or bytes(len(column.values))
            expected = [
                None if null else v
                for v, null in zip(column.values, nulls, strict=True)
            ]
            assert repr(opened[table.name][column.name]) == repr(expected)


def test_the_header_comes_back() -> None:
    sent = header(
        stream="ledger",
        seq=12,
        clock="unsynced",
        prev=batch_hash(WHOLE),
        config="r7",
        factors=("cn-2023", "tariff/4"),
        gaps=(Gap(3, 5, "evicted"), Gap(9, 9, "damaged")),
        offset_ms=-7,
    )
    data = encode(sent, readings(4))
    got = peek(data)
    assert got == decode(data).header
    assert (got.rows, got.samples, got.codec) == (7, 4 * 2 - 1 + 2, "deflate")
    for name in (
        "source",
        "stream",
        "seq",
        "clock",
        "prev",
        "config",
        "factors",
        "gaps",
        "offset_ms",
    ):
        assert getattr(got, name) == getattr(sent, name)


def test_a_header_that_does_not_state_the_offset_is_whole() -> None:
    assert "offset" not in ENTRIES
    assert decode(WHOLE).header.offset_ms is None


def test_a_body_that_deflate_makes_longer_is_sent_as_it_is() -> None:
    data = encode(header(), [Table("x", [])])
    assert peek(data).codec == "none"
    assert decode(data).tables == [Table("x", [])]


def test_a_long_column_of_equal_values_stays_within_the_ratio() -> None:
    steady = array("d", [1.0] * 400_000)
    steady[0] = 2.0
    data = encode(header(), [Table("x", [Column("y", "", 0, steady)])])
    assert decode(data).tables[0].columns[0].values == steady


def test_numbers_are_in_their_unit() -> None:
    assert Column("n", "kWh", 2, array("q", [3, 4])).numbers() == [300, 400]
    power = Column("p", "kW", -3, array("q", [1, 1, 1234]), b"\0\1\0")
    assert power.numbers() == [0.001, None, 1.234]
    assert power.present == 2
    assert Column("f", "", 0, array("f", [0.5, math.nan]), b"\0\1").numbers() == [
        0.5,
        None,
    ]


@pytest.mark.parametrize(
    ("column", "what"),
    [
        (Column("b", "", 0, array("q", [1, 2])), "2 values"),
        (Column("b", "", 0, array("q", [1]), b"\0\0"), "2 null marks"),
        (Column("b", "", 0, ["x"], b"\0"), "expected None"),
        (Column("b", "", -1, array("d", [1.0])), "without an exponent"),
        (Column("a", "", 0, array("q", [1])), "there twice"),
        (Column("b", "", 23, array("q", [1])), "exponent"),
        (Column("b", "", 0, [{"a": 1}]), "texts"),
    ],
)
def test_what_no_decoder_takes_is_not_sealed(column: Column, what: str) -> None:
    table = Table("x", [Column("a", "", 0, array("q", [1])), column])
    with pytest.raises(UsageError, match=what):
        encode(header(), [table])


@pytest.mark.parametrize(
    "changes",
    [
        {"source": b""},
        {"seq": 0},
        {"stream": ""},
        {"t1_ms": 0},
        {"clock": "perhaps"},
        {"prev": b"short"},
        {"gaps": (Gap(5, 4, "why"),)},
        {"config": "x" * 200},
        {"factors": (1,)},
        {"offset_ms": 1 << 53},
        {"offset_ms": True},
    ],
)
def test_a_header_out_of_range_is_not_sealed(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(changes)).removesuffix("_ms")):
        encode(header(**changes), [])


def test_every_cut_is_truncated() -> None:
    for size in range(len(WHOLE)):
        with pytest.raises(TruncatedError):
            decode(WHOLE[:size])
    with pytest.raises(SurplusBytesError):
        decode(WHOLE + b"\0")


def test_every_flipped_byte_is_refused() -> None:
    chance = random.Random(7)
    codes = set()
    for at in range(len(WHOLE)):
        data = bytearray(WHOLE)
        data[at] ^= chance.randrange(1, 256)
        for reader in (peek, decode):
            with pytest.raises(FormatError) as caught:
                reader(bytes(data))
        codes.add(caught.value.code)
    assert BadCrcError.code in codes
    assert FormatError.code not in codes


@given(st.binary(max_size=200))
@example(b"\x93\x80\xc4\x00\xce\x00\x00\x00\x00")
@example(b"\x93\x81\xc0\x01\xc4\x00\xce\x00\x00\x00\x00")
@example(b"\x91" * 5000)
def test_any_bytes_raise_only_format_errors(data: bytes) -> None:
    with pytest.raises(FormatError):
        decode(data)


plain = st.recursive(
    st.none() | st.booleans() | int64s | st.floats() | texts | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["tables", "name", "rows", "columns", "encoding", "data"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(plain)
def test_any_body_is_opened_or_named(body: Any) -> None:
    packed = msgpack.packb(body)
    with suppress(FormatError):
        decode(reseal(packed, rows=0, samples=0))


@given(st.sampled_from(sorted(ENTRIES)), plain)
def test_any_header_is_opened_or_named(name: str, value: Any) -> None:
    with suppress(FormatError):
        decode(sealed(ENTRIES | {name: value}, BODY))


COLUMN = {"name": "a", "unit": "W", "exponent": -1, "encoding": "delta", "order": 1,
          "data": b"\x02\x02", "nulls": b"\x02\x02"}  # fmt: skip


@given(st.sampled_from(sorted(COLUMN)), plain)
def test_any_column_is_opened_or_named(name: str, value: Any) -> None:
    column = COLUMN | {name: value}
    body = {"tables": [{"name": "t", "rows": 2, "columns": [column]}]}
    try:
        batch = decode(reseal(msgpack.packb(body), rows=2, samples=1))
    except FormatError:
        return
    assert all(len(c.values) == 2 for c in batch.tables[0].columns)


@given(
    st.binary(max_size=60),
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=4),
    st.integers(0, 4),
)
@example(b"\3\0\x0b\0", [("a", False), ("b", True)], 4)
def test_any_numbers_are_opened_or_named(
    numbers: bytes, named: list[tuple[str, bool]], rows: int
) -> None:
    tables = [
        {
            "name": str(place),
            "rows": rows,
            "columns": [
                {"name": name, "encoding": "linear"}
                | ({"scale": 0.1} if scaled else {})
            ],
        }
        for place, (name, scaled) in enumerate(named)
    ]
    body = msgpack.packb({"tables": tables, "values": numbers})
    count = rows * len(named)
    try:
        batch = decode(reseal(body, rows=count, samples=count))
    except FormatError:
        return
    assert [len(t.columns[0].values) for t in batch.tables] == [rows] * len(named)


def reseal(body: bytes, **entries: Any) -> bytes:
    """Return a batch around *body*, right in all but what *body* says."""
    stated = {"codec": "none", "length": len(body),
              "sha256": hashlib.sha256(body).digest()}  # fmt: skip
    return sealed(ENTRIES | stated | entries, body)


def test_unknown_columns_are_skipped_and_counted() -> None:
    future = {"name": "b", "encoding": "pcodec", "data": {"any": "thing"}}
    table = {"name": "t", "rows": 2, "columns": [COLUMN, future], "new": 1}
    body = msgpack.packb({"tables": [table], "more": []})
    batch = decode(reseal(body, rows=2, samples=3, novelty="yes"))
    assert batch.skipped == 1
    assert [column.name for column in batch.tables[0].columns] == ["a"]


def test_more_may_follow_the_body() -> None:
    inner = WHOLE[1:-5]
    data = b"\x94" + inner + msgpack.packb(b"signature")
    data += b"\xce" + zlib.crc32(data).to_bytes(4, "big")
    assert decode(data).header == peek(WHOLE)


def test_a_newer_format_is_named_before_anything_else() -> None:
    with pytest.raises(NewerFormatError, match="2, known here is 1"):
        decode(msgpack.packb([{"format": 2}, b"", "and so on"]))


def test_a_column_error_says_where() -> None:
    column = COLUMN | {"data": b"\x02"}
    body = {"tables": [{"name": "t", "rows": 2, "columns": [column]}]}
    with pytest.raises(
        FormatError, match=r'table "t": column "a": .*2 values'
    ) as caught:
        decode(reseal(msgpack.packb(body), rows=2, samples=1))
    assert caught.value.code == "truncated-column"
    assert not isinstance(caught.value, BadColumnError)
