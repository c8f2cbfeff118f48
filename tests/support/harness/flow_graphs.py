"""Flow graphs by hand: tables from rows, and a solver that keeps its totals."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, fields

from zerometer.core._flow import FlowGraph
from zerometer.core.flow_tables import FlowTables

Rows = Sequence[Sequence[int]]
HOUR_NS = 3_600_000_000_000


def tables_of(
    *,
    flows: int,
    remainders: Sequence[int],
    unmeasured: Sequence[int],
    origins: int,
    places: int,
    inflows: Rows = (),
    outflows: Rows = (),
    takes: Rows = (),
    gives: Rows = (),
    weights: Sequence[float] | None = None,
    burns: Rows = (),
    bonuses: Rows = (),
    idle: Sequence[int] = (),
    losses: Sequence[int] | None = None,
    tanks: Rows = (),
    efficiencies: Sequence[float] = (),
    dead_band: float = 0.0,
) -> FlowTables:
    """Return tables; outputs weigh the same unless told otherwise.

    No process has a place for losses.
    """
    return FlowTables(
        pools=len(remainders),
        origins=origins,
        places=places,
        dead_bands=array("d", [dead_band] * flows),
        inflows=_flat(inflows),
        outflows=_flat(outflows),
        takes=_flat(takes),
        gives=_flat(gives),
        weights=array("d", [1.0] * len(gives) if weights is None else weights),
        burns=_flat(burns),
        bonuses=_flat(bonuses),
        idle=array("i", idle),
        losses=array("i", [-1] * len(idle) if losses is None else losses),
        tanks=_flat(tanks),
        efficiencies=array("d", efficiencies),
        remainders=array("i", remainders),
        unmeasured=array("i", unmeasured),
    )


def _flat(rows: Rows) -> "array[int]":
    return array("i", (value for row in rows for value in row))


def arguments(tables: FlowTables) -> dict[str, object]:
    """Return tables as the keywords of FlowGraph."""
    return {field.name: getattr(tables, field.name) for field in fields(tables)}


@dataclass
class Totals:
    """The totals of a solver, cut into their parts."""

    amounts: list[list[float]]
    discharged: list[list[float]]
    entered: list[float]
    quantities: list[float]
    throughput: list[float]
    short: list[float]
    closed: list[float]
    carried: list[list[float]]
    flows: list[float]


class Solver:
    """A compiled graph, the totals of all it solved, and the last tick.

    A tick is an hour.
    """

    def __init__(self, tables: FlowTables) -> None:
        self.tables = tables
        self.graph = FlowGraph(**arguments(tables))  # type: ignore[arg-type]
        self.sums = array("d", bytes(8 * self.graph.width))
        self.carries = self.sums[:]
        self.make_up = array("d", bytes(8 * tables.pools * tables.origins))
        self.conditions = bytearray(tables.pools)

    def solve(self, *ticks: Sequence[float]) -> int:
        """Solve ticks, given as rows of quantities."""
        flows = array("d", (quantity for tick in ticks for quantity in tick))
        hours = array("q", [HOUR_NS] * len(ticks))
        return self.graph.solve(
            flows, hours, self.sums, self.carries, self.make_up, self.conditions
        )

    def tank(self, i: int) -> tuple[float, list[float]]:
        """Return the energy and the contents of a tank."""
        size = 1 + self.tables.origins
        energy, *contents = self.graph.state()[i * size : (i + 1) * size]
        return energy, contents

    @property
    def shares(self) -> list[list[float]]:
        """The make-up of each pool in the last tick."""
        return _cut(list(self.make_up), self.tables.pools, self.tables.origins)

    def factors(self, factors: Sequence[float]) -> list[float]:
        """Return the factor of each pool in the last tick."""
        return [weigh(row, factors) for row in self.shares]

    @property
    def totals(self) -> Totals:
        """All that was booked so far."""
        t = self.tables
        columns = [a + b for a, b in zip(self.sums, self.carries, strict=True)]
        tanks = len(t.efficiencies)

        def next_rows(height: int, width: int) -> list[list[float]]:
            part = columns[: height * width]
            del columns[: height * width]
            return _cut(part, height, width)

        totals = Totals(
            next_rows(t.places, t.origins),
            next_rows(tanks, t.origins),
            *(
                next_rows(1, width)[0]
                for width in (t.origins, t.places, t.pools, t.pools, t.pools)
            ),
            next_rows(t.pools, t.origins),
            next_rows(1, len(t.dead_bands))[0],
        )
        assert not columns
        return totals


def _cut(values: list[float], height: int, width: int) -> list[list[float]]:
    return [values[i * width : (i + 1) * width] for i in range(height)]


def weigh(amounts: Sequence[float], factors: Sequence[float]) -> float:
    """Return the emission of amounts by origin."""
    return sum(a * f for a, f in zip(amounts, factors, strict=True))
