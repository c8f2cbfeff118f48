"""Periods and Schedule: the grid, and who is first."""

from hypothesis import given
from hypothesis import strategies as st

from zerometer.drivers.schedule import NEVER_NS, Periods, Schedule


def test_groups_are_due_together_where_periods_coincide() -> None:
    periods = Periods([10, 30], 100)
    seen = []
    for now in range(100, 170):
        if periods.next_ns <= now:
            seen.append((now, periods.collect(now)))
    assert seen == [
        (100, (0, 1)), (110, (0,)), (120, (0,)), (130, (0, 1)), (140, (0,)),
        (150, (0,)), (160, (0, 1)),
    ]  # fmt: skip
    assert periods.skipped == 0


def test_missed_slots_are_skipped_and_counted() -> None:
    periods = Periods([10], 0)
    assert periods.collect(35) == (0,)
    assert periods.skipped == 3
    assert periods.next_ns == 40


def test_nothing_is_due_early() -> None:
    periods = Periods([10], 50)
    assert periods.collect(49) == ()


@given(
    periods_ns=st.lists(st.integers(1, 1000), min_size=1, max_size=5),
    start=st.integers(0, 5000),
    now=st.integers(0, 20_000),
)
def test_hastening_makes_all_due_on_the_grid(
    periods_ns: list[int], start: int, now: int
) -> None:
    periods = Periods(periods_ns, start)
    periods.collect(now)
    before = periods.skipped
    periods.hasten(now)
    assert periods.collect(now) == tuple(range(len(periods_ns)))
    assert periods.skipped == before
    assert periods.next_ns > now
    phases = {(periods.next_ns - start) % period for period in periods_ns}
    assert 0 in phases


def test_the_earliest_deadline_of_those_released_is_first() -> None:
    schedule = Schedule()
    schedule.put(0, 10, 90)
    schedule.put(1, 20, 30)
    schedule.put(2, 20, 50)
    assert schedule.take(9) is None
    assert schedule.next_release_ns == 10
    assert [schedule.take(20) for _ in range(4)] == [1, 2, 0, None]


def test_put_first_comes_before_equal_deadlines_only() -> None:
    schedule = Schedule()
    schedule.put(0, 10, 50)
    schedule.put(1, 10, 40)
    schedule.put_first(2, 10, 50)
    schedule.put_first(3, 10, 50)
    assert [schedule.take(10) for _ in range(4)] == [1, 3, 2, 0]
    assert schedule.next_release_ns == NEVER_NS


def test_overload_degrades_evenly() -> None:
    """Three units want the bus twice as often as it can: each gets its third."""
    schedule = Schedule()
    periods = [Periods([10], 0) for _ in range(3)]
    served = [0, 0, 0]
    for unit in range(3):
        schedule.put(unit, 0, 10)
    for now in range(0, 6000, 7):
        unit = schedule.take(now)
        if unit is not None:
            periods[unit].collect(now)
            served[unit] += 1
            due = periods[unit].next_ns
            schedule.put(unit, due, due + 10)
    assert max(served) - min(served) <= 1
