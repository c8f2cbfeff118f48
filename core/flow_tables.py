"""The structure of a flow graph as tables of indices, and what they may hold."""

from array import array
from dataclasses import dataclass
from math import inf

from zerometer.core.errors import UsageError

#: Stands for no place.
NO_PLACE = -1

#: Columns of the tables, by what their indices count.
COLUMNS = {
    "inflows": ("pools", "origins", "flows"),
    "outflows": ("pools", "places", "flows"),
    "takes": ("processes", "pools", "flows"),
    "gives": ("processes", "pools", "flows"),
    "burns": ("processes", "origins", "flows"),
    "bonuses": ("processes", "pools", "flows", "origins"),
    "tanks": ("pools", "places", "flows", "flows", "origins"),
    "idle": ("places",),
    "losses": ("places",),
    "remainders": ("places",),
    "unmeasured": ("origins",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTables:
    """A flow graph: counts, 'i' arrays of indices row after row, 'd' arrays.

    ``dead_bands``: per flow, below which rate (units an hour) it waits; ``inflows``:
    pool, origin, flow; ``outflows``: pool, place, flow; ``takes``: process, pool,
    flow; ``gives``: process, pool, flow, and a weight (>= 0) each; ``burns``:
    process, origin, flow; ``bonuses``: process, pool, flow, and the origin that this
    output carries, taken off the others; ``idle``: a place per process; ``losses``:
    the place of what it takes more than it gives, or NO_PLACE where that stays in
    what it gives; ``tanks``: pool, place, charge flow, discharge flow, unknown
    origin, and the efficiency of the round trip (0 to 1) each; ``remainders``: a
    place per pool; ``unmeasured``: an origin per pool.
    """

    pools: int
    origins: int
    places: int
    dead_bands: "array[float]"
    inflows: "array[int]"
    outflows: "array[int]"
    takes: "array[int]"
    gives: "array[int]"
    weights: "array[float]"
    burns: "array[int]"
    bonuses: "array[int]"
    idle: "array[int]"
    losses: "array[int]"
    tanks: "array[int]"
    efficiencies: "array[float]"
    remainders: "array[int]"
    unmeasured: "array[int]"

    def check(self) -> None:
        """Raise UsageError for the first thing that does not fit the rest."""
        counts = {
            "pools": self.pools,
            "origins": self.origins,
            "places": self.places,
            "flows": len(self.dead_bands),
            "processes": len(self.idle),
        }
        for name in COLUMNS:
            table = getattr(self, name)
            if name == "losses":
                table = array("i", (place for place in table if place != NO_PLACE))
            _check_table(name, table, counts)
        if len(self.losses) != len(self.idle):
            raise UsageError("flow graph: losses - not one per process")
        for name in ("remainders", "unmeasured"):
            if len(getattr(self, name)) != self.pools:
                raise UsageError(f"flow graph: {name} - not one per pool")
        _check_numbers("dead_bands", self.dead_bands, len(self.dead_bands), inf)
        _check_numbers("weights", self.weights, len(self.gives) // 3, inf)
        _check_numbers("efficiencies", self.efficiencies, len(self.tanks) // 5, 1.0)


def _check_table(name: str, table: "array[int]", counts: dict[str, int]) -> None:
    columns = COLUMNS[name]
    width = len(columns)
    if table.typecode != "i" or len(table) % width:
        raise UsageError(f'flow graph: {name} - not an "i" array of rows of {width}')
    for i, value in enumerate(table):
        column = columns[i % width]
        if not 0 <= value < counts[column]:
            raise UsageError(
                f"flow graph: {name}, row {i // width}, column {i % width} - {value} - "
                f"an index below {counts[column]} ({column})"
            )


def _check_numbers(
    name: str, numbers: "array[float]", count: int, largest: float
) -> None:
    if numbers.typecode != "d" or len(numbers) != count:
        raise UsageError(f'flow graph: {name} - not a "d" array of {count}')
    for i, number in enumerate(numbers):
        if not (0 <= number <= largest and number < inf):
            raise UsageError(
                f"flow graph: {name}, {i} - {number} - finite, 0 to {largest}"
            )
