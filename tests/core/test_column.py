"""The column codec: compiled equals reference, and only named errors."""

import math
from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reference import column as reference

from zerometer.core._column import (
    decode_integers,
    encode_integers,
    quantise,
)
from zerometer.core.column_errors import (
    BadRunsError,
    OverlongVarintError,
    SurplusColumnError,
    TruncatedColumnError,
)
from zerometer.core.columns import (
    decode_floats,
    decode_runs,
    encode_floats,
    encode_runs,
)
from zerometer.core.errors import FormatError, UsageError

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1

orders = st.integers(0, 2)
smooth = st.lists(st.integers(-300, 300), max_size=60)
wild = st.lists(
    st.integers(LOWEST, HIGHEST) | st.sampled_from([LOWEST, HIGHEST, 0, -1]),
    max_size=30,
)


@given(values=smooth | wild, order=orders)
def test_encodes_as_the_reference_and_back(values: list[int], order: int) -> None:
    data = encode_integers(array("q", values), order)
    assert data == reference.encode_integers(values, order)
    assert decode_integers(data, len(values), order).tolist() == values


@pytest.mark.parametrize(
    ("values", "order", "text"),
    [  # as printed in docs/batch-format.md
        ([230, 231, 229], 0, "cc 03 ce 03 ca 03"),
        ([230, 231, 229], 1, "cc 03 02 03"),
        ([0, 1000, 2000], 2, "00 d0 0f 00"),
    ],
)
def test_encodes_as_documented(values: list[int], order: int, text: str) -> None:
    assert encode_integers(array("q", values), order).hex(" ") == text


@given(data=st.binary(max_size=60), count=st.integers(0, 40), order=orders)
def test_decodes_any_bytes_as_the_reference(
    data: bytes, count: int, order: int
) -> None:
    try:
        values = decode_integers(data, count, order).tolist()
    except FormatError:
        with pytest.raises(ValueError):
            reference.decode_integers(data, count, order)
    else:
        assert values == reference.decode_integers(data, count, order)


@pytest.mark.parametrize("values", [[0], [5, -70, 4000], [HIGHEST, LOWEST]])
def test_every_shortened_column_is_truncated(values: list[int]) -> None:
    data = encode_integers(array("q", values), 1)
    for size in range(len(data)):
        with pytest.raises(TruncatedColumnError):
            decode_integers(data[:size], len(values), 1)


@pytest.mark.parametrize(
    ("text", "count", "error"),
    [
        ("", 1, TruncatedColumnError),
        ("80", 1, TruncatedColumnError),
        ("8000", 1, OverlongVarintError),
        ("ff00", 1, OverlongVarintError),
        ("ff" * 9 + "01", 1, None),
        ("ff" * 9 + "02", 1, OverlongVarintError),
        ("ff" * 10 + "01", 1, OverlongVarintError),
        ("00", 0, SurplusColumnError),
        ("0000", 1, SurplusColumnError),
        ("00", 1 << 40, TruncatedColumnError),
    ],
)
def test_each_fault_has_its_name(
    text: str, count: int, error: type[FormatError] | None
) -> None:
    if error is None:
        assert decode_integers(bytes.fromhex(text), count, 0).tolist() == [LOWEST]
    else:
        with pytest.raises(error):
            decode_integers(bytes.fromhex(text), count, 0)


@pytest.mark.parametrize("order", [-1, 3])
def test_orders_are_0_to_2(order: int) -> None:
    with pytest.raises(UsageError, match="order"):
        encode_integers(array("q"), order)
    with pytest.raises(UsageError, match="order"):
        decode_integers(b"", 0, order)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(UsageError, match="count"):
        decode_integers(b"", -1, 0)


@given(
    values=st.lists(
        st.floats(-1e12, 1e12) | st.just(math.nan) | st.floats(), max_size=40
    ),
    exponent=st.integers(-22, 22),
)
def test_quantises_as_the_reference(values: list[float], exponent: int) -> None:
    out, nulls = array("q", [7]) * len(values), bytearray(b"\7" * len(values))
    try:
        expected = reference.quantise(values, exponent)
    except OverflowError:
        with pytest.raises(UsageError, match="does not fit"):
            quantise(array("d", values), exponent, out, nulls)
    else:
        quantise(array("d", values), exponent, out, nulls)
        assert (out.tolist(), list(nulls)) == expected


def test_halves_go_to_even_and_gaps_repeat() -> None:
    values = array("d", [math.nan, 0.5, 1.5, math.nan, -2.5, 230.25])
    out, nulls = array("q", bytes(48)), bytearray(6)
    quantise(values, 0, out, nulls)
    assert out.tolist() == [0, 0, 2, 2, -2, 230]
    assert nulls == b"\1\0\0\1\0\0"


def test_quantise_checks_lengths_and_exponent() -> None:
    one = array("d", [1.0])
    with pytest.raises(UsageError, match="as many"):
        quantise(one, 0, array("q"), bytearray(1))
    with pytest.raises(UsageError, match="as many"):
        quantise(one, 0, array("q", [0]), bytearray(2))
    with pytest.raises(UsageError, match="exponent"):
        quantise(one, 23, array("q", [0]), bytearray(1))


@given(marks=st.lists(st.integers(0, 1), max_size=50).map(bytes))
def test_runs_come_back(marks: bytes) -> None:
    assert decode_runs(encode_runs(marks), len(marks)) == marks


@given(data=st.binary(max_size=12), count=st.integers(0, 50))
@example(data=b"\0", count=0)
def test_any_bytes_are_runs_or_a_named_error(data: bytes, count: int) -> None:
    try:
        marks = decode_runs(data, count)
    except FormatError:
        return
    assert len(marks) == count
    assert encode_runs(marks) == data


@pytest.mark.parametrize("runs", [[2, 0, 1], [4], [2], [-1, 4], [3, 1 << 62], [0, 0]])
def test_runs_must_sum_up_to_the_rows(runs: list[int]) -> None:
    with pytest.raises(BadRunsError):
        decode_runs(encode_integers(array("q", runs), 0), 3)


@pytest.mark.parametrize("typecode", ["d", "f"])
def test_floats_are_little_endian(typecode: str) -> None:
    values = array(typecode, [1.5, -0.0, math.inf, 1e-30])
    data = encode_floats(values)
    assert data[values.itemsize - 2 : values.itemsize] in (b"\xf8\x3f", b"\xc0\x3f")
    assert decode_floats(data, 4, typecode) == values
    with pytest.raises(TruncatedColumnError):
        decode_floats(data[:-1], 4, typecode)
    with pytest.raises(SurplusColumnError):
        decode_floats(data, 3, typecode)
