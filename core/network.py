"""The site's graph as numbered lists: flows, pools, origins, places.

An *origin* is where carbon enters the books: a source, a burned fuel, what a
pool gave without having received it (unmeasured), or what a storage held before
we looked (unknown start). A *place* is where it ends up: a sink, a pool's
remainder, a storage, or a process that ran without output. Names are
``kind.id``, on the wire, on the page and in the ledger alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zerometer.core.site import VIEWS, Factor, Measure, Pool, Site, View


@dataclass(frozen=True, slots=True)
class Origin:
    """Where carbon enters; ``factors`` are in kg per ``unit``, by view."""

    name: str
    unit: str
    factors: dict[View, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where carbon ends up; ``pool`` is None for a process."""

    name: str
    kind: str
    pool: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class Inflow:
    """A source's flow into a pool."""

    pool: int
    origin: int
    flow: int


@dataclass(frozen=True, slots=True)
class Outflow:
    """A measured sink's flow out of a pool to a place."""

    pool: int
    place: int
    flow: int


@dataclass(frozen=True, slots=True)
class Give:
    """An output of a process; ``weight`` is its share of the burden per unit."""

    pool: int
    flow: int
    weight: float


@dataclass(frozen=True, slots=True)
class Conversion:
    """A process: (pool, flow) it takes, what it gives, (origin, flow) it burns."""

    name: str
    place: int
    takes: tuple[tuple[int, int], ...]
    gives: tuple[Give, ...]
    burns: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Tank:
    """A storage as a mixing tank; ``efficiency`` is that of a round trip."""

    name: str
    pool: int
    place: int
    charge: int
    discharge: int
    efficiency: float
    unknown: int


class Network:
    """The compiled graph of a site; the order of every list is fixed by the site."""

    def __init__(self, site: Site) -> None:
        self.measures: list[Measure] = []
        self.flow_names: list[str] = []
        self.pools: list[Pool] = list(site.pools)
        self.origins: list[Origin] = []
        self.places: list[Place] = []
        self._pool = {pool.id: i for i, pool in enumerate(site.pools)}
        self._worst = {pool.id: _worst_factors(site, pool) for pool in site.pools}
        self.inflows = [
            Inflow(
                self._pool[source.pool],
                self._origin(
                    f"source.{source.id}",
                    self._unit(source.pool),
                    _values(source.factors),
                ),
                self._flow(source.measure, f"source.{source.id}"),
            )
            for source in site.sources
        ]
        self.outflows = [
            Outflow(
                self._pool[sink.pool],
                self._place(f"sink.{sink.id}", sink.kind, sink.pool),
                self._flow(sink.measure, f"sink.{sink.id}"),
            )
            for sink in site.sinks
            if sink.measure is not None
        ]
        self.remainders = self._remainders(site)
        self.conversions = self._conversions(site)
        self.tanks = self._tanks(site)
        self.unmeasured = [
            self._origin(f"unmeasured.{pool.id}", pool.unit, self._worst[pool.id])
            for pool in site.pools
        ]
        #: Flows that are counted, and are no part of the graph, by name.
        self.counted = self._counted(site)
        #: Of each source of electricity that is bought, its flow: for its demand.
        self.demand = {
            source.id: inflow.flow
            for source, inflow in zip(site.sources, self.inflows, strict=True)
            if source.kind == "bought" and self.pools[inflow.pool].unit == "kWh"
        }

    def emission_kg(self, amounts: Sequence[float], view: View) -> float:
        """Return what *amounts*, one of each origin, emit by a view's factors."""
        return sum(
            amount * origin.factors[view]
            for amount, origin in zip(amounts, self.origins, strict=True)
        )

    def _unit(self, pool: str) -> str:
        return self.pools[self._pool[pool]].unit

    def _flow(self, measure: Measure, name: str) -> int:
        self.measures.append(measure)
        self.flow_names.append(name)
        return len(self.measures) - 1

    def _counted(self, site: Site) -> dict[str, int]:
        """Number what is counted for the products: good units, and drivers."""
        measures = {f"product.{p.id}:good": p.good for p in site.products}
        for service in site.shared:
            for product, measure in service.drivers.items():
                measures[f"shared.{service.sink}:{product}"] = measure
        return {name: self._flow(measure, name) for name, measure in measures.items()}

    def _origin(self, name: str, unit: str, factors: dict[View, float]) -> int:
        self.origins.append(Origin(name, unit, factors))
        return len(self.origins) - 1

    def _place(self, name: str, kind: str, pool: str | None) -> int:
        index = None if pool is None else self._pool[pool]
        unit = "" if pool is None else self._unit(pool)
        self.places.append(Place(name, kind, index, unit))
        return len(self.places) - 1

    def _remainders(self, site: Site) -> list[int]:
        """Return the place of each pool's remainder, named by the site or by us."""
        named = {sink.pool: sink.id for sink in site.sinks if sink.measure is None}
        return [
            self._place(
                f"sink.{named[pool.id]}"
                if pool.id in named
                else f"remainder.{pool.id}",
                "remainder",
                pool.id,
            )
            for pool in site.pools
        ]

    def _conversions(self, site: Site) -> list[Conversion]:
        conversions = []
        for process in site.processes:
            name = f"process.{process.id}"
            conversions.append(
                Conversion(
                    name,
                    self._place(name, "process", None),
                    tuple(
                        (
                            self._pool[pool],
                            self._flow(measure, f"{name}:takes:{pool}"),
                        )
                        for pool, measure in process.takes.items()
                    ),
                    tuple(
                        Give(
                            self._pool[pool],
                            self._flow(measure, f"{name}:gives:{pool}"),
                            _energy_weight(self._unit(pool), len(process.gives)),
                        )
                        for pool, measure in process.gives.items()
                    ),
                    tuple(
                        (
                            self._origin(
                                f"fuel.{process.id}.{fuel.carrier}",
                                fuel.unit,
                                _values(fuel.factors),
                            ),
                            self._flow(fuel.measure, f"{name}:burns:{fuel.carrier}"),
                        )
                        for fuel in process.fuels
                    ),
                )
            )
        return conversions

    def _tanks(self, site: Site) -> list[Tank]:
        return [
            Tank(
                f"storage.{storage.id}",
                self._pool[storage.pool],
                self._place(f"storage.{storage.id}", "storage", storage.pool),
                self._flow(storage.charge, f"storage.{storage.id}:charge"),
                self._flow(storage.discharge, f"storage.{storage.id}:discharge"),
                storage.charge_efficiency * storage.discharge_efficiency,
                self._origin(
                    f"unknown-start.{storage.id}",
                    self._unit(storage.pool),
                    self._worst[storage.pool],
                ),
            )
            for storage in site.storages
        ]


def _values(factors: dict[View, Factor]) -> dict[View, float]:
    return {view: factors[view].value for view in VIEWS}


def _worst_factors(site: Site, pool: Pool) -> dict[View, float]:
    """Return, by view, the highest factor of the sources of the pool's carrier."""
    carriers = {p.id: p.carrier for p in site.pools}
    kin = [s for s in site.sources if carriers[s.pool] == pool.carrier]
    return {
        view: max((source.factors[view].value for source in kin), default=0.0)
        for view in VIEWS
    }


#: Energy content in GJ per booked unit, for processes with several outputs; these
#: can have no others.
ENERGY_CONTENT = {"kWh": 0.0036, "GJ": 1.0}


def _energy_weight(unit: str, outputs: int) -> float:
    return 1.0 if outputs == 1 else ENERGY_CONTENT[unit]
