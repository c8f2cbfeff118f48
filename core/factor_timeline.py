"""One factor series as a line in time: the row that holds at each moment."""

from bisect import bisect_right
from typing import NamedTuple

from zerometer.core.factor import FactorRow


class Stretch(NamedTuple):
    """The time [start, end), Unix ns, in which *row* holds."""

    start_ns: int
    end_ns: int
    row: FactorRow


class Timeline:
    """Stretches without overlap, in order; what lies between them is not known."""

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []

    def add(self, row: FactorRow) -> None:
        """Take in *row*: it holds wherever no row of higher precedence does."""
        first = self._first_after(row.t0_ns)
        last = first
        while (
            last < len(self._stretches) and self._stretches[last].start_ns < row.t1_ns
        ):
            last += 1
        met = self._stretches[first:last]
        self._stretches[first:last] = _overlaid(met, row)

    def mean(self, start_ns: int, end_ns: int) -> tuple[float, int] | None:
        """Return the mean over what is known of a time, and the highest revision.

        None when nothing is known of it.
        """
        weighted, known_ns, revision = 0.0, 0, 0
        index = self._first_after(start_ns)
        stretch = None
        while index < len(self._stretches):
            stretch = self._stretches[index]
            if stretch.start_ns >= end_ns:
                break
            start, end = max(stretch.start_ns, start_ns), min(stretch.end_ns, end_ns)
            if end - start == end_ns - start_ns:
                # The usual case, in which the value stays as it was stated.
                return stretch.row.value, stretch.row.revision
            weighted += stretch.row.value * (end - start)
            known_ns += end - start
            revision = max(revision, stretch.row.revision)
            index += 1
        return (weighted / known_ns, revision) if known_ns else None

    def rows(self, start_ns: int, end_ns: int) -> list[FactorRow]:
        """Return the rows that hold at some moment of a time."""
        index = self._first_after(start_ns)
        found = []
        while index < len(self._stretches) and self._stretches[index].start_ns < end_ns:
            found.append(self._stretches[index].row)
            index += 1
        return found

    def stretches(self) -> tuple[Stretch, ...]:
        """Return all stretches."""
        return tuple(self._stretches)

    def forget(self, before_ns: int) -> None:
        """Let go of stretches that ended by *before_ns*."""
        del self._stretches[: self._first_after(before_ns)]

    def _first_after(self, time_ns: int) -> int:
        """Return the index of the first stretch that ends after *time_ns*."""
        index = bisect_right(self._stretches, time_ns, key=_start)
        if index and self._stretches[index - 1].end_ns > time_ns:
            return index - 1
        return index


def _start(stretch: Stretch) -> int:
    return stretch.start_ns


def _overlaid(met: list[Stretch], row: FactorRow) -> list[Stretch]:
    """Return what becomes of the stretches that *row* touches."""
    laid: list[Stretch] = []
    edge_ns = row.t0_ns
    for stretch in met:
        if stretch.start_ns < row.t0_ns:
            _append(laid, stretch.start_ns, row.t0_ns, stretch.row)
        start, end = max(stretch.start_ns, row.t0_ns), min(stretch.end_ns, row.t1_ns)
        _append(laid, edge_ns, start, row)
        wins = row.precedence > stretch.row.precedence
        _append(laid, start, end, row if wins else stretch.row)
        if stretch.end_ns > row.t1_ns:
            _append(laid, row.t1_ns, stretch.end_ns, stretch.row)
        edge_ns = end
    _append(laid, edge_ns, row.t1_ns, row)
    return laid


def _append(laid: list[Stretch], start_ns: int, end_ns: int, row: FactorRow) -> None:
    """Add a stretch, unless it is empty; join it to one of the same row."""
    if start_ns >= end_ns:
        return
    if laid and laid[-1].row is row and laid[-1].end_ns == start_ns:
        laid[-1] = Stretch(laid[-1].start_ns, end_ns, row)
    else:
        laid.append(Stretch(start_ns, end_ns, row))
