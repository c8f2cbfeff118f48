"""The windows that are being filled, minute by minute."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from zerometer.core.alignment import MINUTE_NS, window_start
from zerometer.core.ledger import Cell

#: Windows that are booked; each is a multiple of the one before.
WINDOWS_NS = (MINUTE_NS, 15 * MINUTE_NS)
#: Windows that ended before their time and are kept in case it comes again.
KEPT_CUT = 8


@dataclass(slots=True)
class Window:
    """A window's totals.

    ``start_ns`` is Unix time, UTC. ``covered_ns`` is how much of the window was
    accounted for, ``measured_share`` which part of that was seen by the meters
    (0 to 1). A window that is put out again, more complete, has a higher
    ``revision``.
    """

    start_ns: int
    length_ns: int
    cells: "array[int]"
    covered_ns: int = 0
    seen_ns: float = 0.0
    revision: int = 0

    @property
    def measured_share(self) -> float:
        """The part of the covered time in which meters saw their flows."""
        return self.seen_ns / self.covered_ns if self.covered_ns else 0.0

    @property
    def end_ns(self) -> int:
        """Where the next window begins."""
        return self.start_ns + self.length_ns


@dataclass(slots=True)
class Leftover:
    """Windows of a graph that the site no longer has, and what their cells mean."""

    cells: list[Cell]
    windows: list[Window]


class OpenWindows:
    """One open window of each length.

    A window that was put out before its end goes on where it stood, with the next
    revision, if its time comes again: whoever keeps the latest revision has all.
    """

    def __init__(self, cells: Sequence[Cell], zone: tzinfo) -> None:
        self._cells = list(cells)
        self._zone = zone
        self._open: dict[int, Window] = {}
        self._cut: dict[tuple[int, int], Window] = {}

    def add(
        self, minute_ns: int, cells: Sequence[int], covered_ns: int, seen_ns: float
    ) -> None:
        """Add what was booked of the minute that begins at *minute_ns*.

        Windows that have ended by then must have been closed.
        """
        for length_ns in WINDOWS_NS:
            window = self._window(minute_ns, length_ns)
            for index, units in enumerate(cells):
                window.cells[index] += units
            window.covered_ns += covered_ns
            window.seen_ns += seen_ns

    def _window(self, minute_ns: int, length_ns: int) -> Window:
        window = self._open.get(length_ns)
        if window is None:
            start_ns = window_start(minute_ns, length_ns, self._zone)
            window = self._cut.pop((length_ns, start_ns), None) or Window(
                start_ns, length_ns, array("q", bytes(8 * len(self._cells)))
            )
            self._open[length_ns] = window
        return window

    def close(self, end_ns: int) -> list[Window]:
        """Take out the windows that end by *end_ns*."""
        ended = [w for w in self._open.values() if w.end_ns <= end_ns]
        for window in ended:
            del self._open[window.length_ns]
        return ended

    def put_out(self) -> list[Window]:
        """Return the windows as they stand; they stay open."""
        windows = [_copy(w) for w in self._open.values() if w.covered_ns]
        for window in self._open.values():
            window.revision += bool(window.covered_ns)
        return windows

    def cut(self) -> list[Window]:
        """Take out all windows, before their end."""
        windows = self.put_out()
        for window in self._open.values():
            self._keep(window)
        self._open.clear()
        return windows

    def _keep(self, window: Window) -> None:
        if window.covered_ns:
            self._cut[window.length_ns, window.start_ns] = window
        while len(self._cut) > KEPT_CUT:
            del self._cut[next(iter(self._cut))]

    def state(self) -> dict[str, Any]:
        """Return the windows, and what their cells mean, as plain values."""
        return {
            "cells": [[cell.name, cell.unit, cell.exponent] for cell in self._cells],
            "open": [_packed(window) for window in self._open.values()],
            "cut": [_packed(window) for window in self._cut.values()],
        }

    def restore(self, state: dict[str, Any]) -> Leftover | None:
        """Take up windows.

        Those of another graph come back as a leftover, to be put out as they stand;
        if their time comes again, they go on with the cells that both graphs have.
        """
        cells = [Cell(*cell) for cell in state["cells"]]
        windows = [_unpacked(packed) for packed in state["open"]]
        cut = [_unpacked(packed) for packed in state["cut"]]
        if cells == self._cells:
            self._open = {window.length_ns: window for window in windows}
            for window in cut:
                self._keep(window)
            return None
        leftover = [window for window in windows if window.covered_ns]
        for window in cut:
            self._keep(self._translated(window, cells))
        for window in leftover:
            self._keep(
                replace(self._translated(window, cells), revision=window.revision + 1)
            )
        return Leftover(cells, leftover)

    def _translated(self, window: Window, cells: Sequence[Cell]) -> Window:
        """Return a window of *cells* with those cells that are ours."""
        units = dict(zip(cells, window.cells, strict=True))
        ours = array("q", (units.get(cell, 0) for cell in self._cells))
        return replace(window, cells=ours)


def _copy(window: Window) -> Window:
    return replace(window, cells=window.cells[:])


def _packed(window: Window) -> list[Any]:
    return [
        window.start_ns,
        window.length_ns,
        window.cells.tobytes(),
        window.covered_ns,
        window.seen_ns,
        window.revision,
    ]


def _unpacked(packed: list[Any]) -> Window:
    start_ns, length_ns, cells, *rest = packed
    return Window(start_ns, length_ns, array("q", cells), *rest)
