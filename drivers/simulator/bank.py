"""The registers of a simulated meter under one function, and what fills them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from zerometer.core.points import Point
from zerometer.drivers.simulator.encoding import encode, raw_of, shown
from zerometer.drivers.simulator.quantities import Snapshot, Value

WIDEST = 4  # registers of the largest type


@dataclass(frozen=True, slots=True)
class Cell:
    """A point in its registers. ``ratio`` is what its registers leave out."""

    point: Point
    value: Value
    ratio: float

    def serve(self, snapshot: Snapshot) -> tuple[bytes, float, float]:
        """Return the register bytes, the value they say, and the true value."""
        point = self.point
        true = self.value(snapshot)
        raw = raw_of(point, (true - point.offset) / self.ratio)
        said = shown(point, raw) * self.ratio + point.offset
        return encode(point, raw), said, true


class Bank:
    """The cells of one function, by address."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._cells = cells
        self._starts = [cell.point.address for cell in cells]
        self._listed = {
            cell.point.address + i for cell in cells for i in range(_width(cell))
        }

    def holds(self, address: int, count: int, bridge_gaps: bool) -> bool:
        """Whether a read of these registers is allowed."""
        asked = range(address, address + count)
        if bridge_gaps:
            return asked.stop <= 65_536 and any(a in self._listed for a in asked)
        return all(a in self._listed for a in asked)

    def between(self, first: int, end: int) -> list[Cell]:
        """Return the cells with a register from *first* until before *end*."""
        low = bisect_left(self._starts, first - WIDEST + 1)
        high = bisect_left(self._starts, end)
        return [
            cell
            for cell in self._cells[low:high]
            if cell.point.address + _width(cell) > first
        ]


def _width(cell: Cell) -> int:
    return 1 if cell.point.function <= 2 else cell.point.registers
