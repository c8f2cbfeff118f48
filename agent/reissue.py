"""Batches that a receiver does not take as they are: their content is sealed anew.

An identity that the receiver knows with another content means that this journal was
copied and both copies run: this one goes on in an epoch of its own. A batch that is
too large comes again in halves.
"""

from array import array
from collections.abc import Iterable
from dataclasses import replace
from threading import Lock
from typing import Literal

from zerometer.agent.batch import Column, Table
from zerometer.agent.uplink.base import Batch

Reason = Literal["conflict", "too-large"]
Place = tuple[str, int]
Ask = tuple[Batch, Reason]
#: As many batches that were sealed anew are remembered, for uplinks that still ask.
_REMEMBERED = 10_000


class Reissues:
    """What uplinks ask to be sealed anew; ``ask`` may be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: dict[Place, Ask] = {}
        self._served: dict[Place, None] = {}

    def ask(self, batch: Batch, reason: Reason) -> None:
        """Ask that *batch* comes in another form; again and again does no harm."""
        place = batch.stream, batch.position
        with self._lock:
            if place not in self._served:
                self._asked.setdefault(place, (batch, reason))

    def waiting(self) -> list[Ask]:
        """Return what was asked for, oldest first."""
        with self._lock:
            return list(self._asked.values())

    def served(self, batch: Batch) -> None:
        """Note that *batch* was sealed anew, or cannot be."""
        place = batch.stream, batch.position
        with self._lock:
            self._asked.pop(place, None)
            self._served[place] = None
            if len(self._served) > _REMEMBERED:
                del self._served[next(iter(self._served))]


def halves(tables: Iterable[Table]) -> list[list[Table]]:
    """Return the rows of *tables* in two parts of about one size; one if it is a row.

    Of tables that have one row each, every second is in the second part.
    """
    parts: tuple[list[Table], list[Table]] = ([], [])
    single = 0
    for table in tables:
        middle = table.rows // 2
        if middle:
            parts[0].append(_cut(table, 0, middle))
            parts[1].append(_cut(table, middle, table.rows))
        else:
            parts[single % 2].append(table)
            single += 1
    return [part for part in parts if part]


def span_ms(tables: Iterable[Table]) -> tuple[int, int]:
    """Return the first and the last time in *tables*, which have rows."""
    times = [array("q", table.columns[0].values) for table in tables]
    return min(map(min, times)), max(map(max, times))


def _cut(table: Table, first: int, end: int) -> Table:
    return Table(table.name, [_part(column, first, end) for column in table.columns])


def _part(column: Column, first: int, end: int) -> Column:
    nulls = column.nulls[first:end] if column.nulls else None
    return replace(column, values=column.values[first:end], nulls=nulls)
