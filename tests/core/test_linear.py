"""Linear columns and grids: compiled equals reference, bits come back, faults named."""

import math
import random
import struct
from array import array
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reference import batch as reference

from zerometer.core._column import multiples, on_grid
from zerometer.core._linear import add_prediction, decode_linear, encode_linear
from zerometer.core.column_errors import (
    BadReferenceError,
    OverlongVarintError,
    TruncatedColumnError,
)
from zerometer.core.errors import FormatError, UsageError

int64s = st.integers(-(1 << 63), (1 << 63) - 1)
FACTOR = struct.pack("<f", 1.5)


@st.composite
def related(draw: st.DrawFn) -> list[list[int]]:
    """Return columns of as many rows, some of which follow from others."""
    rows = draw(st.integers(0, 40))
    values = st.lists(st.integers(-9000, 9000) | int64s, min_size=rows, max_size=rows)
    columns = [draw(values)]
    for _ in range(draw(st.integers(0, 3))):
        factor = draw(st.sampled_from([1.0, 0.5, -1.25, 3e9, 1 / 3]))
        noise = draw(st.integers(0, 2))
        near = [
            math.floor(factor * v) + i % 3 * noise for i, v in enumerate(columns[0])
        ]
        fits = all(-(1 << 63) <= v < 1 << 63 for v in near)
        columns.append(near if fits else draw(values))
    return columns


@given(related())
@example([[5] * 9, [5] * 9])
@example([[-(1 << 63), (1 << 63) - 1], [(1 << 63) - 1, -(1 << 63)]])
def test_columns_come_back_by_either_decoder(columns: list[list[int]]) -> None:
    arrays = [array("q", column) for column in columns]
    packed = b""
    for number, values in enumerate(arrays):
        before = arrays[:number]
        packed += encode_linear(values, before, list(range(number, 0, -1)))
    slow: list[dict[str, Any]] = [
        {"name": "x", "encoding": "linear", "rows": len(column)} for column in columns
    ]
    reference.add_numbers(slow, packed)
    at = 0
    for number, values in enumerate(arrays):
        stored, back, factor, at = decode_linear(packed, at, len(values))
        if back:
            add_prediction(stored, arrays[number - back], factor)
        assert stored == values
        assert slow[number]["data"] == values.tolist()
    assert at == len(packed)


def test_what_follows_from_another_costs_next_to_nothing() -> None:
    drawn = random.Random(1)
    power = array("q", [drawn.randrange(400_000, 600_000) for _ in range(900)])
    alone = encode_linear(power, [], [])
    apparent = array("q", [math.floor(v / 0.95) for v in power])
    assert len(encode_linear(apparent, [power], [1])) < 0.55 * len(alone)
    assert encode_linear(power, [power], [1]) == bytes([8 + 3, 0])
    scattered = array("q", [drawn.randrange(70_000) for _ in range(900)])
    assert len(encode_linear(scattered, [power], [1])) <= len(
        encode_linear(scattered, [], [])
    )


@pytest.mark.parametrize(
    ("values", "references", "text"),
    [  # as printed in docs/batch-format.md
        ([230, 231, 229], [], "01 cc 03 02 03"),
        ([7, 7, 7], [], "03 0e"),
        ([230, 231, 229], [[230, 231, 229]], "0b 00"),
        ([], [], "00"),
    ],
)
def test_encodes_as_documented(
    values: list[int], references: list[list[int]], text: str
) -> None:
    arrays = [array("q", column) for column in references]
    encoded = encode_linear(array("q", values), arrays, [1] * len(arrays))
    assert encoded.hex(" ") == text


@pytest.mark.parametrize(
    ("data", "count", "error"),
    [
        (b"", 0, TruncatedColumnError),
        (b"\0", 1, TruncatedColumnError),
        (b"\3", 1, TruncatedColumnError),
        (b"\0\x80", 1, TruncatedColumnError),
        (b"\x80", 1, TruncatedColumnError),
        (b"\x0c\0\0\0", 0, TruncatedColumnError),
        (b"\0\x80\0", 1, OverlongVarintError),
        (b"\x80\0", 0, OverlongVarintError),
        (b"\4" + FACTOR, 0, BadReferenceError),
        (b"\x0c" + struct.pack("<f", math.nan), 0, BadReferenceError),
        (b"\x0c" + struct.pack("<f", math.inf), 0, BadReferenceError),
        (bytes(20), 1 << 40, TruncatedColumnError),
    ],
)
def test_each_fault_has_its_name(
    data: bytes, count: int, error: type[FormatError]
) -> None:
    with pytest.raises(error):
        decode_linear(data, 0, count)


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 9))
def test_any_bytes_are_a_column_or_a_named_error(
    data: bytes, count: int, at: int
) -> None:
    try:
        values, back, factor, end = decode_linear(b"." * at + data, at, count)
    except FormatError:
        return
    assert (len(values), factor is None or math.isfinite(factor)) == (count, True)
    assert back >= 0
    assert at < end <= at + len(data)


def test_predictions_are_of_as_many_rows_and_within_64_bits() -> None:
    with pytest.raises(BadReferenceError, match="2 rows, 1"):
        add_prediction(array("q", [0, 0]), array("q", [1]), None)
    with pytest.raises(BadReferenceError, match="does not fit"):
        add_prediction(array("q", [0]), array("q", [1 << 62]), 2.0)
    wrapped = array("q", [1])
    add_prediction(wrapped, array("q", [(1 << 63) - 1]), None)
    assert wrapped[0] == -(1 << 63)


def test_uneven_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match="2 values on 1"):
        encode_linear(array("q", [1, 2]), [array("q", [1])], [1])
    with pytest.raises(UsageError, match="from byte 2"):
        decode_linear(b"", 2, 0)
    with pytest.raises(UsageError, match="as many"):
        on_grid(array("d", [1.0]), None, 1.0, array("q"))
    with pytest.raises(UsageError, match="null marks"):
        multiples(array("q", [1]), 1.0, b"")


float32s = st.floats(width=32, allow_nan=False, allow_infinity=False).filter(
    lambda value: value == 0 or 1e-3 < abs(value) < 1e6
)


@given(
    st.lists(float32s, max_size=30),
    st.sampled_from([1.0, 0.1, 0.01, 0.001, 1000.0, 1 / 3]),
)
def test_registers_times_their_scale_are_on_the_grid_to_the_bit(
    registers: list[float], unit: float
) -> None:
    values = array("d", [register * unit for register in registers])
    out = array("q", bytes(8 * len(values)))
    power = on_grid(values, None, unit, out)
    if any(math.copysign(1, v) < 0 and v == 0 for v in values):
        assert power is None
        return
    assert power is not None
    back = multiples(out, math.ldexp(unit, power), None)
    assert back.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    "values",
    [[math.nan], [math.inf], [-0.0], [1.0, 1e300], [2.0**61, 2.0**-3], [5e-324]],
)
def test_what_is_on_no_grid_is_told(values: list[float]) -> None:
    out = array("q", bytes(8 * len(values)))
    assert on_grid(array("d", values), None, 1.0, out) is None
    assert on_grid(array("d", [0.1]), None, 0.3, array("q", [0])) is None


def test_nulls_repeat_the_integer_before_and_come_back_as_nan() -> None:
    values = array("d", [math.nan, 0.5, math.inf, 0.75])
    out = array("q", bytes(32))
    assert on_grid(values, b"\1\0\1\0", 1.0, out) == -2
    assert out.tolist() == [0, 2, 2, 3]
    back = multiples(out, 0.25, b"\1\0\1\0")
    assert [math.isnan(value) for value in back] == [True, False, True, False]
    assert on_grid(array("d", [0.0, 0.0]), None, 1.0, array("q", [1, 1])) == 0
    assert on_grid(array("d"), None, 1.0, array("q")) == 0
