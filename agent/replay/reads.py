"""When points were read: what was read for a part of the time only."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zerometer.core.iso_time import format_time
from zerometer.core.site import Measure


@dataclass(frozen=True, slots=True)
class Read:
    """When a point was read first and last, and how often."""

    first_ns: int
    last_ns: int
    count: int

    @property
    def usual_ns(self) -> int:
        """How far its readings lie apart, in the mean."""
        return (self.last_ns - self.first_ns) // max(self.count - 1, 1)


class Reads:
    """Collects when points were read."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], Read] = {}

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Say whether a point of a meter was read."""
        return key in self._of

    def count(self, meter: str, point: str) -> int:
        """Return how often a point was read."""
        read = self._of.get((meter, point))
        return read.count if read else 0

    def add(self, meter: str, point: str, times_ns: "array[int]") -> None:
        """Note when a point was read, later than before and in the order of time."""
        if times_ns:
            before = self._of.get((meter, point))
            first_ns = before.first_ns if before else times_ns[0]
            count = (before.count if before else 0) + len(times_ns)
            self._of[meter, point] = Read(first_ns, times_ns[-1], count)

    def partly(
        self, measures: Iterable[Measure], start_ns: int, end_ns: int
    ) -> Iterator[tuple[Measure, str]]:
        """Yield the counters that lack a part of [start, end), and which they have.

        It lies before the first reading or after the last one, without a power
        either, and is longer than what usually lies between two readings.
        """
        told: set[tuple[str, str]] = set()
        for measure in measures:
            counter = self._of.get((measure.meter, measure.counter))
            if counter is None or counter.count < 2:
                continue
            power = self._of.get((measure.meter, measure.power or ""), counter)
            first_ns = min(counter.first_ns, power.first_ns)
            last_ns = max(counter.last_ns, power.last_ns)
            lacks_ns = max(first_ns - start_ns, end_ns - last_ns)
            key = (measure.meter, measure.counter)
            if lacks_ns > counter.usual_ns and key not in told:
                told.add(key)
                yield measure, f"from {format_time(first_ns)} to {format_time(last_ns)}"
