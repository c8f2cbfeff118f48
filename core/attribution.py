"""From the quantities of ticks to who used what, from where: flows and shares.

Wraps the solver (``_flow``) in the names of the network: quantities in, amounts by
place and origin out, for windows (exact totals) and for the present (rates).
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan
from typing import Any

from zerometer.core._flow import CLOSED, NO_FLOW, FlowGraph
from zerometer.core.columns import encode_floats
from zerometer.core.ledger import Amounts
from zerometer.core.network import Network
from zerometer.core.site import View

#: Rates are solved as a tick of one second, so that tanks are drawn on as in reality.
SECONDS_PER_HOUR = 3600.0


@dataclass(slots=True)
class Rates:
    """The present: all rates in booked units per hour, emissions in kg per hour.

    ``factors[view][pool]`` is None where nothing flows or nothing can be said.
    ``flows`` are those of the network's measures, NaN where unknown.
    """

    flows: "array[float]"
    factors: dict[View, list[float | None]]
    throughput: list[float]
    entered: list[float]
    quantity: list[float]
    received: list[list[float]]


class Attribution:
    """Attributes flows to origins; keeps what the storages hold."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graph = _compile(network)
        self._present = _compile(network)
        self.into_names, self._into = _inflow_names(network)
        self.out_of_names, self._out_of = _outflow_names(network)

    def attribute(self, flows: "array[float]", ticks: int) -> tuple[Amounts, bool]:
        """Attribute a block of ticks (rows of quantities, 0 or more).

        Returns the amounts, and whether flows ran in a closed circle somewhere.
        """
        totals, met = self._solve(self._graph, flows, ticks)
        self._present.restore(self._graph.state())
        width = len(self._network.flows)
        sums = [sum(flows[f::width]) for f in range(width)]
        amounts = Amounts(
            totals.entered,
            totals.received,
            [
                [totals.entered[i] if kind == "origin" else sums[i] for kind, i in pool]
                for pool in self._into
            ],
            [
                [totals.quantity[i] if kind == "place" else sums[i] for kind, i in pool]
                for pool in self._out_of
            ],
        )
        return amounts, bool(met & CLOSED)

    def rates(self, rates_per_hour: "array[float]") -> Rates:
        """Attribute the present: the rate of each flow, NaN (unknown) counts as 0."""
        second = array(
            "d",
            (
                0.0 if isnan(rate) else rate / SECONDS_PER_HOUR
                for rate in rates_per_hour
            ),
        )
        totals, _ = self._solve(self._present, second, 1)
        hourly = totals.scaled(SECONDS_PER_HOUR)
        return Rates(
            rates_per_hour,
            {view: self._factors(totals, view) for view in self._network.views},
            hourly.throughput,
            hourly.entered,
            hourly.quantity,
            hourly.received,
        )

    def _factors(self, totals: "_Totals", view: View) -> list[float | None]:
        width = len(self._network.origins)
        known = [
            self._network.emission_kg(totals.shares[at : at + width], view)
            for at in range(0, len(totals.shares), width or 1)
        ]
        return [
            None if condition & (NO_FLOW | CLOSED) else factor
            for factor, condition in zip(known, totals.conditions, strict=True)
        ]

    def _solve(
        self, graph: FlowGraph, flows: "array[float]", ticks: int
    ) -> tuple["_Totals", int]:
        network = self._network
        sums = array("d", bytes(8 * graph.width))
        carries = sums[:]
        shares = array("d", bytes(8 * len(network.pools) * len(network.origins)))
        conditions = bytearray(len(network.pools))
        met = graph.solve(flows, ticks, sums, carries, shares, conditions)
        columns = [total + carry for total, carry in zip(sums, carries, strict=True)]
        return _Totals.of(network, columns, shares, conditions), met

    def held(self, tank: int) -> tuple[float, list[float]]:
        """Return what a storage can still give, in its pool's unit, and its origins."""
        return self._graph.tank(tank)

    def state(self) -> dict[str, Any]:
        """Return what the storages hold, by name."""
        names = [origin.name for origin in self._network.origins]
        held = {}
        for i, tank in enumerate(self._network.tanks):
            energy, contents = self.held(i)
            held[tank.name] = [energy, dict(zip(names, contents, strict=True))]
        return held

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what the storages held; an origin that is gone counts as unknown."""
        names = {origin.name: k for k, origin in enumerate(self._network.origins)}
        values = array("d")
        for tank in self._network.tanks:
            energy, contents = state.get(tank.name, [0.0, {}])
            held = array("d", bytes(8 * len(names)))
            for name, amount in contents.items():
                held[names.get(name, tank.unknown)] += amount
            values.append(energy)
            values.extend(held)
        header = self._graph.state()[: -8 * len(values) or None]
        packed = header + encode_floats(values)
        self._graph.restore(packed)
        self._present.restore(packed)


@dataclass(slots=True)
class _Totals:
    """The solver's totals, by name instead of by column."""

    received: list[list[float]]
    entered: list[float]
    quantity: list[float]
    throughput: list[float]
    shares: "array[float]"
    conditions: bytearray

    @classmethod
    def of(
        cls,
        network: Network,
        columns: list[float],
        shares: "array[float]",
        conditions: bytearray,
    ) -> "_Totals":
        """Cut the columns into their parts; what storages gave counts against them."""
        width, at = len(network.origins), 0

        def rows(count: int) -> list[list[float]]:
            nonlocal at
            start, at = at, at + count * width
            starts = [start + i * width for i in range(count)]
            return [columns[i : i + width] for i in starts]

        received = rows(len(network.places))
        discharged = rows(len(network.tanks))
        for tank, given in zip(network.tanks, discharged, strict=True):
            got = received[tank.place]
            received[tank.place] = [a - b for a, b in zip(got, given, strict=True)]
        entered = columns[at : at + width]
        at += width
        quantity = columns[at : at + len(network.places)]
        at += len(network.places)
        throughput = columns[at : at + len(network.pools)]
        return cls(received, entered, quantity, throughput, shares, conditions)

    def scaled(self, by: float) -> "_Totals":
        """Return the totals times *by*."""
        return _Totals(
            [[amount * by for amount in place] for place in self.received],
            [amount * by for amount in self.entered],
            [amount * by for amount in self.quantity],
            [amount * by for amount in self.throughput],
            self.shares,
            self.conditions,
        )


def _compile(network: Network) -> FlowGraph:
    """Return the solver for a network."""
    processes = list(enumerate(network.conversions))
    return FlowGraph(
        pools=len(network.pools),
        origins=len(network.origins),
        places=len(network.places),
        dead_bands=array("d", bytes(8 * len(network.flows))),
        inflows=_flat((i.pool, i.origin, i.flow) for i in network.inflows),
        outflows=_flat((o.pool, o.place, o.flow) for o in network.outflows),
        takes=_flat((p, *take) for p, process in processes for take in process.takes),
        gives=_flat(
            (p, give.pool, give.flow)
            for p, process in processes
            for give in process.gives
        ),
        weights=array(
            "d",
            (g.weights[network.views[0]] for p in network.conversions for g in p.gives),
        ),
        burns=_flat((p, *burn) for p, process in processes for burn in process.burns),
        idle=array("i", (process.place for _, process in processes)),
        tanks=_flat(
            (tank.pool, tank.place, tank.charge, tank.discharge, tank.unknown)
            for tank in network.tanks
        ),
        efficiencies=array("d", (tank.efficiency for tank in network.tanks)),
        remainders=array("i", network.remainders),
        unmeasured=array("i", network.unmeasured),
    )


def _flat(rows: Iterable[tuple[int, ...]]) -> "array[int]":
    return array("i", (number for row in rows for number in row))


_Names = list[list[str]]
#: Where a quantity is found: ("flow" | "origin" | "place", index).
_Found = list[list[tuple[str, int]]]


def _inflow_names(network: Network) -> tuple[_Names, _Found]:
    """Return, by pool, what flows in: its names, and where its quantity is found."""
    names: _Names = [[] for _ in network.pools]
    found: _Found = [[] for _ in network.pools]
    for inflow in network.inflows:
        names[inflow.pool].append(network.origins[inflow.origin].name)
        found[inflow.pool].append(("flow", inflow.flow))
    for process in network.conversions:
        for give in process.gives:
            name = network.pools[give.pool].id
            names[give.pool].append(f"{process.name}:gives:{name}")
            found[give.pool].append(("flow", give.flow))
    for tank in network.tanks:
        names[tank.pool].append(f"{tank.name}:discharge")
        found[tank.pool].append(("flow", tank.discharge))
    for pool, origin in enumerate(network.unmeasured):
        names[pool].append(network.origins[origin].name)
        found[pool].append(("origin", origin))
    return names, found


def _outflow_names(network: Network) -> tuple[_Names, _Found]:
    """Return, by pool, what flows out: its names, and where its quantity is found."""
    names: _Names = [[] for _ in network.pools]
    found: _Found = [[] for _ in network.pools]
    for outflow in network.outflows:
        names[outflow.pool].append(network.places[outflow.place].name)
        found[outflow.pool].append(("place", outflow.place))
    for pool, place in enumerate(network.remainders):
        names[pool].append(network.places[place].name)
        found[pool].append(("place", place))
    for process in network.conversions:
        for pool, flow in process.takes:
            names[pool].append(f"{process.name}:takes:{network.pools[pool].id}")
            found[pool].append(("flow", flow))
    for tank in network.tanks:
        names[tank.pool].append(f"{tank.name}:charge")
        found[tank.pool].append(("place", tank.place))
    return names, found
