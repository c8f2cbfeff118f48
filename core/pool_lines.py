"""What flows into and out of each pool: the lines of its balance, by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from zerometer.core.network import Network
from zerometer.core.totals import Totals


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity by name; ``kind`` and ``index`` tell where in the totals it is."""

    name: str
    kind: Literal["flow", "origin", "place"]
    index: int

    def quantity(self, totals: Totals) -> float:
        """Return what *totals* have of it."""
        if self.kind == "flow":
            return totals.flows[self.index]
        if self.kind == "origin":
            return totals.entered[self.index]
        return totals.quantity[self.index]


Lines = list[list[Line]]


def lines_in(network: Network) -> Lines:
    """Return, by pool, what flows in: measured, and what nobody measured."""
    lines = [
        *((i.pool, _of_flow(network, i.flow)) for i in network.inflows),
        *(
            (give.pool, _of_flow(network, give.flow))
            for process in network.conversions
            for give in process.gives
        ),
        *((tank.pool, _of_flow(network, tank.discharge)) for tank in network.tanks),
        *(
            (pool, Line(network.origins[origin].name, "origin", origin))
            for pool, origin in enumerate(network.unmeasured)
        ),
    ]
    return _by_pool(network, lines)


def lines_out(network: Network) -> Lines:
    """Return, by pool, what flows out: measured, and the rest."""
    lines = [
        *(
            (o.pool, Line(network.places[o.place].name, "place", o.place))
            for o in network.outflows
        ),
        *(
            (pool, Line(network.places[place].name, "place", place))
            for pool, place in enumerate(network.remainders)
        ),
        *(
            (pool, _of_flow(network, flow))
            for process in network.conversions
            for pool, flow in process.takes
        ),
        *(
            (tank.pool, Line(f"{tank.name}:charge", "place", tank.place))
            for tank in network.tanks
        ),
    ]
    return _by_pool(network, lines)


def _by_pool(network: Network, lines: Iterable[tuple[int, Line]]) -> Lines:
    found: Lines = [[] for _ in network.pools]
    for pool, line in lines:
        found[pool].append(line)
    return found


def _of_flow(network: Network, flow: int) -> Line:
    return Line(network.flows[flow].name, "flow", flow)
