"""Periods and Schedule: the grid, and who is first."""

from hypothesis import assume, given
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
    assert periods.next_ns == now
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


def cost_of(periods_ms: list[int], overload: float) -> float:
    """Return what a read takes when all units want *overload* times what there is."""
    return overload / sum(1 / period for period in periods_ms)


def served_shares(periods_ms: list[int], overload: float, slots: int) -> list[float]:
    """Serve units that want *overload* times what there is; return what each got.

    Each read takes as long as makes all of them want that much.
    """
    schedule = Schedule()
    units = [Periods([period], 0) for period in periods_ms]
    cost = cost_of(periods_ms, overload)
    served = [0] * len(units)
    for unit, periods in enumerate(units):
        schedule.put(unit, 0, periods.urgency_ns)
    now = 0.0
    end = slots * max(periods_ms)
    while now < end:
        unit = schedule.take(int(now))
        if unit is None:
            now = max(now + 1e-6, schedule.next_release_ns)
            continue
        units[unit].collect(int(now))
        served[unit] += 1
        now += cost
        schedule.put(unit, units[unit].next_ns, units[unit].urgency_ns)
    return [n * period / end for n, period in zip(served, periods_ms, strict=True)]


@given(
    st.lists(st.sampled_from([1000, 2000, 5000, 10_000]), min_size=8, max_size=32),
    st.floats(1.5, 4.0),
)  # fmt: skip
def test_overload_degrades_evenly(periods_ms: list[int], overload: float) -> None:
    """Whatever the periods, each unit gets the same part of what it wants."""
    assume(cost_of(periods_ms, overload) < 400)
    shares = served_shares(periods_ms, overload, 60)
    assert max(shares) - min(shares) < 0.10
    # Nothing is wasted: the parts add up to what there is.
    assert sum(shares) / len(shares) > 0.9 / overload


def test_what_can_be_kept_is_kept() -> None:
    shares = served_shares([1000] * 4 + [2000] * 4 + [10_000] * 4, 0.8, 20)
    assert min(shares) > 0.95


def test_a_units_long_periods_come_with_its_short_ones() -> None:
    """Overloaded, a unit that is read at all is read with all that is due."""
    periods = Periods([1000, 10_000], 0)
    got = [0, 0]
    for now in range(0, 600_000, 2500):
        for group in periods.collect(now):
            got[group] += 1
    assert got == [240, 60]
    # The last two of 600 slots were still to come.
    assert periods.missed_ns == (600 - 2 - 240) * 1000
