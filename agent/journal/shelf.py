"""The files of all streams: a few of them open, one of each stream to be written."""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zerometer.agent.journal.database import is_want_of_room
from zerometer.agent.journal.folder import remove, set_aside, stream_path
from zerometer.agent.journal.schema import DamagedError
from zerometer.agent.journal.stream_file import Row, StreamFile

#: Files that may be open at once: each takes memory. What is written to stays open
#: if it can be: on a full disk it could not be opened again.
OPEN_FILES = 6

Key = tuple[str, int]


class StreamFileError(Exception):
    """A file of a stream failed; ``error`` says how."""

    def __init__(self, stream: str, number: int, error: Exception) -> None:
        super().__init__(f"{stream}-{number}: {error}")
        self.stream = stream
        self.number = number
        self.error = error


class Shelf:
    """Opens files when they are needed; raises StreamFileError when one fails."""

    def __init__(self, folder: Path, source: bytes, wal_pages: int) -> None:
        """Files go in from the WAL after *wal_pages*."""
        self._folder = folder
        self._source = source
        self._wal_pages = wal_pages
        self._open: OrderedDict[Key, StreamFile] = OrderedDict()

    def path(self, stream: str, number: int) -> Path:
        """Return where a file is."""
        return stream_path(self._folder, stream, number)

    def close(self) -> None:
        """Close all files."""
        while self._open:
            _, file = self._open.popitem()
            file.close()

    def begin(self, stream: str, number: int) -> None:
        """Make a file; one of that number was never part of a commit, and goes."""
        with self._blamed(stream, number):
            self.let_go(stream, number)
            remove(self.path(stream, number))
            file = self._take(stream, number, writable=True, new=True)
            file.create(self._source, stream)

    def write(
        self,
        stream: str,
        number: int,
        rows: Iterable[Row],
        after: int,
        commit: int = 0,
    ) -> None:
        """Add *rows* of a *commit* after a position, durably."""
        with self._blamed(stream, number):
            file = self._take(stream, number, writable=True)
            if not file.in_place:
                raise FileNotFoundError("is gone")
            file.write(rows, after, commit)

    def finish(self, stream: str, number: int) -> None:
        """Let a file, to which nothing more is written, be a plain one."""
        with self._blamed(stream, number):
            self._take(stream, number, writable=True).finish()
            del self._open[stream, number]

    def places(
        self, stream: str, number: int, first: int, last: int, limit: int
    ) -> list[tuple[int, int]]:
        """Return position and ordinal of at most *limit* batches of a file."""
        with self._blamed(stream, number):
            return self._take(stream, number).places(first, last, limit)

    def read(self, stream: str, number: int, position: int) -> Row | None:
        """Return a batch of a file; None if it is damaged, or not there."""
        with self._blamed(stream, number):
            return self._take(stream, number).read(position)

    def remove(self, stream: str, number: int) -> None:
        """Delete a file."""
        with self._blamed(stream, number):
            self.let_go(stream, number)
            remove(self.path(stream, number))

    def set_aside(self, stream: str, number: int) -> Path | None:
        """Rename a file so that nothing reads it; None if there is none."""
        self.let_go(stream, number)
        path = self.path(stream, number)
        with suppress(OSError):
            return set_aside(path) if path.exists() else None
        return None

    def let_go(self, stream: str, number: int) -> None:
        """Close a file if it is open."""
        file = self._open.pop((stream, number), None)
        if file is not None:
            file.close()

    def _take(
        self, stream: str, number: int, *, writable: bool = False, new: bool = False
    ) -> StreamFile:
        """Return an open file; the one that was not used for longest is closed."""
        key = (stream, number)
        file = self._open.get(key)
        if file is None or (writable and not file.writable):
            self.let_go(stream, number)
            while len(self._open) >= OPEN_FILES:
                readers = (k for k, f in self._open.items() if not f.writable)
                self.let_go(*next(readers, next(iter(self._open))))
            pages = self._wal_pages if writable else None
            file = StreamFile(self.path(stream, number), wal_pages=pages)
            self._open[key] = file
            if not new:
                file.check(self._source, stream)
        self._open.move_to_end(key)
        return file

    @contextmanager
    def _blamed(self, stream: str, number: int) -> Iterator[None]:
        """Say of what fails within which file it was.

        It is opened anew next time, unless there was only no room.
        """
        try:
            yield
        except (sqlite3.Error, DamagedError, OSError) as error:
            if not is_want_of_room(error):
                self.let_go(stream, number)
            raise StreamFileError(stream, number, error) from error
