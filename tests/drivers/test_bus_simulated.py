"""BusLoop on a simulated line that takes its time: real maps, sick neighbours."""

from dataclasses import replace

import pytest
from harness.buses import FAST, MS, Watched, running_bus
from harness.simulation import constant

from zerometer.config.map_library import shipped_map
from zerometer.core.points import PolledPoint, Quality
from zerometer.drivers import port
from zerometer.drivers.simulator import faults
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.simulator.meters import SimulatedMeter
from zerometer.drivers.unit_plan import UnitPlan

MAPS = ("eastron-sdm630", "carlo-gavazzi-em24")
TURNAROUND_NS = 5 * MS
POWER_KW = 41.5


def plan(number: int, map_id: str, period_ms: int) -> UnitPlan:
    meter_map = shipped_map(map_id)
    points = tuple(
        PolledPoint(point=point, period_ns=period_ms * MS) for point in meter_map.points
    )
    return UnitPlan(meter=map_id, unit=number, map=meter_map, points=points)


def values_of(watched: Watched, unit: UnitPlan) -> dict[str, float]:
    """Return the latest value of each point that was measured."""
    return {
        unit.points[index].point.name: value
        for reading in watched.of(unit.meter)
        for index, value, quality in zip(
            reading.points, reading.values, reading.qualities, strict=True
        )
        if quality == Quality.MEASURED
    }


def test_two_meters_with_their_real_maps() -> None:
    units = [plan(number, map_id, 400) for number, map_id in enumerate(MAPS, 1)]
    simulated = {
        unit.unit: SimulatedMeter(unit.meter, unit.map, constant(POWER_KW))
        for unit in units
    }
    with (
        SimulatedLine(FAST, simulated, turnaround_ns=TURNAROUND_NS) as line,
        running_bus(line.port, units) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 60)
        statistics = loop.statistics()
    for unit in units:
        values = values_of(watched, unit)
        assert values.keys() == {polled.point.name for polled in unit.points}
        power = unit.map.point("active_power")
        assert power is not None
        shown = values["active_power"] * (0.001 if power.unit == "W" else 1.0)
        assert shown == pytest.approx(POWER_KW, rel=1e-3)
    assert not watched.notices
    questions = 5  # model, serial number, application; serial number, word order
    assert statistics.transactions <= len(watched.readings) + questions
    assert statistics.wakes / statistics.transactions < 4
    turnarounds = [unit.turnaround_ns for unit in statistics.units]
    assert turnarounds == pytest.approx([TURNAROUND_NS] * 2, abs=5 * MS)


def test_a_dead_meter_does_not_cost_its_neighbours_their_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 50 * MS)
    monkeypatch.setattr("zerometer.drivers.health.DOWN_AFTER_NS", 200 * MS)
    alive, dead = plan(1, MAPS[0], 200), replace(plan(2, MAPS[0], 200), meter="dead")
    units = [alive, dead]
    simulated = {
        unit.unit: SimulatedMeter(unit.meter, unit.map, constant(POWER_KW))
        for unit in units
    }
    with SimulatedLine(FAST, simulated, turnaround_ns=TURNAROUND_NS) as line:
        line.give(dead.unit, faults.dead)
        with running_bus(line.port, units, timeout_ms=60) as (loop, watched):
            watched.wait(lambda: bool(watched.said("down")))
            before, count = loop.statistics(), len(watched.of(alive.meter))
            watched.wait(lambda: len(watched.of(alive.meter)) >= count + 40)
            after, readings = loop.statistics(), watched.of(alive.meter)[count:]
    cycles = sum(len(reading.points) for reading in readings) / len(alive.points)
    periods = (after.elapsed_ns - before.elapsed_ns) / (200 * MS)
    assert cycles >= 0.9 * periods
    assert {q for r in readings for q in r.qualities} == {Quality.MEASURED}
    assert {q for r in watched.of(dead.meter) for q in r.qualities} == {Quality.MISSING}
