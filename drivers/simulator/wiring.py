"""From the graph of a site to a load for each of its meters.

Sinks, processes and storages get loads of their own, and every pool one source
that carries the exact balance of all the rest: its grid. A pool without a source
lives on what processes give to it, and its users share that.
"""

from collections.abc import Callable, Sequence
from zlib import crc32

from zerometer.core.site import Measure, Measured, Pool, Process, Site, Source
from zerometer.core.units import added_up
from zerometer.drivers.simulator import profiles
from zerometer.drivers.simulator.plant import STEP_NS, Curve, Knots
from zerometer.drivers.simulator.profiles import Profile

#: A usual load of each carrier, in the carrier's unit per hour.
RATED = {
    "electricity": 55.0,
    "heat": 1.2,
    "steam": 1.2,
    "cooling": 0.8,
    "compressed_air": 300.0,
    "natural_gas": 30.0,
    "hydrogen": 60.0,
    "biogas": 80.0,
    "water": 6.0,
    "diesel": 25.0,
    "refrigerant": 0.01,
    "co2": 40.0,
    "product": 120.0,
}
#: Roughly, kWh in a unit of each carrier: what a process can make of what it takes.
CONTENT_KWH = {
    "electricity": 1.0,
    "heat": 1e3 / 3.6,
    "steam": 1e3 / 3.6,
    "cooling": 1e3 / 3.6,
    "compressed_air": 0.118,
    "natural_gas": 10.0,
    "hydrogen": 3.0,
    "biogas": 6.0,
    "water": 1.0,
    "diesel": 11.9,
    "refrigerant": 1.0,
    "co2": 1.0,
    "product": 1.0,
}
#: Against one usual load: a photovoltaic system, a battery, what no meter sees.
SOLAR, BATTERY, BASE = 2.2, 0.6, 0.6
PROCESS_YIELD = 0.9
#: What metered users take of a pool that has a remainder and no source.
METERED_SHARE = 0.8


class Wiring:
    """The loads of a site's meters, by meter id, in ``curves``.

    A run starts at ``start_ns`` (boot time), which is ``start_hour`` o'clock for
    the sun. Everything else follows from ``seed`` and the ids in the site.
    """

    def __init__(
        self, site: Site, *, seed: int, start_ns: int, start_hour: float
    ) -> None:
        self.curves: dict[str, Curve] = {}
        self._site = site
        self._seed = seed
        self._start_ns = start_ns
        self._start_hour = start_hour
        self._pools = {pool.id: pool for pool in site.pools}
        self._draws: dict[str, list[Knots]] = {pool: [] for pool in self._pools}
        self._feeds: dict[str, list[Knots]] = {pool: [] for pool in self._pools}
        self._shared = _shared_pools(site)
        for pool in site.pools:
            self._add_base_load(pool)
        self._add_storages()
        for process in site.processes:
            self._add_process(process)
        self._add_sinks()
        self._add_sources()
        for meter in site.meters:
            if meter.id not in self.curves:
                self._curve(meter.id, self._load("electricity", meter.id), "kWh")

    def _add_base_load(self, pool: Pool) -> None:
        sinks = [s for s in self._site.sinks if s.pool == pool.id]
        if any(sink.measure is None for sink in sinks) and pool.id not in self._shared:
            rated = BASE * RATED[pool.carrier]
            base = profiles.base_load(rated, self._seed_of(pool.id))
            self._draws[pool.id].append(_knots(base))

    def _add_storages(self) -> None:
        for storage in self._site.storages:
            rated = BATTERY * RATED[self._pools[storage.pool].carrier]
            flow = _knots(profiles.battery(rated, self._seed_of(storage.id)))
            self._draws[storage.pool].append(self._see(storage.charge, flow))
            self._see(storage.discharge, _times(flow, -1.0))

    def _add_process(self, process: Process) -> None:
        """Let it take and burn, and give what can be made of that."""
        inputs: list[Knots] = []
        for pool_id, measure in process.takes.items():
            carrier = self._pools[pool_id].carrier
            taken = self._take(pool_id, measure, self._machine(process, carrier))
            inputs.append(_times(taken, CONTENT_KWH[carrier]))
        for fuel in process.fuels:
            burnt = self._see(fuel.measure, self._load(fuel.carrier, process.id))
            inputs.append(_times(burnt, CONTENT_KWH[fuel.carrier]))
        for pool_id, measure in process.gives.items():
            content = CONTENT_KWH[self._pools[pool_id].carrier] * len(process.gives)
            given = _times(_sum(inputs), PROCESS_YIELD / content)
            self._feeds[pool_id].append(self._see(measure, given))

    def _add_sinks(self) -> None:
        for sink in self._site.sinks:
            if sink.measure and sink.kind != "export":
                carrier = self._pools[sink.pool].carrier
                self._take(sink.pool, sink.measure, self._load(carrier, sink.id))

    def _add_sources(self) -> None:
        grids = {pool: grid_of(self._site, pool) for pool in self._pools}
        for source in self._site.sources:
            if source is not grids[source.pool]:
                own = self._supply(self._pools[source.pool].carrier, source.id)
                self._feeds[source.pool].append(self._see(source.measure, own))
        for pool, grid in grids.items():
            if grid is None:
                continue
            out, into = _sum(self._draws[pool]), _sum(self._feeds[pool])
            balance = self._see(grid.measure, _minus(out, into))
            for sink in self._site.sinks:
                if sink.pool == pool and sink.kind == "export" and sink.measure:
                    self._see(sink.measure, _times(balance, -1.0))

    def _take(self, pool: str, measure: Measured, own: Knots) -> Knots:
        """Let a user draw from a pool: its own load, or its share of what comes."""
        if pool in self._shared:
            own = _times(_sum(self._feeds[pool]), _share(self._site, pool))
        drawn = self._see(measure, own)
        self._draws[pool].append(drawn)
        return drawn

    def _see(self, measure: Measured, flow: Knots) -> Knots:
        """Let the measure's meter see *flow*, and return the flow that it shows.

        A meter that has its load already keeps it. Of a virtual meter, the meters
        that are subtracted have loads of their own, and the others show the rest.
        """
        if not isinstance(measure, Measure):
            minus = [
                self._see(part, self._load("electricity", part.meter))
                for sign, part in measure.terms
                if sign < 0
            ]
            plus = [part for sign, part in measure.terms if sign > 0]
            rest = _times(_sum([flow, *minus]), 1 / max(len(plus), 1))
            return _minus(_sum([self._see(part, rest) for part in plus]), _sum(minus))
        factor = measure.sign * measure.times
        curve = self.curves.get(measure.meter)
        if curve is None:
            unit = self._counter_unit(measure)
            curve = self._curve(measure.meter, _times(flow, 1 / factor), unit)
        return _times(curve.knot, factor)

    def _curve(self, meter: str, knots: Knots, unit: str) -> Curve:
        # A float32 resolves a thousandth below 8192, so fine steps stay fine.
        seed = self._seed_of(meter)
        indices = (1000 + seed % 5000, 100 + seed % 900)
        curve = Curve(knots, unit=unit, start_ns=self._start_ns, initial=indices)
        self.curves[meter] = curve
        return curve

    def _counter_unit(self, measure: Measure) -> str:
        meter = self._site.meter(measure.meter)
        points = (*(p.point for p in meter.points), *meter.map.points)
        unit = next(p.unit for p in points if p.name == measure.point)
        return unit if measure.counter else added_up(unit) or unit

    def _machine(self, process: Process, carrier: str) -> Knots:
        given = {self._pools[pool].carrier for pool in process.gives}
        if carrier == "electricity" and "compressed_air" in given:
            rated = RATED["electricity"]
            return _knots(profiles.compressor(rated, self._seed_of(process.id)))
        return self._load(carrier, process.id)

    def _load(self, carrier: str, name: str) -> Knots:
        seed = self._seed_of(name)
        if carrier == "electricity":
            rated = RATED[carrier] * (0.7 + 0.5 * profiles.noise(seed, 0))
            return _knots(profiles.production_line(rated, seed))
        return _knots(profiles.boiler(RATED[carrier], seed))

    def _supply(self, carrier: str, name: str) -> Knots:
        seed = self._seed_of(name)
        if carrier == "electricity":
            rated = SOLAR * RATED[carrier]
            return _knots(profiles.solar(rated, seed, self._start_hour))
        return _knots(profiles.boiler(0.5 * RATED[carrier], seed))

    def _seed_of(self, name: str) -> int:
        return crc32(f"{self._seed}:{name}".encode())


def grid_of(site: Site, pool: str) -> Source | None:
    """Return the source that can give a pool whatever it needs, if it has sources.

    It is the one through whose meter the pool exports, else the dirtiest.
    """
    sources = [s for s in site.sources if s.pool == pool]
    exports = {
        sink.measure.meter
        for sink in site.sinks
        if sink.pool == pool and sink.kind == "export"
        if isinstance(sink.measure, Measure)
    }

    def rank(source: Source) -> tuple[bool, float]:
        dirt = max((f.value for f in source.factors.values()), default=0.0)
        measured = source.measure
        return isinstance(measured, Measure) and measured.meter in exports, dirt

    return max(sources, key=rank, default=None)


def _shared_pools(site: Site) -> set[str]:
    """Return the pools that live on processes alone, and not on each other in a ring.

    Users of the others have loads of their own.
    """
    settled = {source.pool for source in site.sources}
    shared: set[str] = set()
    for _ in site.pools:
        for pool in site.pools:
            givers = [p for p in site.processes if pool.id in p.gives]
            if givers and all(settled >= giver.takes.keys() for giver in givers):
                if pool.id not in settled:
                    shared.add(pool.id)
                settled.add(pool.id)
    return shared


def _share(site: Site, pool: str) -> float:
    """Return the part of a shared pool's supply that each metered user takes."""
    sinks = [s for s in site.sinks if s.pool == pool]
    users = sum(s.measure is not None and s.kind != "export" for s in sinks)
    users += sum(pool in process.takes for process in site.processes)
    rest = any(sink.measure is None for sink in sinks)
    return (METERED_SHARE if rest else 1.0) / users


def _knots(profile: Profile) -> Knots:
    step_s = STEP_NS / 1e9
    return lambda n: profile(n * step_s)


def _times(knots: Knots, factor: float) -> Knots:
    return knots if factor == 1.0 else lambda n: factor * knots(n)


def _minus(some: Knots, others: Knots) -> Knots:
    return lambda n: some(n) - others(n)


def _sum(parts: Sequence[Callable[[int], float]]) -> Knots:
    """Return the sum of *parts*, also of those that are added later."""
    return lambda n: sum(part(n) for part in parts)
