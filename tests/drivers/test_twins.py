"""Counters of twins, and of meters that only look like some."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.points import Point
from zerometer.drivers.twins import RUN, Track, tracked


def run(values: list[float], track: Track | None = None) -> list[bool]:
    """Return, after each of *values*, whether twins are seen."""
    track = track or Track()
    seen = []
    for value in values:
        if not track.passes(value):
            assert track.fell_from(value) is None
            track.take(value)
        seen.append(track.twins)
    return seen


def counted(start: float, steps: list[float]) -> list[float]:
    return list(accumulate(steps, initial=start))


STEPS = st.lists(st.floats(0, 50), min_size=1, max_size=60)
FAR = 1e6  # from one counter to the other, far more than is counted


@given(STEPS)
def test_a_counter_that_rises_is_one(steps: list[float]) -> None:
    assert not any(run(counted(1234.5, steps)))


@given(STEPS, STEPS)
def test_a_reset_is_none(before: list[float], after: list[float]) -> None:
    assert not any(run(counted(FAR, before) + counted(0.25, after)))


@given(st.integers(0, 65_535), st.lists(st.integers(0, 20_000), max_size=80))
def test_a_counter_that_rolls_over_is_one(start: int, steps: list[int]) -> None:
    values = [float(v % 65_536) for v in accumulate(steps, initial=start)]
    assert not any(run(values))


@given(STEPS, st.data(), st.floats(0, 1e9))
def test_a_single_wrong_value_is_none(
    steps: list[float], data: st.DataObject, wrong: float
) -> None:
    values = counted(1234.5, steps)
    values[data.draw(st.integers(0, len(values) - 1))] = wrong
    assert not any(run(values))


@given(st.lists(st.sampled_from([1.0 - 4e-7, 1.0, 1.0 + 4e-7]), max_size=80))
def test_rounding_is_none(noise: list[float]) -> None:
    assert not any(run([54_321.0 * factor for factor in noise]))


@given(st.lists(st.sampled_from([0.0, 5000.0]), max_size=40))
def test_a_meter_that_says_nought_at_times_is_one(values: list[float]) -> None:
    assert not any(run(values))


@given(STEPS)
def test_a_counter_below_zero_is_one(steps: list[float]) -> None:
    assert not any(run([-value for value in counted(10.0, steps)]))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 50)), min_size=1, max_size=60))
def test_twins_are_seen_once_they_came_back_twice(
    turns: list[tuple[bool, float]],
) -> None:
    """Against a plain count of the returns to the higher counter since the fall."""
    counters = [500.0, 500.0 + FAR]
    values, expected = [], False
    returns, left, before = 0, 0, False
    for first, (high, step) in zip([True, *[False] * 60], turns, strict=False):
        counters[high] += step
        values.append(counters[high])
        if left:
            left -= 1
            returns += high and not before
            if returns >= 2:
                expected, returns, left = True, 0, RUN
        elif before and not high and not first:
            left, returns = RUN, 0
        if expected and not left:
            expected = False
        before = high
    assert run(values)[-1] == expected


def test_twins_that_answer_by_turns() -> None:
    values = [value for i in range(10) for value in (1000.0 + i, 50.0 + i)]
    assert run(values).index(True) == 4


def test_when_one_of_the_twins_is_gone_it_is_over() -> None:
    values = [value for i in range(5) for value in (1000.0 + i, 50.0 + i)]
    seen = run(values + [60.0 + i for i in range(2 * RUN)])
    assert seen[len(values) - 1]
    assert not seen[-1]


@pytest.mark.parametrize(
    ("modulus", "before", "after", "fell"),
    [
        (None, 500.0, 499.0, True),
        (None, 500.0, 500.0, False),
        (None, 500.0, 700.0, False),
        (None, 500.0, 499.9999, False),
        (None, 500.0, 0.0, True),
        (65_536.0, 65_000.0, 12.0, False),
        (65_536.0, 500.0, 12.0, True),
        (None, -500.0, -510.0, False),
    ],
)
def test_a_counter_that_fell_while_its_meter_was_away(
    modulus: float | None, before: float, after: float, fell: bool
) -> None:
    track = Track(modulus)
    assert track.passes(before)
    track.absent()
    track.absent()
    assert not track.passes(after)
    assert track.fell_from(after) == (abs(before) if fell else None)
    track.take(after)
    assert track.passes(after)
    assert not track.twins


def test_after_an_absence_without_a_value_before_nothing_is_compared() -> None:
    track = Track()
    track.absent()
    assert track.passes(5.0)


def test_the_first_counter_of_energy_is_followed() -> None:
    points = [
        Point(name="p", function=3, address=0, type="u16", group="power"),
        Point(name="h", function=3, address=1, type="u16", kind="counter"),
        *(
            Point(
                name=name,
                function=3,
                address=2,
                type="u16",
                kind="counter",
                group="energy",
            )
            for name in ("e", "f")
        ),
    ]
    assert tracked(points, ()) == 2
    assert tracked(points, {2}) == 3
    assert tracked(points[:2], ()) == -1
