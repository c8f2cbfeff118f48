"""The numbers of a span as the output has them: plain, null where undefined.

Everything here is a function of ``Totals``. Origins that are sources go by their id,
all others by their full name (``fuel.boiler.natural_gas``, ``unmeasured.lv``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import fsum, isfinite
from typing import Any

from zerometer.agent.replay.blocks import Count
from zerometer.agent.replay.run import Span
from zerometer.core.boundary import Boundary
from zerometer.core.categories import origin_categories
from zerometer.core.iso_time import format_time
from zerometer.core.network import Network
from zerometer.core.site import Site, View
from zerometer.core.totals import Held, Totals

ByView = dict[str, float | None]


class Document:
    """Describes spans of one site."""

    def __init__(self, site: Site, network: Network) -> None:
        self._site = site
        self._network = network
        self._boundary = Boundary(site, network)
        self._origins = [_short(origin.name) for origin in network.origins]
        self._categories = {
            view: origin_categories(site, view) for view in network.views
        }
        self._flow = {flow.name: i for i, flow in enumerate(network.flows)}
        self._entering = {inflow.origin: inflow.flow for inflow in network.inflows}
        self._into: list[list[int]] = [[] for _ in network.pools]
        for inflow in network.inflows:
            self._into[inflow.pool].append(inflow.flow)
        for process in network.conversions:
            self._entering.update(process.burns)
            for give in process.gives:
                self._into[give.pool].append(give.flow)
        for tank in network.tanks:
            self._into[tank.pool].append(tank.discharge)
        self._places = {place.name: i for i, place in enumerate(network.places)}
        self._given_back = [s.discharge_efficiency for s in site.storages]

    def span(self, span: Span) -> dict[str, Any]:
        """Return the members of a window or of the whole time."""
        totals = span.totals
        return {
            "start": format_time(span.start_ns),
            "end": format_time(span.end_ns),
            "covered_s": span.covered_ns / 1e9,
            "measured_share": totals.seen_ns / span.covered_ns,
            "emissions_kg": self._emissions(span),
            "pools": self._pools(totals),
            "sources": self._sources(totals),
            "sinks": self._sinks(totals),
            "processes": self._processes(totals),
            "storages": self._storages(totals),
            "unmeasured": {
                pool.id: totals.entered[origin]
                for pool, origin in zip(
                    self._network.pools, self._network.unmeasured, strict=True
                )
            },
            "flags": span.flags,
            **span.sections,
        }

    def _emissions(self, span: Span) -> ByView:
        """Return the site's totals: what crossed its boundary, and its events."""
        crossed = self._boundary.emissions_kg(span.totals)
        events = span.sections["events"]["emissions_kg"]
        return {view: number(crossed[view] + events[view]) for view in crossed}

    def whole(self, span: Span, count: Count) -> dict[str, Any]:
        """Return the members of everything, with what became of the readings."""
        readings = {
            "used": count.used,
            "skipped": count.skipped,
            "missing": count.missing,
            "repeated": sum(count.repeated.values()),
            "disordered": sum(count.disordered.values()),
        }
        return {"readings": readings, **self.span(span)}

    def _pools(self, totals: Totals) -> dict[str, Any]:
        return {
            pool.id: {
                "carrier": pool.carrier,
                "unit": pool.unit,
                "quantity": totals.throughput[i],
                "factor": {
                    view: quotient(totals.pool_kg[view][i], totals.throughput[i])
                    for view in self._network.views
                },
                "measured_share": _seen(totals, self._into[i]),
            }
            for i, pool in enumerate(self._network.pools)
        }

    def _sources(self, totals: Totals) -> dict[str, Any]:
        return {
            name: {
                "quantity": totals.entered[i],
                "unit": self._network.origins[i].unit,
                "emissions_kg": _by_view(totals.entered_kg, i),
                "category": {
                    view: asdict(categories[self._network.origins[i].name])
                    for view, categories in self._categories.items()
                    if self._network.origins[i].name in categories
                },
                "measured_share": _seen(
                    totals, [self._entering[i]] if i in self._entering else []
                ),
            }
            for i, name in enumerate(self._origins)
        }

    def _sinks(self, totals: Totals) -> dict[str, Any]:
        """Return what leaves the pools, or is lost, by the ids of the sinks."""
        return {
            _short(place.name): {
                "kind": place.kind,
                "quantity": totals.quantity[i],
                "unit": place.unit,
                "emissions_kg": _by_view(totals.received_kg, i),
                "sources": self._received(totals, i),
                "measured_share": _seen(
                    totals, [self._flow[place.name]] if place.name in self._flow else []
                ),
            }
            for i, place in enumerate(self._network.places)
            if place.kind not in ("process", "storage")
        }

    def _received(self, totals: Totals, place: int) -> dict[str, float]:
        width = len(self._origins)
        row = totals.received[place * width : (place + 1) * width]
        return {
            name: amount
            for name, amount in zip(self._origins, row, strict=True)
            if amount
        }

    def _processes(self, totals: Totals) -> dict[str, Any]:
        """Return what processes took and gave, and what they kept while idle."""
        found = {}
        for process in self._network.conversions:
            pools, origins = self._network.pools, self._network.origins
            found[_short(process.name)] = {
                "takes": {pools[p].id: totals.flows[f] for p, f in process.takes},
                "burns": {
                    origins[k].name.rpartition(".")[2]: totals.flows[f]
                    for k, f in process.burns
                },
                "gives": {
                    pools[g.pool].id: totals.flows[g.flow] for g in process.gives
                },
                "idle_kg": _by_view(totals.received_kg, process.place),
                "idle_sources": self._received(totals, process.place),
            }
        return found

    def _storages(self, totals: Totals) -> dict[str, Any]:
        held = totals.held or (None,) * len(self._network.tanks)
        return {
            _short(tank.name): {
                "unit": self._network.places[tank.place].unit,
                "charged": totals.flows[tank.charge],
                "discharged": totals.flows[tank.discharge],
                "change_kg": _by_view(totals.received_kg, tank.place),
                "measured_share": _seen(totals, [tank.charge, tank.discharge]),
                **self._held(contents, efficiency),
            }
            for tank, contents, efficiency in zip(
                self._network.tanks, held, self._given_back, strict=True
            )
        }

    def _held(self, held: Held | None, efficiency: float) -> dict[str, Any]:
        """Return what a storage holds at the end; a part is lost when it gives it."""
        if held is None:
            return {}
        return {
            "energy": held.energy / efficiency,
            "deliverable": held.energy,
            "emissions_kg": {v: number(kg) for v, kg in held.emissions_kg.items()},
            "factor": {
                view: quotient(kg, held.energy)
                for view, kg in held.emissions_kg.items()
            },
            "sources": {
                name: amount
                for name, amount in zip(self._origins, held.origins, strict=True)
                if amount
            },
        }


def _seen(totals: Totals, flows: Sequence[int]) -> float | None:
    """Return the part of *flows* that meters saw; None where nothing flowed."""
    flowed = fsum(totals.flows[flow] for flow in flows)
    if flowed <= 0:
        return None
    return 1.0 - min(fsum(totals.estimated[flow] for flow in flows) / flowed, 1.0)


def number(value: float) -> float | None:
    """Return *value*, or None where it is none."""
    return value if isfinite(value) else None


def quotient(amount: float, by: float) -> float | None:
    """Return a factor, None where nothing flowed."""
    return number(amount / by) if by > 0 else None


def _by_view(rows: Mapping[View, Sequence[float]], i: int) -> ByView:
    return {view: number(row[i]) for view, row in rows.items()}


def _short(name: str) -> str:
    """Return the id of the site file; what has none keeps its full name."""
    kind, _, rest = name.partition(".")
    return rest if kind in ("source", "sink", "process", "storage") else name
