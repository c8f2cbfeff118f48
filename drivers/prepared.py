"""A read that is ready to go: its request, and how its reply becomes a reading."""

from array import array

from zerometer.core._frame import expected_length, read_request
from zerometer.core.decoding import decode_plan
from zerometer.core.planner import block_ns
from zerometer.core.points import LineSettings, Point, Quality, ReadBlock, Reading
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.health import Health
from zerometer.drivers.ratios import Ratios


class PreparedRead:
    """One block of one unit; *health* is that of this read, not of the unit."""

    __slots__ = (
        "_missing",
        "_missing_values",
        "_plan",
        "block",
        "has_ratios",
        "health",
        "length",
        "request",
        "tracked",
        "transaction",
        "width",
        "wire_ns",
    )

    def __init__(  # noqa: PLR0917
        self,
        unit: int,
        block: ReadBlock,
        points: tuple[Point, ...],
        ratios: Ratios,
        health: Health,
        line: LineSettings,
    ) -> None:
        self.block = block
        self.health = health
        self.request = read_request(unit, block.function, block.address, block.count)
        #: The request on its way.
        self.transaction = Transaction(self.request)
        #: How long it occupies the line, but for the unit's turnaround.
        self.wire_ns = block_ns(block, line, 0)
        #: Bytes of the reply that grants it.
        self.length = expected_length(self.request)
        #: Registers from the block's start that belong to its first value.
        self.width = _first_width(block, points)
        #: Whether others are multiplied by what it reads.
        self.has_ratios = any(ratios.is_ratio(index) for index in block.points)
        #: Which of its values is that of the counter which is followed; -1 if none is.
        self.tracked = -1
        self._plan = decode_plan(points, block)
        self._missing_values = array("d", [float("nan")]) * len(block.points)
        self._missing = bytes([Quality.MISSING]) * len(block.points)
        self.apply(ratios)

    def apply(self, ratios: Ratios) -> None:
        """Multiply by the *ratios* as they are known now."""
        for field, index in enumerate(self.block.points):
            if ratios.depends(index):
                self._plan.set_times(field, ratios.times(index))

    def reading(self, meter: str) -> Reading:
        """Return what the reply says; the transaction was run, and is good."""
        values = self._missing_values[:]
        qualities = bytearray(self._missing)
        self._plan.decode(self.transaction.data(), values, qualities)
        return Reading(
            meter=meter,
            time_ns=self.transaction.end_ns,
            points=self.block.points,
            values=values,
            qualities=bytes(qualities),
        )

    def missing(self, meter: str, time_ns: int) -> Reading:
        """Return the reading that says that there is none."""
        return Reading(
            meter=meter,
            time_ns=time_ns,
            points=self.block.points,
            values=self._missing_values[:],
            qualities=self._missing,
        )


def _first_width(block: ReadBlock, points: tuple[Point, ...]) -> int:
    first = points[block.points[0]]
    return max(start + size for start, size in first.places) - block.address
