"""What a bus tells of itself: counts, smoothed times, recent lateness."""

from harness.buses import FAST, MS, running_bus, unit_plan
from harness.pymodbus_units import PymodbusUnits
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import Point
from zerometer.drivers.statistics import Recent, Tally

MINUTE_NS = 60_000_000_000


def test_a_unit_tells_what_it_takes_and_what_it_refuses() -> None:
    points = [
        Point(name=f"p{address}", function=3, address=address, type="u16")
        for address in (0, 1, 40)
    ]
    limits = ReadLimits(max_registers=30)
    with (
        PymodbusUnits({1: [(0, [1, 2])]}) as far,
        running_bus(far.port, [unit_plan("m", 1, points, limits=limits)]) as bus,
    ):
        loop, watched = bus
        watched.wait(lambda: bool(watched.said("exception")))
        watched.wait(lambda: len(watched.readings) >= 6)
        statistics = loop.statistics()
    (unit,) = statistics.units
    assert unit.refused == ("p40",)
    assert (unit.reads, unit.max_registers, unit.retries) == (2, 30, 0)
    assert 0 < unit.timeout_ns <= 200 * MS
    # A transaction of two registers is 17 bytes on the wire.
    assert abs(unit.latency_ns - unit.turnaround_ns - 17 * FAST.character_ns) < 2 * MS
    assert 0 < unit.lateness_ns <= statistics.lateness_max_ns
    assert not statistics.overloaded


def test_an_overload_is_told_as_long_as_it_lasts() -> None:
    plans = [
        unit_plan(f"m{n}", n, [Point(name="p", function=3, address=0, type="u16")],
                  period_ms=1)
        for n in (1, 2)
    ]  # fmt: skip
    with (
        PymodbusUnits({1: [(0, [1])], 2: [(0, [1])]}) as far,
        running_bus(far.port, plans) as (loop, watched),
    ):
        watched.wait(lambda: bool(watched.said("overload")))
        statistics = loop.statistics()
    assert statistics.overloaded
    assert statistics.skipped >= 10
    assert sum(unit.skipped for unit in statistics.units) == statistics.skipped
    assert len(watched.said("overload")) == 1


def test_latency_is_smoothed() -> None:
    tally = Tally()
    tally.replied(7, 100)
    assert (tally.good, tally.last_good_ns, tally.latency_ns) == (1, 7, 100)
    tally.replied(9, 900)
    assert (tally.good, tally.last_good_ns, tally.latency_ns) == (2, 9, 200)


@given(
    st.lists(st.tuples(st.integers(0, MINUTE_NS), st.integers(0, 100)), min_size=1),
    st.integers(0, 4 * MINUTE_NS),
)
def test_the_largest_of_the_last_minute_is_known(
    noted: list[tuple[int, int]], later_ns: int
) -> None:
    recent = Recent()
    now_ns = 0
    seen = []
    for after_ns, number in noted:
        now_ns += after_ns
        recent.note(now_ns, number)
        seen.append((now_ns, number))
    now_ns += later_ns
    largest = recent.largest(now_ns)
    last_minute = [n for time_ns, n in seen if now_ns - time_ns < MINUTE_NS]
    last_minutes = [n for time_ns, n in seen if now_ns - time_ns < 2 * MINUTE_NS]
    assert max(last_minute, default=0) <= largest <= max(last_minutes, default=0)


def test_many_corrupted_replies_among_good_ones_are_noise() -> None:
    tally = Tally()
    for _ in range(10):
        tally.error("crc")
    assert not tally.noisy, "it never answers well"
    tally.good = 100
    assert tally.noisy
    tally.good = 101
    assert not tally.noisy
