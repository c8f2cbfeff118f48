"""The site's graph with its present rates: what the page draws."""

from collections.abc import Mapping
from math import isnan
from typing import Any

from zerometer.core.accounting import Accounting
from zerometer.core.attribution import Rates
from zerometer.core.network import Network, Tank
from zerometer.core.site import View
from zerometer.core.units import RATE_OF

Json = dict[str, Any]


class GraphPicture:
    """Pools, places and the links between them, at one moment."""

    def __init__(self, accounting: Accounting, time_ns: int) -> None:
        self._accounting = accounting
        self._network: Network = accounting.network
        self._rates: Rates = accounting.rates(time_ns)
        self._unseen = self._unseen_names()

    def _unseen_names(self) -> set[str]:
        """Return origins and places whose meter says nothing: no number is shown."""
        network, flows = self._network, self._rates.flows
        seen_by = [
            *((network.origins[i.origin].name, i.flow) for i in network.inflows),
            *((network.places[o.place].name, o.flow) for o in network.outflows),
            *(
                (network.origins[k].name, flow)
                for process in network.conversions
                for k, flow in process.burns
            ),
        ]
        return {name for name, flow in seen_by if isnan(flows[flow])}

    def powers_kw(self) -> dict[str, float]:
        """Return the power of each bought source of electricity, where it is known."""
        flows = self._rates.flows
        return {
            source: flows[flow]
            for source, flow in self._network.demand.items()
            if not isnan(flows[flow])
        }

    def pools(self) -> list[Json]:
        """Return each pool with what flows through it and its factor by view."""
        return [
            {
                "id": pool.id,
                "carrier": pool.carrier,
                "unit": pool.unit,
                "rate_unit": RATE_OF[pool.unit],
                "inflow": self._rates.throughput[i],
                "outflow": self._rates.throughput[i],
                "factor": {
                    view: self._rates.factors[view][i] for view in self._network.views
                },
            }
            for i, pool in enumerate(self._network.pools)
        ]

    def places(self) -> list[Json]:
        """Return sources, fuels, processes, storages and sinks with their rates."""
        network = self._network
        stored = {tank.place: i for i, tank in enumerate(network.tanks)}
        # Standby losses are found now and then: they do not flow.
        still = {tank.loss for tank in network.tanks}
        origins = [self._origin(k) for k in range(len(network.origins))]
        places = [
            self._storage(stored[p]) if p in stored else self._place(p)
            for p in range(len(network.places))
            if p not in still
        ]
        return [place for place in [*origins, *places] if place is not None]

    def _origin(self, k: int) -> Json | None:
        origin, entered = self._network.origins[k], self._rates.entered[k]
        kind = origin.name.split(".")[0]
        if kind == "bonus":
            return None  # carbon that one output takes over from another: no flow
        if kind not in ("source", "fuel") and entered == 0:
            return None  # nothing is unmeasured or unknown: nothing to show
        rate = None if origin.name in self._unseen else entered
        return {
            "id": origin.name,
            "kind": "fuel" if kind == "fuel" else "source",
            "pool": self._pool_of_origin(k),
            "rate": rate,
            "rate_unit": RATE_OF[origin.unit],
            "emission_kg_per_h": self._emitted(k, rate),
        }

    def _pool_of_origin(self, k: int) -> str | None:
        network = self._network
        for inflow in network.inflows:
            if inflow.origin == k:
                return network.pools[inflow.pool].id
        if k in network.unmeasured:
            return network.pools[network.unmeasured.index(k)].id
        return next(
            (network.pools[t.pool].id for t in network.tanks if t.unknown == k), None
        )

    def _place(self, p: int) -> Json:
        place = self._network.places[p]
        pool = None if place.pool is None else self._network.pools[place.pool].id
        flows = pool is not None or place.kind == "loss"
        seen = flows and place.name not in self._unseen
        return {
            "id": place.name,
            "kind": place.kind,
            "pool": pool,
            "rate": self._rates.quantity[p] if seen else None,
            "rate_unit": RATE_OF[place.unit] if flows else None,
            "emission_kg_per_h": self._received_kg(p),
        }

    def _storage(self, i: int) -> Json:
        tank = self._network.tanks[i]
        pool = self._network.pools[tank.pool]
        held = self._accounting.attribution.held(i)
        return {
            "id": tank.name,
            "kind": "storage",
            "pool": pool.id,
            "rate": self._charging(tank),
            "rate_unit": RATE_OF[pool.unit],
            "content": held.energy,
            "unit": pool.unit,
            "factor": {
                view: kg / held.energy if held.energy > 0 else None
                for view, kg in held.emissions_kg.items()
            },
            "emission_kg_per_h": self._received_kg(tank.place),
        }

    def links(self) -> list[Json]:
        """Return what flows from where to where."""
        network, rates = self._network, self._rates
        links = []
        # What a storage held before we looked comes out of it, not from outside.
        held = {tank.unknown: tank.name for tank in network.tanks}
        for k in range(len(network.origins)):
            pool = self._pool_of_origin(k)
            name = network.origins[k].name
            if pool is not None and (rates.entered[k] > 0 or name.startswith("source")):
                links.append(self._from_origin(k, held.get(k, f"pool.{pool}")))
        for p, place in enumerate(network.places):
            if place.pool is not None and place.kind != "storage":
                unseen = place.name in self._unseen
                rate = None if unseen else rates.quantity[p]
                links.append(self._from_pool(place.pool, place.name, rate))
        for process in network.conversions:
            links.extend(self._from_origin(k, process.name) for k, _ in process.burns)
            links.extend(
                self._from_pool(pool, process.name, self._flow(flow))
                for pool, flow in process.takes
            )
            links.extend(
                self._to_pool(process.name, give.pool, self._flow(give.flow))
                for give in process.gives
            )
            if process.loss is not None:
                links.append(self._loss(process.name, process.loss))
        for tank in network.tanks:
            rate = self._charging(tank)
            if rate is not None and rate < 0:
                links.append(self._to_pool(tank.name, tank.pool, -rate))
            else:
                links.append(self._from_pool(tank.pool, tank.name, rate))
        return links

    def _loss(self, process: str, p: int) -> Json:
        place, lost = self._network.places[p], self._rates.quantity[p]
        return _link(process, place.name, lost, place.unit, self._received_kg(p))

    def _flow(self, flow: int) -> float | None:
        rate = self._rates.flows[flow]
        return None if isnan(rate) else rate

    def _charging(self, tank: Tank) -> float | None:
        charge, discharge = self._flow(tank.charge), self._flow(tank.discharge)
        if charge is None or discharge is None:
            return None
        return charge - discharge

    def _from_origin(self, k: int, target: str) -> Json:
        origin = self._network.origins[k]
        rate = None if origin.name in self._unseen else self._rates.entered[k]
        carried = self._emitted(k, rate)
        return _link(origin.name, target, rate, origin.unit, carried)

    def _from_pool(self, pool: int, target: str, rate: float | None) -> Json:
        here = self._network.pools[pool]
        carried = self._carried(pool, rate)
        return _link(f"pool.{here.id}", target, rate, here.unit, carried)

    def _to_pool(self, source: str, pool: int, rate: float | None) -> Json:
        there = self._network.pools[pool]
        return _link(source, f"pool.{there.id}", rate, there.unit, None)

    def _carried(self, pool: int, rate: float | None) -> dict[View, float | None]:
        return _times(
            {v: self._rates.factors[v][pool] for v in self._network.views}, rate
        )

    def _emitted(self, k: int, rate: float | None) -> dict[View, float | None]:
        """Return what enters from an origin, None where its rate is not known."""
        return {
            view: None if rate is None else kg[k]
            for view, kg in self._rates.entered_kg.items()
        }

    def _received_kg(self, p: int) -> dict[View, float | None]:
        """Return what a place gets, None where nothing can be said of its pool."""
        pool, flows = self._network.places[p].pool, self._rates.quantity[p] > 0
        return {
            view: None
            if pool is not None and flows and self._rates.factors[view][pool] is None
            else kg[p]
            for view, kg in self._rates.received_kg.items()
        }


def _times(
    factors: Mapping[View, float | None], rate: float | None
) -> dict[View, float | None]:
    """Return *rate* times each factor, None where either is not known."""
    return {
        view: None if rate is None or factor is None else rate * factor
        for view, factor in factors.items()
    }


def _link(
    source: str,
    target: str,
    rate: float | None,
    unit: str,
    emissions: Mapping[View, float | None] | None,
) -> Json:
    return {
        "from": source,
        "to": target,
        "rate": rate,
        "unit": RATE_OF[unit],
        "emission_kg_per_h": emissions,
    }
