"""A simulated factory of 30 meters with 12 points each, read without waiting.

What the meters say, the requests, the replies and their decoding are those of the
simulator and the bus; only the line is left out: replies come one after the other, as
on a bus, each a little late.
"""

import random
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zerometer.agent.batch import Table
from zerometer.agent.gather import OpenBatch
from zerometer.agent.reading_rows import ReadingRows
from zerometer.config.site import load_site
from zerometer.core.decoding import decode_plan
from zerometer.core.planner import block_ns
from zerometer.core.points import (
    LineSettings,
    Point,
    PolledPoint,
    ReadBlock,
    Reading,
)
from zerometer.core.site import Meter, Site
from zerometer.drivers.cycles import Cycles
from zerometer.drivers.ratios import Ratios
from zerometer.drivers.simulator.factory import START_HOUR
from zerometer.drivers.simulator.installed import Installed
from zerometer.drivers.simulator.wiring import Wiring

METERS = 30
POINTS = (
    "active_power", "apparent_power", "voltage_l1n", "voltage_l2n", "voltage_l3n",
    "current_l1", "current_l2", "current_l3", "power_factor", "frequency",
    "active_energy_import", "active_energy_export",
)  # fmt: skip
#: What a map without apparent power has instead.
INSTEAD = {"apparent_power": "reactive_power"}
#: Floats only, and the maps of the demo.
FLOATS = ("eastron-sdm630",)
MIXED = ("acrel-adl400", "chint-dtsu666", "eastron-sdm630", "carlo-gavazzi-em24")
BUSES = 4
BAUD = 115_200
#: Time that a meter takes to reply, and how much later a reply may come than the last.
TURNAROUND_NS = 5_000_000
JITTER_NS = 3_000_000
#: Wall time (ns) at the first reading: 2027-01-15T08:00:00Z, and something.
START_NS = 1_800_000_000_123_456_789


def site(maps: Sequence[str]) -> Site:
    """Return the site: an incomer, photovoltaics, a battery, and lines."""
    parts = ['format = 1\n[site]\nid = "wire"\ntimezone = "Asia/Shanghai"\n']
    parts += [
        f'[[bus]]\nid = "b{bus}"\nport = "b{bus}"\nbaud = {BAUD}\n'
        for bus in range(BUSES)
    ]
    for number in range(METERS):
        parts.append(
            f'[[meter]]\nid = "m{number + 1}"\nbus = "b{number % BUSES}"\n'
            f'unit = {number // BUSES + 1}\nmap = "{maps[number % len(maps)]}"\n'
        )
    parts.append(
        '[pool.lv]\ncarrier = "electricity"\n'
        '[source.grid]\ninto = "lv"\nmeter = "m1"\nfactor = 0.5703\n'
        '[source.pv]\ninto = "lv"\nmeter = "m2"\nfactor = 0\nkind = "own"\n'
        '[storage.battery]\npool = "lv"\nmeter = "m3"\nefficiency = [0.95, 0.95]\n'
    )
    parts += [
        f'[sink.line{number}]\nfrom = {{ lv = "m{number}" }}\n'
        for number in range(4, METERS + 1)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "site.toml"
        file.write_text("".join(parts), encoding="utf-8")
        loaded = load_site(file).site
    return replace(loaded, meters=tuple(map(_with_points, loaded.meters)))


def _with_points(meter: Meter) -> Meter:
    """Return *meter* with POINTS, and the ratios that they need."""
    chosen = [
        meter.map.point(name) or meter.map.point(INSTEAD[name]) for name in POINTS
    ]
    points = [point for point in chosen if point]
    ratios = {name for point in points for name in point.times}
    points += [point for point in meter.map.points if point.name in ratios]
    return replace(
        meter, points=tuple(PolledPoint(point=p, period_ns=1) for p in points)
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A request that is sent in each period."""

    unit: Installed
    block: ReadBlock
    points: tuple[Point, ...]
    ratios: Ratios
    wire_ns: int
    period_s: int

    def reading(self, time_ns: int) -> Reading:
        """Return what the meter answers at *time_ns*, as the bus reads it."""
        plan = decode_plan(self.points, self.block)
        for field, index in enumerate(self.block.points):
            if self.ratios.depends(index):
                plan.set_times(field, self.ratios.times(index))
        block = self.block
        request = bytes((block.function, *divmod(block.address, 256), 0, block.count))
        reply = self.unit.answer(request, time_ns)
        values = array("d", bytes(8 * len(block.points)))
        qualities = bytearray(len(block.points))
        plan.decode(reply[2:], values, qualities)
        return Reading(
            self.unit.meter.id, time_ns, block.points, values, bytes(qualities)
        )


def _reads(
    meter: Meter, unit: Installed, line: LineSettings, period_s: int
) -> list[_Read]:
    """Return the requests of a meter: as the agent cuts them, ratios seldom."""
    points = tuple(polled.point for polled in meter.points)
    ratios = Ratios(meter.id, points)
    cycles = Cycles(meter.points, ratios, line)
    planned = [
        _Read(
            unit,
            block,
            points,
            ratios,
            block_ns(block, line, TURNAROUND_NS),
            max(period_s, cycles.periods_ns[group] // 1_000_000_000),
        )
        for group in range(len(cycles.periods_ns))
        for block in cycles.blocks([group], meter.map.limits, TURNAROUND_NS)
    ]
    for read in planned:
        reading = read.reading(0)
        ratios.update(reading.points, reading.values)
    return planned


def readings(site: Site, *, seconds: int, period_s: int) -> Iterator[Reading]:
    """Yield what the site's meters say over so many *seconds*, once each period.

    Times are those of the wall, in ns.
    """
    wiring = Wiring(site, seed=1, start_ns=0, start_hour=START_HOUR)
    chance = random.Random(period_s)
    lines = [
        [
            read
            for meter in site.meters
            if meter.bus == bus.id
            for read in _reads(
                meter,
                Installed(meter, wiring.curves[meter.id], None),
                bus.line,
                period_s,
            )
        ]
        for bus in site.buses
    ]
    for cycle_s in range(0, seconds, period_s):
        for reads in lines:
            end_ns = cycle_s * 1_000_000_000
            for read in reads:
                if cycle_s % read.period_s:
                    continue
                end_ns += read.wire_ns + chance.randrange(JITTER_NS)
                reading = read.reading(end_ns)
                reading.time_ns += START_NS
                yield reading


def tables(maps: Sequence[str], *, seconds: int, period_s: int) -> list[Table]:
    """Return what the agent's batch of readings holds after so many *seconds*."""
    made = site(maps)
    last: dict[tuple[str, str], float] = {}
    rows = ReadingRows(made.meters, lambda meter, point: last[meter, point])
    names = {m.id: [polled.point.name for polled in m.points] for m in made.meters}
    batch = OpenBatch()
    for reading in readings(made, seconds=seconds, period_s=period_s):
        for index, value in zip(reading.points, reading.values, strict=True):
            last[reading.meter, names[reading.meter][index]] = value
        for table, fields, row in rows.rows(reading):
            batch.add(table, fields, reading.time_ns // 1_000_000, row)
    return batch.tables()
