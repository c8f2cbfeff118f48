"""The receiver's DuckDB file: for analysis on one machine."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from zerometer.agent.receiver.database_file import DatabaseFile
from zerometer.agent.receiver.errors import StoreBusyError, StoreError
from zerometer.agent.receiver.rows import SampleColumn
from zerometer.agent.receiver.sample_arrays import split_by_kind
from zerometer.agent.receiver.schema import SCHEMA_VERSION, TABLES
from zerometer.agent.receiver.sql_store import SqlStore
from zerometer.agent.receiver.views import VIEWS

#: What a sender is asked to wait when the file cannot be written.
FULL_S = 60

WORDS = {
    "id": "BIGINT PRIMARY KEY DEFAULT nextval('ids')",
    "int": "BIGINT",
    "float": "DOUBLE",
    "blob": "BLOB",
    "json": "JSON",
    "value": "units BIGINT, number DOUBLE, text TEXT",
    "sorted": "",
    "parts": "",
    "time": "strftime(make_timestamp(t_ms * 1000), '%Y-%m-%dT%H:%M:%S.%gZ')",
    "time_s": "strftime(make_timestamp(t_ms * 1000), '%Y-%m-%dT%H:%M:%SZ')",
    "number": "coalesce(units / divisor, number)",
    "text": "text",
    "booked": "units",
    "place": "split_part(name, ':', 1)",
    "quantity": "substr(name, strpos(name || ':', ':') + 1)",
}


def open_duckdb(path: Path) -> SqlStore:
    """Open or create the file at *path*; StoreError when it is not one of ours."""
    return SqlStore(DuckDatabase(path))


class DuckDatabase:
    """One connection, the only one that has the file open."""

    value_columns = "units, number, text"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = DatabaseFile(path)
        try:
            with _translated():
                self._connection = _connected(path)
        except BaseException:
            self._file.release()
            raise
        self._file.opened()

    def close(self) -> None:
        """Close the file and let others have it."""
        self._connection.close()
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
            self._connection.begin()
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    def execute(
        self, sql: str, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows."""
        with _translated():
            return self._connection.execute(sql, parameters).fetchall()

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of *rows*."""
        if rows:
            with _translated():
                self._connection.executemany(sql, rows)

    def insert_samples(self, columns: Sequence[tuple[int, SampleColumn]]) -> None:
        """Insert samples by series; one that is there stays."""
        for value, kind, arrays in split_by_kind(columns):
            self.execute(
                f"INSERT INTO sample (series, t_ms, {value}) "
                "SELECT unnest(?::bigint[]), unnest(?::bigint[]), "
                f"unnest(?::{kind}[]) ON CONFLICT DO NOTHING",
                [list(values) for values in arrays],
            )

    def insert_superseded(
        self, columns: Sequence[tuple[int, SampleColumn]], revision: int, batch: int
    ) -> None:
        """Insert samples by series that another revision stands for."""
        for value, kind, arrays in split_by_kind(columns):
            self.execute(
                f"INSERT INTO superseded (revision, batch, series, t_ms, {value}) "
                "SELECT ?, ?, unnest(?::bigint[]), unnest(?::bigint[]), "
                f"unnest(?::{kind}[]) ON CONFLICT DO NOTHING",
                [revision, batch, *(list(values) for values in arrays)],
            )

    def query(self, sql: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
        """Return all rows as mappings."""
        with _translated():
            cursor = self._connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _connected(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path)
    try:
        _check_schema(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_schema(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Create the schema in an empty file; refuse any but ours."""
    tables = {
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM information_schema.tables"
        ).fetchall()
    }
    if not tables:
        script = f"""
            BEGIN;
            CREATE SEQUENCE ids;
            {(TABLES + ";" + VIEWS).format_map(WORDS)};
            CREATE TABLE zerometer (schema_version BIGINT NOT NULL);
            INSERT INTO zerometer VALUES ({SCHEMA_VERSION});
            COMMIT
        """
        connection.execute(script)
    elif "zerometer" not in tables:
        raise StoreError(f"receiver: {path}: belongs to another application")
    row = connection.execute("SELECT schema_version FROM zerometer").fetchone()
    if row != (SCHEMA_VERSION,):
        raise StoreError(
            f"receiver: {path}: schema version is {row and row[0]}, "
            f"known is {SCHEMA_VERSION}"
        )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn DuckDB's errors into ours."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StoreBusyError(f"receiver: {_said(error)}", FULL_S) from error
    except duckdb.Error as error:
        raise StoreError(f"receiver: {_said(error)}") from error


def _said(error: Exception) -> str:
    return f"DuckDB: {str(error).strip().partition(chr(10))[0]}"
