"""BusLoop and SunSpec devices: on a simulated line, and served by pymodbus."""

from dataclasses import replace

import pytest
from harness.buses import FAST, MS, Watched, running_bus, unit_plan
from harness.conversations import RegisterUnit, block, words
from harness.far_ends import Contents
from harness.pymodbus_server import pymodbus_on_tcp
from harness.pymodbus_units import PymodbusUnits

from zerometer.core.points import Point, Quality
from zerometer.drivers import port
from zerometer.drivers.simulator.faults import Reply, dead
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.unit_plan import UnitPlan

SF = Point(
    name="power_sf", function=3, address=20, type="i16", form="pow10", group="ratio",
    models=(201, 202, 203, 204),
)  # fmt: skip
POWER = Point(
    name="power", function=3, address=16, type="i16", group="power", ratio="register",
    times=("power_sf",), invalid=(-32_768,), models=(201, 202, 203, 204),
)  # fmt: skip
STATE = Point(
    name="state", function=3, address=2, type="u16", group="state", models=(802,)
)
PLAIN = Point(name="plain", function=3, address=7, type="u16")


def device(power: int, scale: int) -> list[int]:
    """A meter with the common model, one of a vendor's, and model 203."""
    common = [0] * 66
    common[48:64] = words("S-77", 16)
    values = [0] * 105
    values[14], values[18] = power, scale & 0xFFFF
    return [
        *words("SunS", 2), 1, 66, *common, 64_001, 4, 9, 9, 9, 9, 203, 105, *values,
        0xFFFF, 0,
    ]  # fmt: skip


def plan(*points: Point, serial: str = "") -> UnitPlan:
    plain = unit_plan("m", 1, points, period_ms=30)
    there = replace(plain.map, sunspec=(40_000, 50_000, 0))
    return replace(plain, map=there, serial=serial)


def latest(watched: Watched) -> dict[int, float]:
    return {
        index: value
        for reading in watched.readings
        for index, value, quality in zip(
            reading.points, reading.values, reading.qualities, strict=True
        )
        if quality == Quality.MEASURED
    }


@pytest.mark.parametrize("base", [40_000, 50_000, 0])
def test_points_are_found_wherever_the_list_begins(base: int) -> None:
    unit = RegisterUnit(block(base, device(417, 1)))
    with (
        SimulatedLine(FAST, {1: unit}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan(POWER, SF)]) as (_, watched),
    ):
        watched.wait(lambda: 0 in latest(watched))
    assert latest(watched) == {0: 4170.0, 1: 10.0}
    assert not watched.notices
    walk = [address - base for _, address, count in unit.asked if count == 2]
    assert walk[-5:] == [0, 2, 70, 76, 183]


def test_a_device_that_is_silent_where_it_has_nothing_is_found_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 20 * MS)

    def silent(reply: Reply) -> Reply | None:
        return None if reply.frame[1] & 0x80 else reply

    unit = RegisterUnit(block(0, device(417, 0)))
    with SimulatedLine(FAST, {1: unit}, turnaround_ns=MS) as line:
        line.give(1, silent)
        with running_bus(line.port, [plan(POWER, SF)], timeout_ms=30) as (_, watched):
            watched.wait(lambda: 0 in latest(watched))
    assert latest(watched)[0] == 417.0
    assert not watched.notices, "that it is silent there is no fault"


def test_a_dead_device_goes_the_way_of_all_dead_meters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 10 * MS)
    monkeypatch.setattr("zerometer.drivers.health.DOWN_AFTER_NS", 60 * MS)
    monkeypatch.setattr("zerometer.drivers.health.FIRST_SPACING_NS", 40 * MS)
    unit = RegisterUnit(block(50_000, device(417, 0)))
    with SimulatedLine(FAST, {1: unit}, turnaround_ns=MS) as line:
        line.give(1, dead)
        with running_bus(line.port, [plan(POWER, SF)], timeout_ms=30) as (_, watched):
            watched.wait(lambda: bool(watched.said("down")))
            line.give(1)
            watched.wait(lambda: 0 in latest(watched))
    assert [notice.kind for notice in watched.notices] == ["down", "up"]


def test_points_of_models_that_are_not_there_are_told_and_left_out() -> None:
    unit = RegisterUnit(block(40_000, device(417, 0)) | block(7, [5]))
    with (
        SimulatedLine(FAST, {1: unit}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan(POWER, SF, STATE, PLAIN)]) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 12)
        (statistics,) = loop.statistics().units
    assert latest(watched) == {0: 417.0, 1: 1.0, 3: 5.0}
    (notice,) = watched.notices
    assert notice.kind == "absent"
    assert notice.text.endswith("no SunSpec model with state: not read")
    assert statistics.refused == ("state",)
    assert (3, 2, 1) not in unit.asked
    told = [r for r in watched.readings if r.points == (2,)]
    assert [list(reading.qualities) for reading in told] == [[Quality.MISSING]]


def test_a_device_that_is_none_is_not_trusted() -> None:
    unit = RegisterUnit(block(40_000, [1, 2, 3]) | block(16, [417] * 5))
    with (
        SimulatedLine(FAST, {1: unit}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan(POWER, SF)]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 6)
    assert latest(watched) == {}
    (notice,) = watched.notices
    assert notice.kind == "identity"
    assert "no SunSpec device" in notice.text


def test_the_serial_number_of_the_common_model_counts() -> None:
    unit = RegisterUnit(block(40_000, device(417, 0)))
    with (
        SimulatedLine(FAST, {1: unit}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan(POWER, SF, serial="S-78")]) as (_, watched),
    ):
        watched.wait(lambda: bool(watched.said("identity")))
    assert "serial number S-77, expected S-78" in watched.notices[0].text
    assert latest(watched) == {}


def test_a_device_that_pymodbus_serves() -> None:
    registers = [(40_000, device(417, -1))]
    with (
        PymodbusUnits({1: registers}) as far,
        running_bus(far.port, [plan(POWER, SF, serial="S-77")]) as (_, watched),
    ):
        watched.wait(lambda: 0 in latest(watched))
    assert latest(watched)[0] == pytest.approx(41.7)
    assert not watched.notices


def test_a_device_on_the_network() -> None:
    holding = [0] * 40_000 + device(417, -1)
    with (
        pymodbus_on_tcp(Contents(tables={3: holding}), "tcp") as bus,
        running_bus(bus, [plan(POWER, SF)]) as (_, watched),
    ):
        watched.wait(lambda: 0 in latest(watched))
    assert latest(watched)[0] == pytest.approx(41.7)
    assert not watched.notices


def test_a_dead_device_on_the_network_is_down_and_its_neighbour_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zerometer.drivers.health.DOWN_AFTER_NS", 60 * MS)
    neighbour = unit_plan("n", 2, [PLAIN], period_ms=30)
    contents = Contents(units=(2,), tables={3: [5] * 10})
    with (
        pymodbus_on_tcp(contents, "tcp") as bus,
        running_bus(bus, [plan(POWER, SF), neighbour], timeout_ms=30) as (_, watched),
    ):
        watched.wait(lambda: bool(watched.said("down")))
        count = len(watched.of("n"))
        watched.wait(lambda: len(watched.of("n")) >= count + 10)
    assert {notice.meter for notice in watched.notices} == {"m"}
    assert {q for reading in watched.of("n") for q in reading.qualities} == {
        Quality.MEASURED
    }
