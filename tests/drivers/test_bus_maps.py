"""BusLoop and maps whose values are more than one register each."""

import time
from dataclasses import replace

import pytest
from harness.buses import FAST, MS, running_bus
from harness.simulation import constant

from zerometer.config.map_library import shipped_map
from zerometer.core.meter_map import MeterMap
from zerometer.core.points import Point, PolledPoint, Quality, SignBit
from zerometer.drivers.simulator.channels import Channels
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.simulator.meters import SimulatedMeter
from zerometer.drivers.simulator.unit import Unit
from zerometer.drivers.unit_plan import UnitPlan

TURNAROUND_NS = 2 * MS


def plan(meter: str, number: int, meter_map: MeterMap) -> UnitPlan:
    points = tuple(
        PolledPoint(point=point, period_ns=300 * MS) for point in meter_map.points
    )
    return UnitPlan(meter=meter, unit=number, map=meter_map, points=points)


def read(units: dict[int, Unit], plans: list[UnitPlan]) -> dict[str, dict[str, float]]:
    """Return what was measured of each meter, once all of it was."""
    values: dict[str, dict[str, float]] = {unit.meter: {} for unit in plans}
    wanted = {unit.meter: {p.point.name for p in unit.points} for unit in plans}
    names = {unit.meter: [p.point.name for p in unit.points] for unit in plans}

    def complete() -> bool:
        for reading in list(watched.readings):
            for index, value, quality in zip(
                reading.points, reading.values, reading.qualities, strict=True
            ):
                if quality == Quality.MEASURED:
                    values[reading.meter][names[reading.meter][index]] = value
        return all(values[meter].keys() == wanted[meter] for meter in values)

    with (
        SimulatedLine(FAST, units, turnaround_ns=TURNAROUND_NS) as line,
        running_bus(line.port, plans) as (_, watched),
    ):
        watched.wait(complete)
    assert not watched.notices
    return values


def simulated(meter: str, meter_map: MeterMap, power_kw: float) -> SimulatedMeter:
    model = constant(power_kw, unit="Nm3" if meter_map.category == "air" else "kWh")
    return SimulatedMeter(meter, meter_map, model)


def panel_meter() -> MeterMap:
    """Return a map of integers whose power of ten and signs share a register."""

    def power(name: str, address: int, bit: int, unit: str) -> Point:
        return Point(
            name=name,
            function=3,
            address=address,
            type="u16",
            unit=unit,
            group="power",
            ratio="register",
            times=("power_scale",),
            sign=SignBit(address=36, bit=bit),
        )

    scale = Point(
        name="power_scale",
        function=3,
        address=36,
        type="u16",
        group="ratio",
        bits=(8, 15),
        offset=-4.0,
        form="pow10",
    )
    return MeterMap(
        id="panel",
        vendor="",
        model="",
        category="electricity",
        confidence="low",
        points=(
            power("active_power", 49, 3, "W"),
            power("reactive_power", 53, 7, "var"),
            scale,
        ),
    )


def test_powers_of_ten_and_signs_of_a_panel_meter() -> None:
    meter_map = panel_meter()
    unit = simulated("m", meter_map, -41.5)
    values = read({1: unit}, [plan("m", 1, meter_map)])["m"]
    assert values["active_power"] == pytest.approx(-41_500)
    assert values["reactive_power"] > 0
    assert values["power_scale"] == 100.0


def test_addresses_that_hold_whole_numbers() -> None:
    meter_map = shipped_map("vpinstruments-vpflowscope")
    values = read({9: simulated("m", meter_map, 120.0)}, [plan("m", 9, meter_map)])["m"]
    assert values["flow"] == pytest.approx(120.0)
    assert values["pressure"] == pytest.approx(6.5)


def test_two_channels_of_one_unit_are_two_meters() -> None:
    several = shipped_map("janitza-umg801")
    maps = {"first": several.on_channel(1), "third": several.on_channel(3)}
    meters = {
        "first": simulated("first", maps["first"], 10.0),
        "third": simulated("third", maps["third"], 30.0),
    }
    values = read(
        {1: Channels(list(meters.values()))},
        [plan(meter, 1, meter_map) for meter, meter_map in maps.items()],
    )
    assert values["first"]["active_power"] == pytest.approx(10_000.0)
    assert values["third"]["active_power"] == pytest.approx(30_000.0)


def test_a_unit_is_left_alone_after_its_port_was_opened() -> None:
    meter_map = shipped_map("eastron-sdm120")
    limits = replace(meter_map.limits, connect_delay_ms=150)
    unit = plan("m", 1, replace(meter_map, limits=limits))
    with SimulatedLine(
        FAST, {1: simulated("m", meter_map, 1.0)}, turnaround_ns=TURNAROUND_NS
    ) as line:
        before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        with running_bus(line.port, [unit]) as (_, watched):
            watched.wait(lambda: bool(watched.readings))
            assert watched.readings[0].time_ns - before_ns >= 150 * MS
            assert watched.readings[0].qualities[0] == Quality.MEASURED
