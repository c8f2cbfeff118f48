"""Sets of whole numbers as disjoint ranges: numbers of batches come in long rows."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Span = tuple[int, int]


class Intervals:
    """A set of whole numbers; neighbouring ranges are one. Both ends are included."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in spans:
            self.add(first, last)

    def add(self, first: int, last: int) -> None:
        """Take in the numbers from *first* to *last*."""
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def remove(self, first: int, last: int) -> None:
        """Leave out the numbers from *first* to *last*."""
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        if low >= high:
            return
        rests = [(self._firsts[low], first - 1), (last + 1, self._lasts[high - 1])]
        rests = [(start, end) for start, end in rests if start <= end]
        self._firsts[low:high] = [start for start, _ in rests]
        self._lasts[low:high] = [end for _, end in rests]

    def __contains__(self, number: int) -> bool:
        place = bisect_left(self._lasts, number)
        return place < len(self._lasts) and self._firsts[place] <= number

    def spans(self) -> list[Span]:
        """Return the ranges in order."""
        return list(zip(self._firsts, self._lasts, strict=True))

    def absent(self, first: int, last: int) -> Iterator[Span]:
        """Yield the ranges between *first* and *last* that are not in the set."""
        place = bisect_left(self._lasts, first)
        while first <= last and place < len(self._firsts):
            if self._firsts[place] > last:
                break
            if first < self._firsts[place]:
                yield first, self._firsts[place] - 1
            first = self._lasts[place] + 1
            place += 1
        if first <= last:
            yield first, last

    def present(self, first: int, last: int) -> Iterator[Span]:
        """Yield the ranges between *first* and *last* that are in the set."""
        for place in range(bisect_left(self._lasts, first), len(self._firsts)):
            if self._firsts[place] > last:
                return
            yield max(first, self._firsts[place]), min(last, self._lasts[place])

    def union(self, other: "Intervals") -> "Intervals":
        """Return what is in either set."""
        return Intervals([*self.spans(), *other.spans()])


def count(spans: Iterable[Span]) -> int:
    """Return how many numbers are in disjoint ranges."""
    return sum(last - first + 1 for first, last in spans)
