"""The main file: what decides which batches there are, and all that is no batch."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zerometer.agent.journal import shares
from zerometer.agent.journal.database import PAGE_SIZE, connect, transaction
from zerometer.agent.journal.folder import identity_of
from zerometer.agent.journal.model import Commit
from zerometer.agent.journal.schema import (
    checksum,
    create_main,
    read_meta,
    write_meta,
)

STATE = "state"
#: Bytes of batches in quarantine that are kept; the oldest go.
QUARANTINE_BYTES = 16 * 1024 * 1024
#: They are no more than such a part of the journal's bound. The file itself never
#: shrinks: free pages of as large a part are what it is made anew for.
_PART = 8

_QUARANTINE = (
    "uplink, stream, position, epoch, seq, time_ms, code, message, data"
)  # fmt: skip


@dataclass(slots=True)
class Contents:
    """What a main file holds beside rows that are only copied, as far as it is read.

    ``segments`` are rows of open batches, stream and data. ``damaged`` says in words
    what could not be read.
    """

    meta: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, bytes] = field(default_factory=dict)
    segments: list[tuple[str, bytes]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


class MainFile:
    """The open main file. Any method may raise sqlite3.Error or DamagedError.

    A write that raises has changed nothing, unless a flush failed.
    """

    def __init__(self, path: Path, *, wal_pages: int) -> None:
        """Open the file at *path*, which is there."""
        self.path = path
        self._connection = connect(path, wal_pages=wal_pages)
        self._identity = identity_of(path)
        try:
            self.meta = read_meta(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @property
    def in_place(self) -> bool:
        """Whether it is still the one at its path."""
        return identity_of(self.path) == self._identity

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, to read what a new file takes over."""
        return self._connection

    def contents(self) -> Contents:
        """Return what can be read."""
        return read_contents(self.connection)

    def write(
        self, parts: Mapping[str, bytes], meta: Mapping[str, bytes] | None = None
    ) -> None:
        """Replace parts and meta values."""
        with transaction(self._connection):
            if meta:
                write_meta(self._connection, dict(meta))
            _write_parts(self._connection, parts)
        self.meta.update(meta or {})

    def commit(
        self, commit: Commit, parts: Mapping[str, bytes], max_bytes: int
    ) -> None:
        """Replace parts, and all that *commit* has beside batches, together."""
        connection = self._connection
        with transaction(connection):
            for stream in {batch.stream for batch in commit.sealed}:
                connection.execute("DELETE FROM segment WHERE stream = ?", (stream,))
            _write_segments(connection, commit.segments)
            if commit.shares:
                shares.write(
                    connection, commit.shares, commit.shares_from_ns, max_bytes
                )
            _write_parts(connection, {**parts, STATE: commit.state})

    def shares(self, start_ns: int, limit: int) -> list[tuple[int, bytes]]:
        """Return at most *limit* quarter hours from *start_ns* on: start, data."""
        return shares.read(self._connection, start_ns, limit)

    def quarantine(
        self, row: tuple[object, ...], parts: Mapping[str, bytes], max_bytes: int
    ) -> None:
        """Add a batch that is refused for good; forget the oldest if too many."""
        with transaction(self._connection):
            _write_quarantine(self._connection, [row])
            _write_parts(self._connection, parts)
            _trim_quarantine(self._connection, max_bytes)

    def is_too_large(self, max_bytes: int) -> bool:
        """Forget what is more than *max_bytes* allow; tell whether much is free then.

        A bound may have been set lower since it was written.
        """
        connection = self._connection
        with suppress(sqlite3.Error), transaction(connection):
            shares.trim(connection, max_bytes)
            _trim_quarantine(connection, max_bytes)
        with suppress(sqlite3.Error):
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            return bool(free * PAGE_SIZE > max_bytes // _PART)
        return False

    def unwrap(self) -> None:
        """Let it be one plain file, without a WAL; sqlite3.Error if that cannot be."""
        self._connection.execute("PRAGMA journal_mode = delete").fetchall()


def _trim_quarantine(connection: sqlite3.Connection, max_bytes: int) -> None:
    taken = 0
    sizes = "SELECT n, length(data) FROM quarantine ORDER BY n DESC"
    for n, size in connection.execute(sizes).fetchall():
        taken += size
        if taken > min(QUARANTINE_BYTES, max_bytes // _PART):
            connection.execute("DELETE FROM quarantine WHERE n <= ?", (n,))
            return


def write_main(
    path: Path, contents: Contents, old: sqlite3.Connection | None = None
) -> None:
    """Make a whole new file at *path*, durably, without a WAL beside it.

    Shares and quarantine are copied from *old*, as far as they can be read.
    """
    connection = connect(path, wal_pages=0)
    try:
        with transaction(connection):
            create_main(connection, contents.meta)
            _write_parts(connection, contents.parts)
            _write_segments(connection, contents.segments)
            if old is not None:
                connection.executemany(
                    "INSERT OR REPLACE INTO shares VALUES (?, ?, ?)",
                    _readable(old, "SELECT start_ns, data, crc FROM shares"),
                )
                query = f"SELECT {_QUARANTINE} FROM quarantine ORDER BY n"
                _write_quarantine(connection, _readable(old, query))
    finally:
        connection.close()


def _readable(connection: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    with suppress(sqlite3.Error):
        yield from connection.execute(query)


def read_contents(connection: sqlite3.Connection) -> Contents:
    """Return what can be read; what cannot, and damaged rows, are left out."""
    found = Contents()
    for read in (_read_meta, _read_parts, _read_segments):
        try:
            read(connection, found)
        except sqlite3.Error as error:
            found.damaged.append(f"a table cannot be read ({error})")
    return found


def _read_meta(connection: sqlite3.Connection, found: Contents) -> None:
    for name, value, crc in connection.execute("SELECT * FROM meta"):
        if checksum(name, value) == crc:
            found.meta[name] = value


def _read_parts(connection: sqlite3.Connection, found: Contents) -> None:
    for name, data, crc in connection.execute("SELECT * FROM part"):
        if checksum(name, data) == crc:
            found.parts[name] = data
        else:
            word = "the accounting state" if name == STATE else f"part {name!r}"
            found.damaged.append(f"{word} is damaged, skipped")


def _read_segments(connection: sqlite3.Connection, found: Contents) -> None:
    rows = connection.execute("SELECT n, stream, data, crc FROM segment ORDER BY n")
    for n, stream, data, crc in rows:
        if checksum(n, stream, data) == crc:
            found.segments.append((stream, data))
        else:
            found.damaged.append(f"segment {n} is damaged, skipped")


def _write_parts(connection: sqlite3.Connection, parts: Mapping[str, bytes]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO part VALUES (?, ?, ?)",
        [(name, data, checksum(name, data)) for name, data in parts.items()],
    )


def _write_segments(
    connection: sqlite3.Connection, segments: Iterable[tuple[str, bytes]]
) -> None:
    (last,) = connection.execute("SELECT max(n) FROM segment").fetchone()
    connection.executemany(
        "INSERT INTO segment VALUES (?, ?, ?, ?)",
        [
            (n, stream, data, checksum(n, stream, data))
            for n, (stream, data) in enumerate(segments, (last or 0) + 1)
        ],
    )


def _write_quarantine(
    connection: sqlite3.Connection, rows: Iterable[tuple[object, ...]]
) -> None:
    connection.executemany(
        f"INSERT INTO quarantine ({_QUARANTINE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
