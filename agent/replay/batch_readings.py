"""Readings from sealed batches: those of a journal, or of files with batches."""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

from zerometer.agent.batch import Table, decode, peek
from zerometer.agent.batch_files import read_files, split
from zerometer.agent.journal.folder import MAIN
from zerometer.agent.journal_tools.read_only import MAGIC
from zerometer.agent.recorder import READINGS
from zerometer.agent.replay.blocks import Block, Count
from zerometer.agent.replay.points import Key, Points
from zerometer.core.errors import FormatError
from zerometer.core.metering import Column

NS_PER_MS = 1_000_000
#: Values that are gathered before they are handed on.
BLOCK_ROWS = 1 << 18


def holds_batches(path: Path) -> bool:
    """Tell whether *path* is a folder, a journal or begins as a batch does."""
    if path.is_dir() or path.name == MAIN:
        return True
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError:
        return False
    return start == MAGIC or (bool(start) and 0x93 <= start[0] <= 0x9F)


class BatchReadings:
    """The readings of a journal or of files with batches, see ``Readings``.

    Counters are taken as their registers said. Values that are older than what
    came before of their point are left out and counted: a clock was set back.
    """

    def __init__(self, path: Path, points: Points) -> None:
        self._path = path
        self._points = points
        self._known = frozenset(points.known)
        self._times: dict[Key, array[int]] = {}
        self._values: dict[Key, array[float]] = {}
        self._last_ns: dict[Key, int] = {}
        self._same_ms, self._same_ns = array("q"), array("q")
        self._until_ns = -1
        self.count = Count()
        self.warnings: list[str] = []

    def blocks(self, booked_ns: Callable[[], int | None]) -> Iterator[Block]:
        """Yield the readings in blocks, see ``Readings``."""
        rows = 0
        for name, data in read_files(str(self._path)):
            for start, part in split(data):
                try:
                    if peek(part).stream != READINGS:
                        continue
                    tables = decode(part).tables
                except FormatError as error:
                    place = f"{name}: byte {start}"
                    self.warnings.append(f"{place}: {error}: left out")
                    continue
                rows += sum(map(self._gather, tables))
                if rows >= BLOCK_ROWS:
                    yield self._block(booked_ns())
                    rows = 0
        yield self._block(booked_ns())

    def _gather(self, table: Table) -> int:
        """Take in a table of readings; return how many values of it are used."""
        _, _, name = table.name.partition("/")
        meter = name.rpartition("/")[0]
        if not table.columns or not isinstance(table.columns[0].values, array):
            return 0
        times = self._times_ns(table.columns[0].values)
        if not times:
            return 0
        rows = 0
        for column in table.columns[1:]:
            key = (meter, column.name)
            if key not in self._known or isinstance(column.values, list):
                continue  # the stitched index, or a meter that is there no more
            if key not in self._points.used:
                self.count.skipped += column.present
                continue
            self.count.used += column.present
            self.count.missing += len(times) - column.present
            self._times.setdefault(key, array("q")).extend(times)
            self._values.setdefault(key, array("d")).extend(column.floats())
            rows += len(times)
        return rows

    def _times_ns(self, times_ms: "array[int]") -> "array[int]":
        """Return times in ns; most tables have the same as the one before."""
        if times_ms != self._same_ms:
            self._same_ms = times_ms
            self._same_ns = array("q", map(NS_PER_MS.__mul__, times_ms))
            self._until_ns = max(self._until_ns, *self._same_ns)
        return self._same_ns

    def _block(self, booked_ns: int | None) -> Block:
        """Return what was gathered since the last block."""
        columns = []
        for key, times in self._times.items():
            ordered, values = self._in_order(key, times, self._values[key], booked_ns)
            if ordered:
                self._last_ns[key] = ordered[-1]
                columns.append(Column(*key, ordered, values))
        self._times, self._values = {}, {}
        return Block(columns, self._until_ns)

    def _in_order(
        self,
        key: Key,
        times: "array[int]",
        values: "array[float]",
        booked_ns: int | None,
    ) -> "tuple[array[int], array[float]]":
        """Return what comes after all that there was, and is not booked yet."""
        last = max(self._last_ns.get(key, -1), (booked_ns or 0) - 1)
        listed = times.tolist()
        if listed[0] > last and listed == sorted(listed):
            return times, values
        kept = array("q")
        kept_values = array("d")
        for time_ns, value in zip(listed, values, strict=True):
            if time_ns > last:
                kept.append(time_ns)
                kept_values.append(value)
                last = time_ns
        left = len(times) - len(kept)
        self.count.used -= left
        self.count.disordered[key] = self.count.disordered.get(key, 0) + left
        return kept, kept_values
