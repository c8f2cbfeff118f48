"""Every shipped map, planned, served and decoded, comes out as it went in."""

import struct
from array import array
from math import prod

import pytest

from zerometer.config.map_library import MapLibrary, shipped_map
from zerometer.config.problems import Problems
from zerometer.core.decoding import decode_plan
from zerometer.core.meter_map import MeterMap
from zerometer.core.planner import plan_reads
from zerometer.core.points import Point, Quality
from zerometer.core.units import UNITS
from zerometer.drivers.simulator.meters import SimulatedMeter
from zerometer.drivers.simulator.plant import Curve

HOUR = 3_600_000_000_000
CT, PT = 12.0, 1.0
IMPORTED_KWH, EXPORTED_KWH = 12_345.678, 567.891


def load(power_kw: float) -> Curve:
    return Curve(lambda _: power_kw, initial=(IMPORTED_KWH, EXPORTED_KWH))


def found(meter: SimulatedMeter, meter_map: MeterMap) -> tuple[Point, ...]:
    """Return the points where they stand, which a SunSpec device says itself."""
    if not meter_map.sunspec:
        return meter_map.points
    at = meter_map.sunspec[0]
    assert registers(meter, 3, at, 2) == b"SunS"
    at += 2
    models: dict[int, int] = {}
    while True:
        number, length = struct.unpack(">HH", registers(meter, 3, at, 2))
        if number == 0xFFFF:
            break
        models[number] = at
        at += 2 + length
    assert registers(meter, 3, models[1] + 2, 16).rstrip(b"\0") == b"SunSpec"
    return tuple(
        point.moved(next(models[m] for m in point.models if m in models))
        for point in meter_map.points
    )


def registers(meter: SimulatedMeter, function: int, address: int, count: int) -> bytes:
    reply = meter.answer(struct.pack(">BHH", function, address, count), HOUR)
    assert reply[0] == function, (address, count, reply)
    return reply[2:]


def poll(meter: SimulatedMeter, meter_map: MeterMap) -> dict[str, float]:
    """Return all points of the map, as an agent would read them, ratios included."""
    read: dict[str, float] = {}
    points = found(meter, meter_map)
    for block in plan_reads(points, meter_map.limits, meter_map.line, 0):
        data = registers(meter, block.function, block.address, block.count)
        values = array("d", [0.0]) * len(block.points)
        qualities = bytearray(len(block.points))
        decode_plan(points, block).decode(data, values, qualities)
        names = [points[i].name for i in block.points]
        assert qualities == bytes([Quality.MEASURED]) * len(qualities), names
        read.update(zip(names, values, strict=True))
    plain = dict(read)
    for point in points:
        value = (plain[point.name] - point.offset) * prod(plain[n] for n in point.times)
        read[point.name] = value + point.offset
    return read


@pytest.mark.parametrize("power_kw", [20.0, -15.0])
@pytest.mark.parametrize("map_id", MapLibrary(Problems()).names())
def test_a_shipped_map_round_trips(map_id: str, power_kw: float) -> None:
    meter_map = shipped_map(map_id)
    meter = SimulatedMeter("m", meter_map, load(power_kw), ct=CT, pt=PT)
    read = poll(meter, meter_map)
    served = meter.served(HOUR)
    assert read.keys() == served.keys()
    signs = {point.sign.address for point in meter_map.points if point.sign}
    for point in meter_map.points:
        name, value = point.name, read[point.name]
        if point.address in signs and point.bits is None:
            continue  # A word of flags, in which other points have theirs.
        assert value == pytest.approx(served[name], rel=1e-7, abs=1e-9), name
        if point.ratio == "secondary":
            value *= CT * PT
        if name.removeprefix("primary_") == "active_energy_import":
            kwh = value * UNITS[point.unit].to_base
            assert kwh == pytest.approx(meter_kwh(power_kw), abs=1.3)
        if name.removeprefix("primary_") == "active_power":
            kw = value * UNITS[point.unit].to_base
            assert kw == pytest.approx(power_kw, abs=0.15)


def meter_kwh(power_kw: float) -> float:
    return IMPORTED_KWH + max(power_kw, 0.0)


@pytest.mark.parametrize("channel", [1, 2, 5])
def test_a_channel_stands_where_its_map_says(channel: int) -> None:
    several = shipped_map("janitza-umg801")
    meter_map = several.on_channel(channel)
    meter = SimulatedMeter("m", meter_map, load(20.0))
    assert poll(meter, meter_map)["active_power"] == pytest.approx(20_000.0)
    start = min(point.address for point in meter_map.points)
    assert start == (19_000 if channel == 1 else 19_000 + 100 * channel)
