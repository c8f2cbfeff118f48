"""Every shipped map, planned, served and decoded, comes out as it went in."""

import struct
from array import array
from math import prod

import pytest
from harness.simulation import constant

from zerometer.config.map_library import MapLibrary, shipped_map
from zerometer.config.problems import Problems
from zerometer.core.decoding import decode_plan
from zerometer.core.planner import plan_reads
from zerometer.core.points import MeterMap
from zerometer.core.units import UNITS
from zerometer.drivers.simulator.meters import SimulatedMeter

HOUR = 3_600_000_000_000
CT, PT = 120.0, 1.0
POWER_KW, IMPORTED_KWH = 200.0, 1600.0


def poll(meter: SimulatedMeter, meter_map: MeterMap, t: int) -> dict[str, float]:
    """Return all points of the map, as an agent would read them, before ratios."""
    read: dict[str, float] = {}
    points = meter_map.points
    for block in plan_reads(points, meter_map.limits, meter_map.line, 0):
        request = struct.pack(">BHH", block.function, block.address, block.count)
        reply = meter.answer(request, t)
        assert reply[0] == block.function, (block, reply)
        values = array("d", [0.0]) * len(block.points)
        qualities = bytearray(len(block.points))
        decode_plan(points, block).decode(reply[2:], values, qualities)
        assert not any(qualities)
        read.update(
            (points[i].name, value)
            for i, value in zip(block.points, values, strict=True)
        )
    return read


@pytest.mark.parametrize("map_id", MapLibrary(Problems()).names())
def test_a_shipped_map_round_trips(map_id: str) -> None:
    meter_map = shipped_map(map_id)
    said: dict[str, float] = {}
    meter = SimulatedMeter(
        "m",
        meter_map,
        constant(POWER_KW),
        ct=CT,
        pt=PT,
        recorder=lambda _t, _m, point, value, _true: said.__setitem__(point, value),
    )
    read = poll(meter, meter_map, 8 * HOUR)
    for point in meter_map.points:
        value = read[point.name] * prod(read[ratio] for ratio in point.times)
        if point.ratio == "secondary":
            value *= CT * PT
        if point.kind == "counter":
            assert value == pytest.approx(said[point.name], rel=1e-9, abs=1e-9)
        name = point.name.removeprefix("primary_")
        if name == "active_energy_import":
            kwh = value * UNITS[point.unit].to_base
            assert kwh == pytest.approx(IMPORTED_KWH, abs=1.3)
        if name == "active_power":
            kw = value * UNITS[point.unit].to_base
            assert kw == pytest.approx(POWER_KW, abs=0.2)
