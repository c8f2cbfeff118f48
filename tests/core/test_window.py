"""The int64 ledger: every division adds up, no residual is lost."""

import math
from array import array
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from reference import window as reference

from zerometer.core._window import add_rows, apportion, ledger_total
from zerometer.core.errors import UsageError

amounts = st.one_of(
    st.floats(-1e6, 1e6), st.floats(-1e15, 1e15), st.integers(-50, 50).map(float)
)
fractions = st.floats(-1.0, 1.0)


def divide(
    parts: list[float], total: int, residuals: list[float]
) -> tuple[list[int], list[float]]:
    out, carried = array("q", [0] * len(parts)), array("d", residuals)
    apportion(array("d", parts), total, carried, out)
    return list(out), list(carried)


def test_the_largest_remainders_get_what_is_left() -> None:
    assert divide([1.3, 1.3, 1.4], 4, [0.0] * 3)[0] == [1, 1, 2]
    assert divide([0.5, 0.5], 1, [0.0, 0.0]) == ([1, 0], [-0.5, 0.5])
    assert divide([-1.5, 3.5], 2, [0.0, 0.0])[0] == [-1, 3]
    assert divide([], 0, []) == ([], [])


def test_carried_residuals_even_out() -> None:
    residuals, booked = [0.0, 0.0, 0.0], [0, 0, 0]
    for _ in range(300):
        units, residuals = divide([1 / 3, 1 / 3, 1 / 3], 1, residuals)
        booked = [a + b for a, b in zip(booked, units, strict=True)]
    assert booked == [100, 100, 100]


def test_a_residual_survives_a_great_amount() -> None:
    residuals = [0.25, 0.25]
    for _ in range(1000):
        units, residuals = divide([1e15, -1e15], 0, residuals)
        assert sum(units) == 0
    assert residuals == [0.25, 0.25]


@given(st.lists(st.tuples(amounts, fractions), min_size=1, max_size=12), st.data())
def test_units_sum_to_the_total_and_equal_the_reference(
    rows: list[tuple[float, float]], data: st.DataObject
) -> None:
    parts, residuals = [row[0] for row in rows], [row[1] for row in rows]
    exact = sum(map(Fraction, parts)) + sum(map(Fraction, residuals))
    total = round(exact) + data.draw(st.integers(-1, 1))
    assume(abs(total - exact) <= 1)
    units, carried = divide(parts, total, residuals)
    plain_units, plain_carried = reference.apportion(parts, total, residuals)
    assert sum(units) == total
    # Remainders that differ by less than a double's rounding may swap a unit.
    assert all(abs(a - b) <= 1 for a, b in zip(units, plain_units, strict=True))
    if units == plain_units:
        assert carried == pytest.approx(plain_carried, abs=1e-15)
    for part, residual, n, left in zip(parts, residuals, units, carried, strict=True):
        assert Fraction(part) + Fraction(residual) - n == pytest.approx(left, abs=1e-9)


@given(st.floats(-1e17, 1e17), st.floats(-0.5, 0.5))
def test_ledger_total_is_the_reference(value: float, residual: float) -> None:
    units, left = ledger_total(value, residual)
    plain_units, plain_left = reference.ledger_total(value, residual)
    assert -0.5 <= left <= 0.5
    assert units + Fraction(left) == pytest.approx(plain_units + Fraction(plain_left))
    assert abs(units - plain_units) <= 1


@given(st.integers(1, 5), st.lists(st.floats(-1e12, 1e12), max_size=40))
def test_sums_are_as_if_rounded_once(width: int, values: list[float]) -> None:
    rows = values[: len(values) // width * width]
    sums, carries = array("d", [0.0] * width), array("d", [0.0] * width)
    cut = len(rows) // width // 2 * width
    add_rows(sums, carries, array("d", rows[:cut]))
    add_rows(sums, carries, array("d", rows[cut:]))
    got = [a + b for a, b in zip(sums, carries, strict=True)]
    assert got == pytest.approx(reference.column_sums(width, rows), rel=1e-15, abs=1e-9)


def test_sums_keep_what_plain_addition_loses() -> None:
    sums, carries = array("d", [0.0]), array("d", [0.0])
    add_rows(sums, carries, array("d", [1.0, 1e100, 1.0, -1e100]))
    assert sums[0] + carries[0] == 2.0


def test_wrong_use_is_named() -> None:
    out = array("q", [7])
    for parts, total, residuals, message in [
        ([1.0], 1, [0.0, 0.0], "not all of length"),
        ([1.0], 2**62, [0.0], "total - 4611686018427387904"),
        ([2.0**62], 1, [0.0], "not numbers below"),
        ([math.nan], 1, [0.0], "not numbers below"),
        ([1.0], 5, [0.0], "total - 5 - the sum of the parts, 1.0"),
        ([1.0], -3, [0.0], "total - -3"),
    ]:
        carried = array("d", residuals)
        with pytest.raises(UsageError, match=message):
            apportion(array("d", parts), total, carried, out)
        assert (list(out), list(carried)) == ([7], residuals)
    with pytest.raises(UsageError, match="total - 1"):
        apportion(array("d"), 1, array("d"), array("q"))
    with pytest.raises(UsageError, match="below 2"):
        ledger_total(math.inf, 0.0)
    with pytest.raises(UsageError, match="whole rows of 2"):
        add_rows(array("d", [0, 0]), array("d", [0, 0]), array("d", [1.0]))
    with pytest.raises(UsageError, match="whole rows of 0"):
        add_rows(array("d"), array("d"), array("d", [1.0]))
    with pytest.raises(UsageError, match="carries"):
        add_rows(array("d", [0.0]), array("d"), array("d"))
