"""The site's graph as numbered lists: measures, flows, pools, origins, places.

An *origin* is where carbon enters the books: a source, a burned fuel, what a
pool gave without having received it (unmeasured), what a storage held before
we looked (unknown start), or what an output takes over from another (bonus). A
*place* is where it ends up: a sink, a pool's remainder, a storage, a loss, or a
process that ran without output. Names are ``kind.id``, on the wire, on the page
and in the ledger alike.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import fsum

from zerometer.core._combine import combine
from zerometer.core.allocation import shared_by
from zerometer.core.origin_factors import origin_factors
from zerometer.core.site import Allocation, Measure, Measured, Pool, Process, Site, View
from zerometer.core.totals import FactorSet

#: Less than this part of a pool's nominal rate counts as no flow.
DEAD_BAND = 0.001


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow: the sum of measures, each (number, times).

    ``dead_band``: the rate, in its unit an hour, below which it counts as none.
    """

    name: str
    terms: tuple[tuple[int, float], ...]
    dead_band: float = 0.0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where carbon enters, counted in ``unit``."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where carbon ends up.

    ``pool`` is None for what does not come out of one alone: a process and losses;
    the ``unit`` of a process is none, for it has no quantity.
    """

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
    """An output of a process.

    ``weights``: its share of the burden per unit, by view. In ``bonus_views`` it has
    a fixed burden instead, that of the origin ``bonus``.
    """

    pool: int
    flow: int
    weights: Mapping[View, float]
    bonus: int | None = None
    bonus_views: frozenset[View] = frozenset()


@dataclass(frozen=True, slots=True)
class Conversion:
    """A process: (pool, flow) it takes, what it gives, (origin, flow) it burns.

    ``loss`` is the place of what it takes more than it gives, None where that stays
    in what it gives.
    """

    name: str
    place: int
    takes: tuple[tuple[int, int], ...]
    gives: tuple[Give, ...]
    burns: tuple[tuple[int, int], ...]
    loss: int | None = None


@dataclass(frozen=True, slots=True)
class Tank:
    """A storage as a mixing tank; ``efficiency`` is that of a round trip.

    ``loss`` is the place of its standby losses, None where they stay in what it
    gives back.
    """

    name: str
    pool: int
    place: int
    charge: int
    discharge: int
    efficiency: float
    unknown: int
    loss: int | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """A place that sends out of the site.

    What a unit of it takes off a net balance is its ``stated`` factor, or, when that
    is None, the highest one of ``origins``: what is bought of its carrier.
    """

    place: int
    carrier: str
    stated: float | None
    origins: tuple[int, ...]


class Network:
    """The compiled graph of a site; the order of every list is fixed by the site.

    ``measures`` are what meters count, each once however many flows it is part of,
    in the counter's own unit; ``flows`` are what they sum up to. ``constants`` are the
    factors of the site file, by view, one for each origin.
    """

    def __init__(self, site: Site) -> None:
        self.views: tuple[View, ...] = site.views
        self.measures: list[Measure] = []
        self.flows: list[Flow] = []
        self.pools: list[Pool] = list(site.pools)
        self.origins: list[Origin] = []
        self.places: list[Place] = []
        self._pool = {pool.id: i for i, pool in enumerate(site.pools)}
        self._measure: dict[tuple[str, str, str | None, int], int] = {}
        self.inflows = [
            Inflow(
                self._pool[source.pool],
                self._origin(
                    f"source.{source.id}",
                    self._unit(source.pool),
                ),
                self._flow(source.measure, f"source.{source.id}", source.pool),
            )
            for source in site.sources
        ]
        self.outflows = [
            Outflow(
                self._pool[sink.pool],
                self._place(f"sink.{sink.id}", sink.kind, sink.pool),
                self._flow(sink.measure, f"sink.{sink.id}", sink.pool),
            )
            for sink in site.sinks
            if sink.measure is not None
        ]
        self.remainders = self._remainders(site)
        self.conversions = [self._conversion(process) for process in site.processes]
        self.tanks = self._tanks(site)
        self.unmeasured = [
            self._origin(f"unmeasured.{pool.id}", pool.unit) for pool in site.pools
        ]
        #: Flows that are counted, and are no part of the graph, by name.
        self.counted = self._counted(site)
        #: Of each source of electricity that is bought, its flow: for its demand.
        self.demand = {
            source.id: inflow.flow
            for source, inflow in zip(site.sources, self.inflows, strict=True)
            if source.kind == "bought" and self.pools[inflow.pool].unit == "kWh"
        }
        self.constants = _constants(site, self.origins)
        self.exports = self._exports(site)

    def _exports(self, site: Site) -> list[Export]:
        carriers = {pool.id: pool.carrier for pool in site.pools}
        bought: dict[str, list[int]] = {}
        for source, inflow in zip(site.sources, self.inflows, strict=True):
            if source.kind == "bought":
                bought.setdefault(carriers[source.pool], []).append(inflow.origin)
        measured = [sink for sink in site.sinks if sink.measure is not None]
        return [
            Export(
                outflow.place,
                carriers[sink.pool],
                sink.factor.value if sink.factor else None,
                tuple(bought.get(carriers[sink.pool], ())),
            )
            for sink, outflow in zip(measured, self.outflows, strict=True)
            if sink.kind == "export"
        ]

    @property
    def flow_names(self) -> list[str]:
        """The names of the flows, in their order."""
        return [flow.name for flow in self.flows]

    def emission_kg(self, amounts: Sequence[float], view: View) -> float:
        """Return what *amounts*, one of each origin, emit by the site's factors."""
        return fsum(
            amount * factor
            for amount, factor in zip(amounts, self.constants[view], strict=True)
        )

    def combined(
        self, measured: "array[float]", short: "array[float] | None" = None
    ) -> "array[float]":
        """Return the flows that measures sum up to, rows of both; negative ones as 0.

        A flow is NaN where any of its measures is. What a flow lacks to 0, in all, is
        added to its place in *short*.
        """
        width = len(self.flows)
        rows = len(measured) // len(self.measures) if self.measures else 0
        flows = array("d", bytes(8 * rows * width))
        lacks = array("d", bytes(8 * width)) if short is None else short
        combine(measured, rows, *self._terms, flows, lacks)
        return flows

    def estimated(self, guessed: "array[float]") -> "array[float]":
        """Return by flow what was guessed of it, given that of all measures."""
        starts, numbers, times = self._terms
        flows = array("d", bytes(8 * len(self.flows)))
        combine(
            guessed, 1, starts, numbers, array("d", map(abs, times)), flows, flows[:]
        )
        return flows

    @cached_property
    def _terms(self) -> tuple["array[int]", "array[int]", "array[float]"]:
        """The terms of all flows: where each flow's begin, of which measure, times."""
        terms = [flow.terms for flow in self.flows]
        return (
            array("i", accumulate(map(len, terms), initial=0)),
            array("i", (number for of in terms for number, _ in of)),
            array("d", (times for of in terms for _, times in of)),
        )

    def _unit(self, pool: str) -> str:
        return self.pools[self._pool[pool]].unit

    def _flow(self, measured: Measured, name: str, pool: str | None = None) -> int:
        if isinstance(measured, Measure):
            terms: tuple[tuple[int, float], ...] = (self._term(measured, 1),)
        else:
            terms = tuple(self._term(measure, sign) for sign, measure in measured.terms)
        nominal = 0.0 if pool is None else self.pools[self._pool[pool]].nominal
        self.flows.append(Flow(name, terms, DEAD_BAND * nominal))
        return len(self.flows) - 1

    def _term(self, measure: Measure, sign: int) -> tuple[int, float]:
        key = (measure.meter, measure.counter, measure.power, measure.sign)
        if key not in self._measure:
            self._measure[key] = len(self.measures)
            hourly = measure.power_times / measure.times
            self.measures.append(replace(measure, times=1.0, power_times=hourly))
        return self._measure[key], sign * measure.times

    def _counted(self, site: Site) -> dict[str, int]:
        """Number what is counted for the products: good units, and drivers."""
        counts = {f"product.{p.id}:good": p.good for p in site.products}
        for service in site.shared:
            for product, measured in service.drivers.items():
                counts[f"shared.{service.sink}:{product}"] = measured
        return {name: self._flow(measured, name) for name, measured in counts.items()}

    def _origin(self, name: str, unit: str) -> int:
        self.origins.append(Origin(name, unit))
        return len(self.origins) - 1

    def _place(self, name: str, kind: str, pool: str | None, unit: str = "") -> int:
        index = None if pool is None else self._pool[pool]
        self.places.append(
            Place(name, kind, index, unit if pool is None else self._unit(pool))
        )
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

    def _conversion(self, process: Process) -> Conversion:
        name = f"process.{process.id}"
        place = self._place(name, "process", None)
        loss = None
        if process.losses == "sink":
            unit = self._unit(next(iter(process.takes)))
            loss = self._place(f"loss.{process.id}", "loss", None, unit)
        takes = tuple(
            (self._pool[pool], self._flow(measure, f"{name}:takes:{pool}", pool))
            for pool, measure in process.takes.items()
        )
        outputs = {pool: self.pools[self._pool[pool]] for pool in process.gives}
        shares = {view: shared_by(process, view, outputs) for view in self.views}
        gives = tuple(
            self._give(process.id, pool, measured, shares)
            for pool, measured in process.gives.items()
        )
        burns = tuple(
            (
                self._origin(
                    f"fuel.{process.id}.{fuel.carrier}",
                    fuel.unit,
                ),
                self._flow(fuel.measure, f"{name}:burns:{fuel.carrier}"),
            )
            for fuel in process.fuels
        )
        return Conversion(name, place, takes, gives, burns, loss)

    def _give(
        self,
        process: str,
        pool: str,
        measured: Measured,
        shares: Mapping[View, Allocation],
    ) -> Give:
        views = frozenset(view for view, share in shares.items() if pool in share.bonus)
        bonus = f"bonus.{process}.{pool}"
        return Give(
            self._pool[pool],
            self._flow(measured, f"process.{process}:gives:{pool}", pool),
            {view: share.weights.get(pool, 0.0) for view, share in shares.items()},
            self._origin(bonus, self._unit(pool)) if views else None,
            views,
        )

    def _tanks(self, site: Site) -> list[Tank]:
        return [
            Tank(
                f"storage.{storage.id}",
                self._pool[storage.pool],
                self._place(f"storage.{storage.id}", "storage", storage.pool),
                self._flow(
                    storage.charge, f"storage.{storage.id}:charge", storage.pool
                ),
                self._flow(
                    storage.discharge, f"storage.{storage.id}:discharge", storage.pool
                ),
                storage.charge_efficiency * storage.discharge_efficiency,
                self._origin(f"unknown-start.{storage.id}", self._unit(storage.pool)),
                self._place(
                    f"loss.{storage.id}", "loss", None, self._unit(storage.pool)
                )
                if storage.standby == "sink"
                else None,
            )
            for storage in site.storages
        ]


def _constants(site: Site, origins: Sequence[Origin]) -> dict[View, "array[float]"]:
    """Return each origin's factor as the site file has it, by view."""
    names = [origin.name for origin in origins]
    return {
        view: array("d", (max((f.value for f in of), default=0.0) for of in factors))
        for view, factors in origin_factors(site, names).items()
    }


class ConstantFactors:
    """The factors of the site file, at all times."""

    def __init__(self, network: Network) -> None:
        self._set = FactorSet(network.constants)

    def at(self, start_ns: int) -> FactorSet:  # noqa: ARG002
        """Return the factors, whenever it is."""
        return self._set
