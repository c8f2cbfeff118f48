"""What a bus has to do, computed: against the loop's own periods and requests."""

from collections import Counter
from dataclasses import replace
from math import lcm

import pytest
from harness.buses import MS, unit_plan
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import Hole
from zerometer.core.points import LineSettings, Point
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.schedule import Periods
from zerometer.drivers.turnaround import ASSUMED_NS
from zerometer.drivers.unit import Unit
from zerometer.drivers.unit_plan import UnitPlan
from zerometer.drivers.workload import UnitLoad, bus_load, unit_load

LINE = LineSettings(baud=9600)
TURNAROUND_NS = 20 * MS
KNOWN = UnitMemory(turnaround_ns=TURNAROUND_NS)
#: One register: 15 characters of 10 bits, the turnaround, 3.5 characters of silence.
CHARACTER_NS = 1_041_666
ONE_NS = 15 * CHARACTER_NS + TURNAROUND_NS + 7 * CHARACTER_NS // 2

POINTS = [
    Point(name=f"p{address}", function=3, address=address, type="u16")
    for address in (0, 100, 101, 300, 301)
]


def load_of(plan: UnitPlan) -> UnitLoad:
    return unit_load(plan, LINE, KNOWN)


def test_a_single_register_each_second() -> None:
    load = load_of(unit_plan("m", 1, POINTS[:1], period_ms=1000))
    (cycle,) = load.cycles
    (request,) = cycle.requests
    assert request.points == ("p0",)
    assert (request.block.address, request.block.count) == (0, 1)
    assert request.cost_ns == cycle.cost_ns == load.poll_ns == ONE_NS
    assert cycle.interval_ns == 1000 * MS
    assert load.share == load.pace == pytest.approx(ONE_NS / 1e9)


@given(
    periods_ms=st.lists(
        st.sampled_from([20, 30, 40, 60, 100, 120]), min_size=1, max_size=5
    )
)
def test_what_is_due_together_is_what_the_loop_collects(periods_ms: list[int]) -> None:
    plan = unit_plan("m", 1, POINTS[: len(periods_ms)], periods_ms=periods_ms)
    load = load_of(plan)
    distinct_ns = list(dict.fromkeys(period * MS for period in periods_ms))
    whole_ns = lcm(*distinct_ns)
    periods = Periods(distinct_ns, 0)
    collected: Counter[tuple[int, ...]] = Counter()
    while (now_ns := periods.next_ns) < whole_ns:
        collected[tuple(distinct_ns[group] for group in periods.collect(now_ns))] += 1
    assert {c.periods_ns: c.interval_ns for c in load.cycles} == {
        due: round(whole_ns / times) for due, times in collected.items()
    }
    busy_ns = sum(cycle.cost_ns * collected[cycle.periods_ns] for cycle in load.cycles)
    assert load.share == pytest.approx(busy_ns / whole_ns)


def test_the_requests_are_those_that_the_loop_makes() -> None:
    ratio = Point(name="ct", function=3, address=5, type="u16", group="ratio")
    times = replace(POINTS[1], times=("ct",))
    points = [POINTS[0], times, ratio, *POINTS[2:]]
    plan = unit_plan("m", 1, points, periods_ms=[40, 40, 40, 80, 80, 120])
    unit = Unit(plan, LINE, 10**8, 0, lambda: 0.5)
    made = {c.periods_ns: [r.block for r in c.requests] for c in load_of(plan).cycles}
    ratios_ns = 600_000 * MS
    expected = {
        0: (40 * MS, ratios_ns, 80 * MS, 120 * MS),
        40 * MS: (40 * MS,),
        80 * MS: (40 * MS, 80 * MS),
        120 * MS: (40 * MS, 120 * MS),
    }
    for now_ns, due in expected.items():
        unit.begin_cycle(now_ns)
        assert [read.block for read in unit.pending] == made[due]
        unit.pending.clear()


def test_a_pause_after_each_request_is_the_meters_time_not_the_buss() -> None:
    plan = unit_plan("m", 1, [POINTS[0], POINTS[3]], period_ms=100)
    slow = unit_plan(
        "m", 1, [POINTS[0], POINTS[3]], period_ms=100,
        limits=ReadLimits(min_delay_ms=50),
    )  # fmt: skip
    assert load_of(slow).share == load_of(plan).share == load_of(plan).pace
    assert load_of(slow).pace == pytest.approx(load_of(plan).pace + 1.0)


def test_each_meter_has_its_own_turnaround_and_one_without_points_none() -> None:
    plans = [
        unit_plan("quick", 1, POINTS[:1]),
        unit_plan("none", 2, []),
        unit_plan("slow", 3, POINTS[:1]),
    ]
    quick, slow = bus_load(plans, LINE, {"quick": UnitMemory(turnaround_ns=3 * MS)})
    assert (quick.plan.meter, slow.plan.meter) == ("quick", "slow")
    assert slow.turnaround_ns == ASSUMED_NS
    assert slow.poll_ns - quick.poll_ns == ASSUMED_NS - 3 * MS


def test_what_was_learnt_counts() -> None:
    plan = unit_plan("m", 1, POINTS, period_ms=1000)
    holes = (Hole(3, 100, 102),)
    memory = UnitMemory(holes=holes, max_registers=1, refused=("p300",))
    load = unit_load(plan, LINE, memory)
    (cycle,) = load.cycles
    assert [request.points for request in cycle.requests] == [
        ("p0",), ("p100",), ("p101",), ("p301",)
    ]  # fmt: skip
    assert load.max_registers == 1
    unit = Unit(plan, LINE, 10**8, 0, lambda: 0.5, memory)
    unit.begin_cycle(0)
    refused, asked = unit.pending[-1], list(unit.pending)[:-1]
    assert [read.block for read in asked] == [r.block for r in cycle.requests]
    assert (refused.block.address, refused.health.down) == (300, True)


def test_addresses_that_hold_whole_values_cost_their_bytes() -> None:
    whole = Point(name="energy", function=3, address=0, type="u32")
    usual = load_of(unit_plan("m", 1, [whole], period_ms=100))
    limits = ReadLimits(registers_per_address=2)
    wide = load_of(unit_plan("m", 1, [whole], period_ms=100, limits=limits))
    assert [c.requests[0].block.count for c in (usual.cycles[0], wide.cycles[0])] == [
        2, 1
    ]  # fmt: skip
    assert wide.poll_ns == usual.poll_ns
