"""Energy over ticks: what is added is added, and no tick turns negative."""

from itertools import accumulate, pairwise
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.spans import Spans, spread

energies = st.lists(st.just(0.0) | st.floats(1e-60, 1e6), min_size=1, max_size=20)


@st.composite
def ticks(
    draw: st.DrawFn,
) -> tuple[list[float], list[int], list[tuple[int, int]]]:
    """Return energies, unseen times and spans of some ticks."""
    column = draw(energies)
    lengths = [draw(st.integers(1, 60 * 10**9)) for _ in column]
    edges = [0, *accumulate(lengths)]
    unseen = [length if draw(st.booleans()) else 0 for length in lengths]
    return column, unseen, list(pairwise(edges))


@given(ticks(), st.floats(-1e6, 1e6))
def test_a_difference_is_added_as_far_as_there_is_something(
    drawn: tuple[list[float], list[int], list[tuple[int, int]]], difference: float
) -> None:
    column, unseen, times = drawn
    settled = spread(column, difference, unseen, times)
    assert min(settled) >= 0.0
    wanted = max(sum(column) + difference, 0.0)
    if sum(column) == 0.0 and difference < 0.0:
        wanted = 0.0
    assert sum(settled) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_gaps_are_filled_first_and_evenly() -> None:
    times = [(0, 10), (10, 30), (30, 40)]
    assert spread([5.0, 0.0, 0.0], 6.0, [0, 20, 10], times) == [5.0, 4.0, 2.0]


def test_without_gaps_the_shape_stays() -> None:
    times = [(0, 10), (10, 20), (20, 30)]
    assert spread([1.0, 0.0, 3.0], 4.0, [0, 0, 0], times) == [2.0, 0.0, 6.0]
    assert spread([1.0, 0.0, 3.0], -2.0, [0, 0, 0], times) == [0.5, 0.0, 1.5]


def test_without_a_shape_time_is_the_shape() -> None:
    assert spread([0.0, 0.0], 3.0, [0, 0], [(0, 10), (10, 30)]) == [1.0, 2.0]
    assert spread([0.0, 0.0], -3.0, [0, 0], [(0, 10), (10, 30)]) == [0.0, 0.0]


def test_ticks_of_several_flows() -> None:
    spans = Spans(2)
    spans.add(0, 10, [1.0, nan])
    spans.add(10, 30, [2.0, 4.0])
    assert list(spans.column(1)) == [0.0, 4.0]
    assert spans.unseen_ns(0) == [0, 0]
    assert spans.unseen_ns(1) == [10, 0]
    assert spans.seen_ns(0, 2) == 25.0
    spans.replace(1, [3.0, 5.0])
    again = Spans(2)
    again.restore(spans.state(), 2, [(0, 1.0), (1, 1.0)])
    assert list(again.column(0)) == [1.0, 2.0]
    assert list(again.column(1)) == [3.0, 5.0]
    assert again.state() == spans.state()
    spans.clear()
    assert spans.state() == Spans(2).state()


def test_a_site_without_flows_is_all_seen() -> None:
    spans = Spans(0)
    spans.add(0, 10, [])
    assert spans.seen_ns(0, 1) == 10.0
