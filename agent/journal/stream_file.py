"""One file of a stream: its batches, by position."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from zerometer.agent.journal.database import Connection, connect, is_empty, transaction
from zerometer.agent.journal.folder import identity_of
from zerometer.agent.journal.schema import (
    DamagedError,
    checksum,
    create_stream,
    read_meta,
    write_meta,
)

#: Kept in memory of an open file: several may be open at once.
_CACHE_KIB = 64

READ_COLUMNS = "position, ordinal, epoch, seq, t0_ms, t1_ms, samples, data"


@dataclass(frozen=True, slots=True)
class Row:
    """A batch as it stands in a file; ``ordinal`` counts over all streams."""

    position: int
    ordinal: int
    epoch: bytes
    seq: int
    t0_ms: int
    t1_ms: int
    samples: int
    data: bytes

    @property
    def crc(self) -> int:
        """The checksum that the row carries."""
        return checksum(
            self.position, self.ordinal, self.epoch, self.seq, self.t0_ms,
            self.t1_ms, self.samples, self.data,
        )  # fmt: skip


class StreamFile:
    """An open file. Any method may raise sqlite3.Error or DamagedError."""

    def __init__(self, path: Path, *, wal_pages: int | None = None) -> None:
        """Open the file at *path*; with *wal_pages* to write to it, or make it."""
        self.path = path
        if wal_pages is None:
            self._connection: sqlite3.Connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw&psow=0",
                uri=True,
                isolation_level=None,
                factory=Connection,
            )
            self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        else:
            self._connection = connect(path, wal_pages=wal_pages, cache_kib=_CACHE_KIB)
        self.writable = wal_pages is not None
        self._identity = identity_of(path)

    def create(self, source: bytes, stream: str) -> None:
        """Make the table in a file that is empty."""
        if is_empty(self._connection):
            with transaction(self._connection):
                create_stream(
                    self._connection, {"source": source, "stream": stream.encode()}
                )

    def meta(self) -> dict[str, bytes]:
        """Return whose file it is."""
        return read_meta(self._connection)

    @property
    def commit(self) -> int:
        """The number of the last commit that it has rows of, 0 if that had none."""
        return int(self.meta().get("commit", 0))

    def check(self, source: bytes, stream: str) -> None:
        """Raise DamagedError unless it is of that gateway and stream."""
        meta = self.meta()
        if (meta["source"], meta.get("stream")) != (source, stream.encode()):
            raise DamagedError("it is of another gateway or stream")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def finish(self) -> None:
        """Let it be one plain file, without a WAL, if that can be; and close it."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA journal_mode = delete").fetchall()
        self._connection.close()

    @property
    def in_place(self) -> bool:
        """Whether it is still the one at its path."""
        return identity_of(self.path) == self._identity

    def write(self, rows: Iterable[Row], after: int, commit: int = 0) -> None:
        """Add *rows* of a *commit* (0: of none with a number) after *after*, durably.

        What stands there already belongs to a commit that was cut off, and goes.
        """
        with transaction(self._connection):
            self.cut(after)
            if commit:
                write_meta(self._connection, {"commit": str(commit).encode()})
            for row in rows:
                self._connection.execute(
                    f"INSERT INTO batch ({READ_COLUMNS}, crc) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        row.position, row.ordinal, row.epoch, row.seq, row.t0_ms,
                        row.t1_ms, row.samples, row.data, row.crc,
                    ),
                )  # fmt: skip

    def cut(self, after: int) -> None:
        """Delete what stands after a position."""
        self._connection.execute("DELETE FROM batch WHERE position > ?", (after,))

    def places(self, first: int, last: int, limit: int) -> list[tuple[int, int]]:
        """Return position and ordinal of at most *limit* batches, in order."""
        return self._connection.execute(
            "SELECT position, ordinal FROM batch WHERE position BETWEEN ? AND ? "
            "ORDER BY position LIMIT ?",
            (first, last, limit),
        ).fetchall()

    def read(self, position: int) -> Row | None:
        """Return the batch at *position*; None if it is damaged, or not there."""
        found = self._connection.execute(
            f"SELECT {READ_COLUMNS}, crc FROM batch WHERE position = ?", (position,)
        ).fetchone()
        if found is None:
            return None
        *fields, crc = found
        row = Row(*fields)
        return row if row.crc == crc else None

    def sound(self) -> Iterator[Row]:
        """Yield the batches that are not damaged, in order."""
        query = "SELECT position FROM batch ORDER BY position"
        for (position,) in self._connection.execute(query).fetchall():
            row = self.read(position)
            if row is not None:
                yield row

    def epochs(self) -> list[tuple[bytes, int, int, int]]:
        """Return of each epoch in it: the position before its first, first, last."""
        return self._connection.execute(
            "SELECT epoch, min(position - seq), min(position), max(position) "
            "FROM batch GROUP BY epoch ORDER BY min(position)"
        ).fetchall()

    def span_ms(self) -> tuple[int, int]:
        """Return the first and the last time in it; DamagedError when it is empty."""
        first, last = self._connection.execute(
            "SELECT min(t0_ms), max(t1_ms) FROM batch"
        ).fetchone()
        if first is None:
            raise DamagedError("no batch is in it")
        return first, last

    def samples(self) -> int:
        """Return the samples of its batches."""
        (total,) = self._connection.execute(
            "SELECT coalesce(sum(samples), 0) FROM batch"
        ).fetchone()
        return int(total)
