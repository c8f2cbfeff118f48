"""The graph of a site file: pools, sources, processes, storages, sinks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from zerometer.config import keys
from zerometer.config.measures import EXPORT, IMPORT, Measures
from zerometer.config.problems import near
from zerometer.config.site_factors import fuel_factors, source_factors
from zerometer.config.table import Table, shown
from zerometer.core.site import (
    CARRIERS,
    Fuel,
    Measure,
    Pool,
    Process,
    Sink,
    Source,
    Storage,
)

#: Carriers that a process may burn.
FUELS = ("natural_gas", "hydrogen", "biogas", "diesel")
SINK_KINDS = ("load", "export", "loss")


@dataclass(kw_only=True)
class Graph:
    """The parts of a site's graph, in the order of the file.

    ``fed`` and ``drained`` are the pools that the file lets something flow into
    and out of, also by flows that did not hold; ``links`` lead from the pools
    that a process takes from to those it gives to. ``doubtful`` is set when the
    file names a pool that there is not, or one whose carrier is not known.
    """

    pools: dict[str, Pool] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    storages: list[Storage] = field(default_factory=list)
    sinks: list[Sink] = field(default_factory=list)
    fed: set[str] = field(default_factory=set)
    drained: set[str] = field(default_factory=set)
    links: list[tuple[frozenset[str], frozenset[str]]] = field(default_factory=list)
    doubtful: bool = False
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)


class GraphReader:
    """Reads the graph; what does not hold is left out and reported."""

    def __init__(self, top: Table, measures: Measures) -> None:
        self._top = top
        self._measures = measures
        self._graph = Graph()

    def read(self) -> Graph:
        """Return the graph."""
        graph = self._graph
        for name, table in self._named("pool", keys.POOL):
            carrier = table.choice("carrier", tuple(CARRIERS), None)
            unit = CARRIERS.get(carrier, "")
            graph.doubtful |= not unit
            graph.pools[name] = Pool(id=name, carrier=carrier, unit=unit)
        for name, table in self._named("source", keys.SOURCE):
            graph.sources.extend(self._source(name, table))
        for name, table in self._named("process", keys.PROCESS):
            graph.processes.append(self._process(name, table))
        for name, table in self._named("storage", keys.STORAGE):
            graph.storages.extend(self._storage(name, table))
        for name, table in self._named("sink", keys.SINK, keys.SINK_LATER):
            graph.sinks.extend(self._sink(name, table))
        return graph

    def _named(
        self, kind: str, known: Sequence[str], later: Sequence[str] = ()
    ) -> Iterator[tuple[str, Table]]:
        for name, table in self._top.named(kind, known, later):
            self._graph.tables[kind, name] = table
            yield name, table

    def _pool(self, table: Table, key: str) -> Pool | None:
        """Return the pool named at *key*."""
        name = table.text(key)
        return self._known_pool(table, name, key) if name else None

    def _known_pool(
        self, table: Table, name: str, key: str, *, of_key: bool = False
    ) -> Pool | None:
        pool = self._graph.pools.get(name)
        if pool is None:
            message = f"no pool named {shown(name)}{near(name, self._graph.pools)}"
            table.error(key, message, of_key=of_key)
            self._graph.doubtful = True
        return pool if pool and pool.unit else None

    def _source(self, name: str, table: Table) -> Iterator[Source]:
        pool = self._pool(table, "into")
        measure = self._measures.read(table, "meter", _unit(pool))
        factors = source_factors(table, pool)
        if pool:
            self._graph.fed.add(pool.id)
        if pool and measure:
            yield Source(id=name, pool=pool.id, measure=measure, factors=factors)

    def _process(self, name: str, table: Table) -> Process:
        gives = self._flows(table, "gives")
        takes = self._flows(table, "takes")
        if not table.values.get("gives"):
            table.missing("gives", "a process gives to a pool; else it is a sink")
        if not table.values.get("takes") and not table.values.get("burns"):
            table.missing("takes", "a process takes from a pool or burns a fuel")
        fuels = tuple(self._fuels(table))
        given = frozenset(table.table("gives", "").values)
        self._graph.fed |= given
        self._graph.links.append((frozenset(table.table("takes", "").values), given))
        return Process(id=name, takes=takes, gives=gives, fuels=fuels)

    def _flows(self, table: Table, key: str) -> dict[str, Measure]:
        """Return the measures of a table such as ``{ lv = "compressor" }`` by pool."""
        inner = table.table(key, f"{table.where}: {key}")
        flows = {}
        for name in inner.values:
            pool = self._known_pool(inner, name, name, of_key=True)
            measure = self._measures.read(inner, name, _unit(pool))
            if pool and measure:
                flows[name] = measure
        return flows

    def _fuels(self, table: Table) -> Iterator[Fuel]:
        burns = table.table("burns", f"{table.where}: burns")
        factors = fuel_factors(table, [c for c in burns.values if c in FUELS])
        for carrier in burns.values:
            if carrier not in FUELS:
                message = f"no fuel named {shown(carrier)}{near(carrier, FUELS)}"
                burns.error(carrier, message, of_key=True)
                continue
            unit = CARRIERS[carrier]
            measure = self._measures.read(burns, carrier, unit)
            if measure:
                yield Fuel(
                    carrier=carrier,
                    unit=unit,
                    measure=measure,
                    factors=factors[carrier],
                )

    def _storage(self, name: str, table: Table) -> Iterator[Storage]:
        pool = self._pool(table, "pool")
        efficiency = self._efficiency(table)
        key_of = self._storage_keys(table)
        charge = self._measures.read(table, key_of[0], _unit(pool), IMPORT)
        discharge = self._measures.read(table, key_of[1], _unit(pool), EXPORT)
        if pool and charge and discharge:
            yield Storage(
                id=name,
                pool=pool.id,
                charge=charge,
                discharge=discharge,
                charge_efficiency=efficiency[0],
                discharge_efficiency=efficiency[1],
            )

    def _storage_keys(self, table: Table) -> tuple[str, str]:
        """Return where charging and discharging are measured: at one key or two."""
        pair = ("charge", "discharge")
        if "meter" not in table and any(key in table for key in pair):
            return pair
        for key in pair:
            if key in table:
                table.error(key, "stands beside meter; give one or the other")
        return "meter", "meter"

    def _efficiency(self, table: Table) -> tuple[float, float]:
        pair = table.numbers("efficiency", 2) or (1.0, 1.0)
        for index, value in enumerate(pair):
            if not 0.0 < value <= 1.0:
                table.error("efficiency", f"{value} is not above 0, up to 1", index)
        return pair[0], pair[1]

    def _sink(self, name: str, table: Table) -> Iterator[Sink]:
        kind = table.choice("kind", SINK_KINDS, "load")
        if "remainder_of" in table:
            for key in ("from", "kind"):
                if key in table:
                    table.error(key, "stands beside remainder_of; give one of them")
            pool = self._pool(table, "remainder_of")
            if pool:
                self._graph.drained.add(pool.id)
                yield Sink(id=name, pool=pool.id, measure=None, kind="remainder")
            return
        if not table.values.get("from"):
            table.missing("from", 'from = { pool = "meter" }, or remainder_of = "pool"')
            return
        flows = self._flows(table, "from")
        named = table.table("from", "").values
        self._graph.drained.update(named)
        if len(named) > 1:
            table.error("from", "names several pools; make one sink for each")
        for pool_id, measure in flows.items():
            yield Sink(id=name, pool=pool_id, measure=measure, kind=cast(Any, kind))


def _unit(pool: Pool | None) -> str:
    """Return the pool's unit; none when the pool is not known."""
    return pool.unit if pool else ""
