"""The receiver's SQLite file: what is committed survives a power cut."""

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zerometer.agent.receiver.database_file import DatabaseFile
from zerometer.agent.receiver.errors import StoreBusyError, StoreError
from zerometer.agent.receiver.rows import SampleColumn
from zerometer.agent.receiver.schema import SCHEMA_VERSION, TABLES
from zerometer.agent.receiver.sql_store import SqlStore
from zerometer.agent.receiver.sqlite_migration import migrate
from zerometer.agent.receiver.views import VIEWS

#: Marks the file as ours ("ZmRc").
APPLICATION_ID = 0x5A6D5263
#: How long another writer, for example a backup, is waited for.
BUSY_TIMEOUT_S = 5.0
#: What a sender is asked to wait when the database is locked, or its disk is full.
BUSY_S = 5
FULL_S = 60
#: Pages kept in memory, in KiB: the ends of all series are written again and again.
CACHE_KIB = 64 * 1024

WORDS = {
    "id": "INTEGER PRIMARY KEY",
    "int": "INTEGER",
    "float": "REAL",
    "blob": "BLOB",
    "json": "TEXT",
    "value": "value NOT NULL",
    "sorted": " WITHOUT ROWID",
    "parts": "",
    "time": "strftime('%Y-%m-%dT%H:%M:%fZ', t_ms / 1000.0, 'unixepoch')",
    "time_s": "strftime('%Y-%m-%dT%H:%M:%SZ', t_ms / 1000, 'unixepoch')",
    "number": "iif(typeof(value) = 'text', NULL, value / divisor)",
    "text": "iif(typeof(value) = 'text', value, NULL)",
    "booked": "value",
    "place": "substr(name, 1, instr(name || ':', ':') - 1)",
    "quantity": "substr(name, instr(name || ':', ':') + 1)",
}


def open_sqlite(path: Path) -> SqlStore:
    """Open or create the file at *path*; StoreError when it is not one of ours."""
    return SqlStore(SqliteDatabase(path))


class SqliteDatabase:
    """One connection, the only one that writes."""

    value_columns = "value"

    def __init__(self, path: Path) -> None:
        self._file = DatabaseFile(path)
        try:
            self.connection = _connected(path)
        except BaseException:
            self._file.release()
            raise
        self._file.opened()

    def close(self) -> None:
        """Close the file and let others have it."""
        self.connection.close()
        self._file.release()

    def check(self) -> None:
        """Raise StoreGoneError when the file has left its place."""
        self._file.check()

    def prepare(self, times: "array[int]") -> None:
        """Any time has room."""

    def lock_source(self, source: int) -> None:
        """Nobody else writes."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, or undo all after an exception."""
        with _translated():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            finally:
                # SQLite itself rolls back after some errors, not after all.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def execute(
        self, sql: str, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows."""
        with _translated():
            return self.connection.execute(sql, parameters).fetchall()

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of *rows*."""
        with _translated():
            self.connection.executemany(sql, rows)

    def insert_samples(self, columns: Sequence[tuple[int, SampleColumn]]) -> None:
        """Insert samples by series; one that is there stays."""
        with _translated():
            for series, column in columns:
                self.connection.executemany(
                    "INSERT OR IGNORE INTO sample VALUES (?, ?, ?)",
                    zip(repeat(series), column.times, column.values),
                )

    def insert_superseded(
        self, columns: Sequence[tuple[int, SampleColumn]], revision: int, batch: int
    ) -> None:
        """Insert samples by series that another revision stands for."""
        with _translated():
            for series, column in columns:
                self.connection.executemany(
                    "INSERT OR IGNORE INTO superseded VALUES (?, ?, ?, ?, ?)",
                    zip(
                        repeat(series),
                        column.times,
                        repeat(revision),
                        repeat(batch),
                        column.values,
                    ),
                )

    def query(self, sql: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
        """Return all rows as mappings."""
        with _translated():
            cursor = self.connection.cursor()
            cursor.row_factory = sqlite3.Row
            return [dict(row) for row in cursor.execute(sql, parameters)]


def _connected(path: Path) -> sqlite3.Connection:
    # Without psow=0 a torn 4 KB write can damage pages that were committed before.
    uri = f"file:{quote(str(path.absolute()))}?psow=0"
    try:
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
        )
    except sqlite3.Error as error:
        raise StoreError(f"receiver: {path}: {error}") from error
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"receiver: {path}: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # SQLite answers with the mode that holds; it does not fail.
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"receiver: {path}: journal mode is {mode}, expected wal")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        _check_schema(connection, path)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Create the schema in an empty file, bring ours up to date, refuse others."""
    schema = (TABLES + ";" + VIEWS).format_map(WORDS).split(";\n")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not tables:
        for statement in schema:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif application != APPLICATION_ID:
        raise StoreError(f"receiver: {path}: belongs to another application")
    elif version == 1:
        migrate(connection, schema)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif version != SCHEMA_VERSION:
        raise StoreError(
            f"receiver: {path}: schema version is {version}, known is {SCHEMA_VERSION}"
        )


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
