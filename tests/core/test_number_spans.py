"""Ranges of whole numbers, beside a plain set of the same numbers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.number_spans import Intervals, Span, count

SPANS = st.tuples(st.integers(1, 40), st.integers(0, 9)).map(
    lambda drawn: (drawn[0], drawn[0] + drawn[1])
)
WINDOWS = st.tuples(st.integers(-2, 52), st.integers(-2, 52))


def numbers(spans: list[Span]) -> list[int]:
    """Return the numbers in *spans*, in their order."""
    return [n for first, last in spans for n in range(first, last + 1)]


@given(st.lists(st.tuples(st.booleans(), SPANS)), WINDOWS)
def test_they_hold_what_a_set_holds(
    steps: list[tuple[bool, Span]], window: Span
) -> None:
    spans = Intervals()
    there: set[int] = set()
    for adds, (first, last) in steps:
        those = set(range(first, last + 1))
        if adds:
            spans.add(first, last)
            there |= those
        else:
            spans.remove(first, last)
            there -= those
    assert numbers(spans.spans()) == sorted(there)
    assert count(spans.spans()) == len(there)
    assert [n for n in range(-2, 60) if n in spans] == sorted(there)
    # Neighbours are one range.
    assert all(a[1] + 1 < b[0] for a, b in pairwise(spans.spans()))
    within = range(window[0], window[1] + 1)
    present, absent = list(spans.present(*window)), list(spans.absent(*window))
    assert numbers(present) == [n for n in within if n in there]
    assert numbers(absent) == [n for n in within if n not in there]


@given(st.lists(SPANS), st.lists(SPANS))
def test_a_union_holds_what_either_holds(one: list[Span], other: list[Span]) -> None:
    both = Intervals(one).union(Intervals(other))
    assert both.spans() == Intervals([*other, *one]).spans()


@pytest.mark.parametrize(
    ("covered", "absent"),
    [
        ([], [(1, 9)]),
        ([(2, 3)], [(1, 1), (4, 9)]),
        ([(1, 5), (2, 3), (7, 7)], [(6, 6), (8, 9)]),
        ([(7, 9), (1, 3)], [(4, 6)]),
        ([(1, 4), (5, 12)], []),
    ],
)
def test_what_is_absent(covered: list[Span], absent: list[Span]) -> None:
    assert list(Intervals(covered).absent(1, 9)) == absent
