"""The registers of a simulated meter under one function, and what fills them."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import extent
from zerometer.core.points import Point
from zerometer.drivers.simulator.encoding import Shown, shown
from zerometer.drivers.simulator.quantities import Snapshot, Value


@dataclass(frozen=True, slots=True)
class Cell:
    """A point in its registers. ``ratio`` is what its registers leave out."""

    point: Point
    value: Value
    ratio: float

    def serve(self, snapshot: Snapshot) -> tuple[Shown, float]:
        """Return the registers with the value that they say, and the true value."""
        true = self.value(snapshot)
        return shown(self.point, true, self.ratio), true


class Bank:
    """The cells of one function, by address, and registers that never change."""

    def __init__(
        self, cells: Sequence[Cell], limits: ReadLimits, fixed: Mapping[int, int]
    ) -> None:
        exact = ReadLimits(registers_per_address=limits.registers_per_address)
        extents = [(*extent(cell.point, exact), cell) for cell in cells]
        self._extents = sorted(extents, key=lambda item: item[0])
        self._starts = [start for start, _, _ in self._extents]
        self._widest = max((end - start for start, end, _ in extents), default=1)
        self._bridge_gaps = limits.bridge_gaps
        self._fixed = fixed
        self._size = limits.registers_per_address
        bits = any(cell.point.function <= 2 for cell in cells)
        self._blocks = () if bits else limits.blocks
        whole = self._size > 1 or bits
        self._listed = set(fixed)
        for cell in cells:
            for address, size in cell.point.places:
                self._listed.update(range(address, address + (1 if whole else size)))

    def holds(self, address: int, count: int) -> bool:
        """Whether a read of these addresses is allowed."""
        asked = range(address, address + count)
        inside = (a <= address and asked[-1] <= b for a, b in self._blocks)
        if asked.stop > 65_536 or (self._blocks and not any(inside)):
            return False
        known = (a in self._listed for a in asked)
        return any(known) if self._bridge_gaps and self._size == 1 else all(known)

    def between(self, first: int, end: int) -> Iterator[Cell]:
        """Yield the cells with an address from *first* until before *end*."""
        low = bisect_left(self._starts, first - self._widest + 1)
        high = bisect_left(self._starts, end)
        for _, after, cell in self._extents[low:high]:
            if after > first:
                yield cell

    def fixed(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield address and word of what never changes, within these addresses."""
        for address in range(first, end):
            if address in self._fixed:
                yield address, self._fixed[address]
