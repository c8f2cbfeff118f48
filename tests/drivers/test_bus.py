"""BusLoop on a line that pymodbus serves."""

import math
import time
from dataclasses import replace

import pytest
from harness.buses import running_bus, unit_plan
from harness.pymodbus_units import PymodbusUnits

from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import Point, Quality

VOLTAGE = Point(name="voltage", function=3, address=0, type="u16", scale=0.1)
CURRENT = Point(name="current", function=3, address=4, type="i16", scale=0.01)
ENERGY = Point(name="energy", function=4, address=10, type="u32", order="CDAB")


def test_values_arrive_decoded() -> None:
    registers = [(0, [2301, 0, 0, 0, 65_036]), (10, [0x5678, 0x1234])]
    with (
        PymodbusUnits({7: registers}) as far,
        running_bus(far.port, [unit_plan("m", 7, [VOLTAGE, CURRENT, ENERGY])]) as bus,
    ):
        loop, watched = bus
        watched.wait(lambda: len(watched.readings) >= 4)
    first, second = watched.readings[:2]
    assert [round(value, 6) for value in first.values] == [230.1, -5.0]
    assert first.points == (0, 1)
    assert list(second.values) == [0x12345678]
    assert second.points == (2,)
    assert set(first.qualities + second.qualities) == {Quality.MEASURED}
    assert first.time_ns < second.time_ns < time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert not watched.notices
    statistics = loop.statistics()
    assert statistics.readings == len(watched.readings)
    assert statistics.units[0].good == statistics.transactions
    assert not statistics.alive


def test_periods_are_kept_and_coinciding_groups_are_read_together() -> None:
    plan = unit_plan("m", 1, [VOLTAGE, CURRENT], periods_ms=[40, 200])
    with (
        PymodbusUnits({1: [(0, [1, 2, 3, 4, 5])]}) as far,
        running_bus(far.port, [plan]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 11)
    points = [reading.points for reading in watched.readings[:11]]
    assert points == [(0, 1), *[(0,)] * 4] * 2 + [(0, 1)]
    spacing = [
        later.time_ns - earlier.time_ns
        for earlier, later in zip(watched.readings, watched.readings[1:], strict=False)
    ]
    assert 39e6 < sum(spacing) / len(spacing) < 41e6


def test_ratio_registers_multiply_and_come_first() -> None:
    ratio = Point(name="ct", function=3, address=2, type="u16", group="ratio")
    power = Point(
        name="power", function=3, address=0, type="u16", ratio="register", times=("ct",)
    )
    with (
        PymodbusUnits({1: [(0, [50, 0, 120])]}) as far,
        running_bus(far.port, [unit_plan("m", 1, [power, ratio])]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 3)
    assert [list(reading.values) for reading in watched.readings[:3]] == [
        [120.0], [6000.0], [6000.0],
    ]  # fmt: skip


def test_without_its_ratio_a_point_is_missing() -> None:
    ratio = Point(name="ct", function=3, address=2, type="u16", group="ratio")
    power = Point(name="power", function=3, address=0, type="u16", times=("ct",))
    with (
        PymodbusUnits({1: [(0, [50, 0, 0])]}) as far,
        running_bus(far.port, [unit_plan("m", 1, [power, ratio])]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 3)
    assert all(math.isnan(value) for value in watched.readings[2].values)
    assert watched.readings[2].qualities == bytes([Quality.MISSING])
    assert [notice.kind for notice in watched.notices] == ["ratio"]


@pytest.mark.parametrize("stated", [120.0, 80.0])
def test_the_nameplate_is_a_check_and_never_a_factor(stated: float) -> None:
    ratio = Point(name="ct_ratio", function=3, address=2, type="u16", group="ratio")
    power = Point(name="power", function=3, address=0, type="u16", times=("ct_ratio",))
    plan = unit_plan("m", 1, [power, ratio], periods_ms=[20, 20])
    with (
        PymodbusUnits({1: [(0, [50, 0, 120])]}) as far,
        running_bus(far.port, [replace(plan, nameplate={"ct_ratio": stated})]) as (
            _,
            watched,
        ),
    ):
        watched.wait(lambda: len(watched.readings) >= 8)
    powers = {
        value
        for reading in watched.readings
        for index, value in zip(reading.points, reading.values, strict=True)
        if index == 0
    }
    assert powers == {6000.0}
    told = [notice.text for notice in watched.notices]
    if stated == 120.0:
        assert not told
    else:
        (text,) = told
        assert watched.notices[0].kind == "ratio"
        assert "ratio ct_ratio is 120, but 80 by the nameplate" in text


def test_reads_are_split_around_what_a_meter_refuses() -> None:
    points = [
        Point(name=f"p{address}", function=3, address=address, type="u16")
        for address in (0, 1, 5, 6, 7)
    ]
    with (
        PymodbusUnits({1: [(0, [10, 11]), (5, [15, 16])]}) as far,
        running_bus(far.port, [unit_plan("m", 1, points)]) as (_, watched),
    ):
        watched.wait(lambda: bool(watched.said("exception")))
        count = len(watched.readings)
        watched.wait(lambda: len(watched.readings) >= count + 8)
    seen = {
        index: value
        for reading in watched.readings[count:]
        for index, value in zip(reading.points, reading.values, strict=True)
    }
    assert [seen[index] for index in range(4)] == [10, 11, 15, 16]
    assert math.isnan(seen[4])
    assert [notice.kind for notice in watched.notices] == ["exception"]
    assert "registers 7 to 7 (function 3)" in watched.notices[0].text
    assert "illegal data address" in watched.notices[0].text


def test_a_missing_unit_does_not_stop_the_others() -> None:
    plans = [unit_plan("there", 1, [VOLTAGE]), unit_plan("absent", 2, [VOLTAGE])]
    with (
        PymodbusUnits({1: [(0, [2300])]}) as far,
        running_bus(far.port, plans, timeout_ms=50) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.of("absent")) >= 2)
        watched.wait(lambda: len(watched.of("there")) >= 3)
        assert loop.statistics().errors["timeout"] >= 2
    assert {reading.qualities[0] for reading in watched.of("absent")} == {
        Quality.MISSING
    }
    assert {reading.qualities[0] for reading in watched.of("there")} == {
        Quality.MEASURED
    }
    assert len(watched.said("timeout")) == 1


def test_another_unit_is_served_while_one_needs_its_pause() -> None:
    limits = ReadLimits(min_delay_ms=60, bridge_gaps=False)
    slow = unit_plan("slow", 1, [VOLTAGE, CURRENT], period_ms=400, limits=limits)
    quick = unit_plan("quick", 2, [VOLTAGE], period_ms=10)
    with (
        PymodbusUnits({1: [(0, [1] * 5)], 2: [(0, [2])]}) as far,
        running_bus(far.port, [slow, quick]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.of("slow")) >= 4)
    order = [reading.meter for reading in watched.readings]
    first, second = [i for i, meter in enumerate(order) if meter == "slow"][:2]
    assert second - first > 3
    slow_times = [reading.time_ns for reading in watched.of("slow")]
    assert slow_times[1] - slow_times[0] >= 60e6


def test_a_bus_without_units_can_be_stopped() -> None:
    with running_bus("/nonexistent", []) as (loop, watched):
        assert loop.statistics().alive
    assert not loop.statistics().alive
    assert not watched.notices
