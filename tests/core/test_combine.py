"""Flows as sums of measures: against plain sums, and by what cannot be."""

from array import array
from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core._combine import combine
from zerometer.core.errors import UsageError

#: Flows of three measures: each with times.
TERMS = [[(0, 1.0), (1, -1.0), (2, -0.5)], [], [(2, 3.6)]]
STARTS, NUMBERS = array("i", [0, 3, 3, 4]), array("i", [0, 1, 2, 2])
TIMES = array("d", [1.0, -1.0, -0.5, 3.6])


def combined(rows: list[tuple[float, float, float]]) -> tuple[list[float], list[float]]:
    measured = array("d", (value for row in rows for value in row))
    flows, short = array("d", bytes(24 * len(rows))), array("d", [0.0] * 3)
    combine(measured, len(rows), STARTS, NUMBERS, TIMES, flows, short)
    return list(flows), list(short)


amounts = st.integers(0, 100).map(float)


@given(st.lists(st.tuples(amounts, amounts, amounts), max_size=8))
def test_flows_are_sums_and_never_negative(
    rows: list[tuple[float, float, float]],
) -> None:
    flows, short = combined(rows)
    sums = [
        sum(row[number] * times for number, times in terms)
        for row in rows
        for terms in TERMS
    ]
    assert flows == [max(amount, 0.0) for amount in sums]
    assert short == [sum(min(a, 0.0) for a in sums[i::3]) for i in range(3)]


def test_what_is_negative_by_rounding_is_nothing() -> None:
    flows, short = combined([(0.3, 0.1 + 0.2, 0.0)])
    assert 0.3 - (0.1 + 0.2) < 0
    assert (flows[0], short[0]) == (0.0, 0.0)


def test_what_is_not_known_makes_no_sum() -> None:
    flows, short = combined([(nan, 1.0, 2.0)])
    assert isnan(flows[0])
    assert (flows[2], short) == (7.2, [0.0, 0.0, 0.0])


def test_wrong_tables_are_named() -> None:
    d = array("d", [1.0, 2.0, 3.0])
    good = [d, 1, STARTS, NUMBERS, TIMES, d[:], d[:]]
    for at, wrong, message in [
        (1, 2, "do not fit"),
        (2, array("i", [0, 3, 2, 4]), "flow 1 - ends before it begins"),
        (3, array("i", [0, 1, 2, 3]), "measure - 3 - below 3"),
        (4, d, "do not fit"),
        (6, d[:2], "do not fit"),
    ]:
        arguments = [*good[:at], wrong, *good[at + 1 :]]
        with pytest.raises(UsageError, match=message):
            combine(*arguments)  # type: ignore[arg-type]
