"""Recorded readings, block by block: a CSV file, or the batches of a journal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from zerometer.agent.replay.points import Key, Points
from zerometer.core.metering import Column


@dataclass(slots=True)
class Block:
    """Values by point, in order of time, and the latest time until now (ns)."""

    columns: list[Column]
    until_ns: int

    @property
    def rows(self) -> int:
        """How many values it has."""
        return sum(len(column.values) for column in self.columns)


@dataclass(slots=True)
class Count:
    """How many readings there were, and what became of them.

    ``skipped``: of points that the site does not use; ``missing``: without a value;
    ``repeated``: of a time that the point had already, by point: the first counts;
    ``disordered``: before a time that the point had already.
    """

    used: int = 0
    skipped: int = 0
    missing: int = 0
    repeated: dict[Key, int] = field(default_factory=dict)
    disordered: dict[Key, int] = field(default_factory=dict)


class Readings(Protocol):
    """Recorded readings. ``warnings`` are to be told."""

    count: Count
    warnings: list[str]

    def blocks(self, booked_ns: Callable[[], int | None]) -> Iterator[Block]:
        """Yield all of them; *booked_ns* is until when time is accounted for.

        ReadingsError when they do not hold.
        """
        ...


def open_readings(path: Path, points: Points) -> Readings:
    """Return the readings at *path*: a CSV file, or a journal or folder of batches."""
    from zerometer.agent.replay.batch_readings import BatchReadings, holds_batches
    from zerometer.agent.replay.csv_readings import CsvReadings

    if holds_batches(path):
        return BatchReadings(path, points)
    return CsvReadings(path, points)
