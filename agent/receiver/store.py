"""Commits batches to SQLite: rows and the memory of them in one transaction."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zerometer.agent.batch import Batch, Header, Table
from zerometer.agent.receiver.database import open_database
from zerometer.agent.receiver.errors import (
    IdentityConflictError,
    StoreBusyError,
    StoreError,
    StoreGoneError,
)
from zerometer.agent.receiver.rows import SeriesKey, is_series, record_rows, series_rows

#: What a sender is asked to wait when the database is locked, or its disk is full.
BUSY_S = 5
FULL_S = 60


class Store:
    """The receiver's database; opened and used by one thread."""

    def __init__(self, path: Path, wall_ns: Callable[[], int] = time.time_ns) -> None:
        """Open or create the file at *path*; StoreError when that fails."""
        self._connection = open_database(path)
        self._path = path
        self._file = _file_at(path)
        self._wall_ns = wall_ns
        # Series that are committed; their rows are never deleted.
        self._series: dict[tuple[int, SeriesKey], int] = {}

    def close(self) -> None:
        """Close the file; everything acknowledged is in it."""
        self._connection.close()

    def holds(self, header: Header, digest: bytes) -> bool:
        """Tell whether the batch is committed.

        IdentityConflictError when another one is, under the same identity;
        StoreGoneError when the file has left its place: what nobody will find again
        must not be acknowledged.
        """
        if _file_at(self._path) != self._file:
            raise StoreGoneError(
                f"receiver: {self._path}: was deleted or replaced; start again"
            )
        with _translated():
            row = self._connection.execute(
                "SELECT hash FROM batch JOIN source ON source.id = batch.source "
                "WHERE uuid = ? AND epoch = ? AND stream = ? AND seq = ?",
                (header.source.hex(), header.epoch.hex(), header.stream, header.seq),
            ).fetchone()
        if row is not None and row[0] != digest:
            raise IdentityConflictError(
                f"batch {header.source.hex()}/{header.epoch.hex()}/{header.stream}/"
                f"{header.seq}: hash is {digest.hex()}, committed is {row[0].hex()}"
            )
        return row is not None

    def commit(self, batch: Batch, digest: bytes) -> bool:
        """Commit *batch*; False, and nothing written, when it was committed before.

        A sample at a time that its series already holds restates it. Raises
        IdentityConflictError, BadTableError, StoreBusyError, StoreGoneError or
        StoreError; then nothing is written either.
        """
        fresh: dict[tuple[int, SeriesKey], int] = {}
        with self._transaction():
            # Again, now that nobody else can write.
            if self.holds(batch.header, digest):
                return False
            source = self._source(batch.header)
            batch_id = self._insert_batch(source, batch, digest)
            self._insert_events(batch_id, batch.tables)
            for table in batch.tables:
                if is_series(table):
                    self._insert_samples(source, table, fresh)
        self._series.update(fresh)
        return True

    def query(self, sql: str, parameters: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return all rows that *sql* selects."""
        with _translated():
            cursor = self._connection.cursor()
            cursor.row_factory = sqlite3.Row
            return cursor.execute(sql, parameters).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                # SQLite itself rolls back after some errors, not after all.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _source(self, header: Header) -> int:
        uuid = header.source.hex()
        self._connection.execute(
            "INSERT INTO source (uuid, site) VALUES (?, ?) "
            "ON CONFLICT (uuid) DO UPDATE SET site = excluded.site",
            (uuid, header.site),
        )
        return self._one("SELECT id FROM source WHERE uuid = ?", (uuid,))

    def _insert_batch(self, source: int, batch: Batch, digest: bytes) -> int:
        header = batch.header
        values = (
            source,
            header.epoch.hex(),
            header.stream,
            header.seq,
            digest,
            header.prev,
            header.t0_ms,
            header.t1_ms,
            header.clock,
            header.config,
            json.dumps(header.factors, ensure_ascii=False),
            header.samples,
            batch.skipped,
            self._wall_ns() // 1_000_000,
        )
        marks = ", ".join("?" * len(values))
        cursor = self._connection.execute(
            f"INSERT INTO batch VALUES (NULL, {marks})", values
        )
        batch_id = int(cursor.lastrowid or 0)
        self._connection.executemany(
            "INSERT INTO gap VALUES (?, ?, ?, ?)",
            [(batch_id, gap.first, gap.last, gap.reason) for gap in header.gaps],
        )
        return batch_id

    def _insert_events(self, batch_id: int, tables: list[Table]) -> None:
        events = (row for t in tables if not is_series(t) for row in record_rows(t))
        self._connection.executemany(
            "INSERT INTO event VALUES (?, ?, ?, ?)",
            ((batch_id, number, *event) for number, event in enumerate(events)),
        )

    def _insert_samples(
        self, source: int, table: Table, fresh: dict[tuple[int, SeriesKey], int]
    ) -> None:
        for key, rows in series_rows(table):
            known = (source, key)
            series = self._series.get(known) or self._find_series(source, key)
            fresh[known] = series
            self._connection.executemany(
                "INSERT INTO sample VALUES (?, ?, ?) "
                "ON CONFLICT (series, t_ms) DO UPDATE SET value = excluded.value",
                ((series, time_ms, value) for time_ms, value in rows),
            )

    def _find_series(self, source: int, key: SeriesKey) -> int:
        identity = (
            source, key.kind, key.subject, key.group, key.name, key.unit, key.exponent,
        )  # fmt: skip
        self._connection.execute(
            "INSERT INTO series VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            (*identity, 10.0**-key.exponent),
        )
        return self._one(
            'SELECT id FROM series WHERE (source, kind, subject, "group", name, unit, '
            "exponent) = (?, ?, ?, ?, ?, ?, ?)",
            identity,
        )

    def _one(self, sql: str, parameters: tuple[object, ...]) -> int:
        return int(self._connection.execute(sql, parameters).fetchone()[0])


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return which file is at *path*; None when there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
        raise StoreBusyError(
            f"receiver: {error}", FULL_S if full else BUSY_S
        ) from error
    except sqlite3.Error as error:
        raise StoreError(f"receiver: {error}") from error
