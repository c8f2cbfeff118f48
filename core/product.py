"""What products cost in carbon: per good unit, and per lot.

A product bears what its own sinks got, and its part of shared services. A shared
service is divided by what a driver counted for each product, quarter hour by
quarter hour (whole quarters of UTC, with which those of all zones begin); what it
got while no driver counted waits for the next quarter in which one does. So the parts
do not depend on how long the windows are that somebody asks for.

What was emitted while no good unit was made has no kg per unit, but it is in the sum
that the units of the whole time, or of the lot, bear.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.site import Site, View
from zerometer.core.totals import Totals

#: By view, kg.
ByView = dict[View, float]
#: What bears a burden: a product, and the number of its lot or -1.
_Bearer = tuple[int, int]


@dataclass(slots=True)
class Made:
    """Good units that were made, and the kg of CO2 equivalent that they bear."""

    good: float
    emissions_kg: ByView

    def kg_per_unit(self) -> dict[View, float | None]:
        """Return the kg of a good unit by view, None when there was none."""
        return {
            view: kg / self.good if self.good > 0 else None
            for view, kg in self.emissions_kg.items()
        }

    def add(self, other: "Made") -> None:
        """Add what was made besides."""
        self.good += other.good
        for view, kg in other.emissions_kg.items():
            self.emissions_kg[view] += kg


@dataclass(slots=True)
class Lot:
    """A lot of a product: [start, end) in Unix ns, UTC; the end None while it runs."""

    name: str
    start_ns: int
    end_ns: int | None
    made: Made


@dataclass(slots=True)
class _Service:
    """A shared service: its place, its drivers' flows, and what waits to be divided."""

    place: int
    drivers: dict[int, int]
    kg: ByView
    counted: dict[_Bearer, float] = field(default_factory=dict)


class Products:
    """Follows the products of a site through the totals of spans, in order."""

    def __init__(
        self, network: Network, site: Site, *, kept_lots: int | None = None
    ) -> None:
        """Of each product the last *kept_lots* are remembered; None: all."""
        self._views = network.views
        self._kept_lots = kept_lots
        places = {place.name: i for i, place in enumerate(network.places)}
        self._ids = [product.id for product in site.products]
        numbers = {name: i for i, name in enumerate(self._ids)}
        self._good = [network.counted[f"product.{name}:good"] for name in self._ids]
        self._sinks: list[list[int]] = [[] for _ in self._ids]
        for sink in site.sinks:
            if sink.product:
                self._sinks[numbers[sink.product]].append(places[f"sink.{sink.id}"])
        self._services = {
            shared.sink: _Service(
                places[f"sink.{shared.sink}"],
                {
                    numbers[name]: network.counted[f"shared.{shared.sink}:{name}"]
                    for name in shared.drivers
                },
                self._nothing().emissions_kg,
            )
            for shared in site.shared
        }
        self._lots: list[dict[int, Lot]] = [{} for _ in self._ids]
        self._whole = [self._nothing() for _ in self._ids]
        self._window = [self._nothing() for _ in self._ids]

    def _nothing(self) -> Made:
        return Made(0.0, dict.fromkeys(self._views, 0.0))

    def event(self, event: SiteEvent) -> None:
        """Take in an event; those of lots come in the order of their times.

        A lot ends the one before it. What a span brought is divided by time between
        lots that meet within it.
        """
        if event.kind not in ("lot-start", "lot-end") or event.subject not in self._ids:
            return
        lots = self._lots[self._ids.index(event.subject)]
        for lot in lots.values():
            ends = event.kind == "lot-start" or lot.name == event.text
            if ends and lot.end_ns is None:
                lot.end_ns = max(event.time_ns, lot.start_ns)
        if event.kind == "lot-start":
            lots[1 + max(lots, default=-1)] = Lot(
                event.text, event.time_ns, None, self._nothing()
            )
        if self._kept_lots is not None:
            for number in sorted(lots)[: -self._kept_lots]:
                del lots[number]

    def add(self, totals: Totals) -> None:
        """Take in the next span, which lies within one quarter hour."""
        for product, good in enumerate(self._good):
            made = Made(
                totals.flows[good],
                {
                    view: fsum(rows[place] for place in self._sinks[product])
                    for view, rows in totals.received_kg.items()
                },
            )
            for lot, part in self._parts(product, totals):
                self._bear((product, lot), made, part)
        for service in self._services.values():
            self._share(service, totals)
            if totals.end_ns % QUARTER_NS == 0:
                self._divide(service)

    def _parts(self, product: int, totals: Totals) -> Iterator[tuple[int, float]]:
        """Yield the lots that a span has part in, and -1 for the time of none."""
        length, rest = totals.end_ns - totals.start_ns, 1.0
        for number, lot in self._lots[product].items():
            end_ns = totals.end_ns if lot.end_ns is None else lot.end_ns
            common = min(end_ns, totals.end_ns) - max(lot.start_ns, totals.start_ns)
            if common > 0:
                rest -= common / length
                yield number, common / length
        if rest > 1e-9:
            yield -1, rest

    def _bear(self, bearer: _Bearer, made: Made, part: float) -> None:
        product, lot = bearer
        borne = Made(
            made.good * part,
            {view: kg * part for view, kg in made.emissions_kg.items()},
        )
        self._whole[product].add(borne)
        self._window[product].add(borne)
        if lot in self._lots[product]:
            self._lots[product][lot].made.add(borne)

    def _share(self, service: _Service, totals: Totals) -> None:
        """Let what a service got, and what its drivers counted, wait."""
        for view, rows in totals.received_kg.items():
            service.kg[view] += rows[service.place]
        for product, flow in service.drivers.items():
            if totals.flows[flow] <= 0:
                continue
            for lot, part in self._parts(product, totals):
                before = service.counted.get((product, lot), 0.0)
                service.counted[product, lot] = before + totals.flows[flow] * part

    def _divide(self, service: _Service) -> None:
        """Divide what waits, if any driver has counted."""
        counted = fsum(service.counted.values())
        if counted <= 0:
            return
        burden = Made(0.0, service.kg)
        for bearer, driver in service.counted.items():
            self._bear(bearer, burden, driver / counted)
        service.kg = dict.fromkeys(self._views, 0.0)
        service.counted = {}

    def running(self) -> dict[str, Made]:
        """Return what was made and borne since ``window`` was asked, by product."""
        return dict(zip(self._ids, self._window, strict=True))

    def window(self) -> dict[str, Made]:
        """Return what was made and borne since this was asked last, by product."""
        found = self.running()
        self._window = [self._nothing() for _ in self._ids]
        return found

    def whole(self) -> dict[str, Made]:
        """Return what was made and borne in all, by product."""
        for service in self._services.values():
            self._divide(service)
        return dict(zip(self._ids, self._whole, strict=True))

    def lots(self) -> dict[str, list[Lot]]:
        """Return the lots of every product, in the order of their beginning."""
        return {
            name: [lots[number] for number in sorted(lots)]
            for name, lots in zip(self._ids, self._lots, strict=True)
        }

    def unassigned(self) -> dict[str, ByView]:
        """Return, by sink, the shared burden that no driver has counted for yet."""
        return {sink: dict(s.kg) for sink, s in self._services.items()}

    def state(self) -> Mapping[str, Any]:
        """Return what a restart needs, by name, as plain values."""
        return {
            "made": _packed(self._ids, self._whole),
            "window": _packed(self._ids, self._window),
            "lots": {
                name: [
                    [number, lot.name, lot.start_ns, lot.end_ns, lot.made.good,
                     lot.made.emissions_kg]
                    for number, lot in lots.items()
                ]
                for name, lots in zip(self._ids, self._lots, strict=True)
            },
            "waiting": {
                sink: [
                    service.kg,
                    [[self._ids[p], lot, n] for (p, lot), n in service.counted.items()],
                ]
                for sink, service in self._services.items()
            },
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what products and services there still are."""
        for number, name in enumerate(self._ids):
            self._whole[number] = self._made(*state["made"].get(name, (0.0, {})))
            self._window[number] = self._made(*state["window"].get(name, (0.0, {})))
            self._lots[number] = {
                key: Lot(lot, start_ns, end_ns, self._made(good, kg))
                for key, lot, start_ns, end_ns, good, kg in state["lots"].get(name, ())
            }
        for sink, (kg, counted) in state["waiting"].items():
            if sink in self._services:
                service = self._services[sink]
                service.kg = self._made(0.0, kg).emissions_kg
                service.counted = {
                    (self._ids.index(name), lot): driver
                    for name, lot, driver in counted
                    if name in self._ids
                }

    def _made(self, good: float, kg: Mapping[View, float]) -> Made:
        return Made(good, {view: kg.get(view, 0.0) for view in self._views})


def _packed(ids: Sequence[str], made: Sequence[Made]) -> dict[str, list[Any]]:
    return {
        name: [one.good, one.emissions_kg] for name, one in zip(ids, made, strict=True)
    }
