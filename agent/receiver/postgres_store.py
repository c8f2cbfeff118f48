"""A PostgreSQL database; any number of receivers may write into one."""

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from zerometer.agent.receiver.errors import StoreBusyError, StoreError
from zerometer.agent.receiver.postgres_arrays import register_arrays
from zerometer.agent.receiver.postgres_schema import (
    LOCK_CLASS,
    PostgresParts,
    prepare_schema,
)
from zerometer.agent.receiver.rows import SampleColumn
from zerometer.agent.receiver.sample_arrays import split_by_kind
from zerometer.agent.receiver.sql_store import SqlStore

#: What a sender is asked to wait when the server is away, or its disk is full.
BUSY_S = 5
FULL_S = 60
CONNECT_TIMEOUT_S = 5
#: A server that could not be reached is not tried again at once for each who waits.
REST_S = 2.0
#: How long another receiver, or an administrator, may keep us from a row.
LOCK_TIMEOUT = "30s"

_PASSING = (psycopg.OperationalError, psycopg.InterfaceError)
_AT_ONCE = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


def open_postgres(url: str) -> SqlStore:
    """Connect to *url* and have the schema there; StoreError when that fails."""
    return SqlStore(PostgresDatabase(url))


class PostgresDatabase:
    """One connection, made anew when it is lost."""

    value_columns = "units, number, text"

    def __init__(self, url: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._now_s = now_s
        self._connection: psycopg.Connection[Any] | None = None
        self._statements: dict[str, bytes] = {}
        self._rest_until_s = 0.0
        try:
            with self._translated():
                self._parts = PostgresParts(prepare_schema(self._connected()))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def check(self) -> None:
        """Raise StoreBusyError when the server cannot be reached."""
        with self._translated():
            self._connected()

    def prepare(self, times: "array[int]") -> None:
        """Make the partitions that samples of *times* need."""
        with self._translated():
            self._parts.prepare(self._connected(), times)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, or undo all after an exception."""
        with self._translated(), self._connected().transaction():
            yield

    def lock_source(self, source: int) -> None:
        """Keep other receivers from this source until the transaction ends."""
        self.execute(
            "SELECT pg_advisory_xact_lock(?::integer, ?::integer)",
            (LOCK_CLASS, source % (1 << 31)),
        )

    def execute(
        self, sql: str, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows."""
        with self._translated():
            cursor = self._connected().execute(self._native(sql), parameters)
            return cursor.fetchall() if cursor.description else []

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of *rows*."""
        if rows:
            with self._translated():
                self._connected().cursor().executemany(self._native(sql), rows)

    def insert_samples(self, columns: Sequence[tuple[int, SampleColumn]]) -> None:
        """Insert samples by series; one that is there stays."""
        for value, kind, arrays in split_by_kind(columns):
            self.execute(
                f"INSERT INTO sample (series, t_ms, {value}) SELECT new.* "
                f"FROM unnest(?::bigint[], ?::bigint[], ?::{kind}[]) AS new "
                "ON CONFLICT DO NOTHING",
                arrays,
            )

    def insert_superseded(
        self, columns: Sequence[tuple[int, SampleColumn]], revision: int, batch: int
    ) -> None:
        """Insert samples by series that another revision stands for."""
        for value, kind, arrays in split_by_kind(columns):
            self.execute(
                f"INSERT INTO superseded (revision, batch, series, t_ms, {value}) "
                "SELECT ?::bigint, ?::bigint, new.* "
                f"FROM unnest(?::bigint[], ?::bigint[], ?::{kind}[]) AS new "
                "ON CONFLICT DO NOTHING",
                (revision, batch, *arrays),
            )

    def query(self, sql: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
        """Return all rows as mappings."""
        with (
            self._translated(),
            self._connected().cursor(row_factory=dict_row) as cursor,
        ):
            return cursor.execute(self._native(sql), parameters).fetchall()

    def _native(self, sql: str) -> bytes:
        if sql not in self._statements:
            self._statements[sql] = sql.replace("%", "%%").replace("?", "%s").encode()
        return self._statements[sql]

    def _connected(self) -> "psycopg.Connection[Any]":
        """Return the connection; make one when there is none."""
        if self._connection is None or self._connection.closed:
            if self._now_s() < self._rest_until_s:
                raise psycopg.OperationalError("the server could not be reached")
            try:
                self._connection = _connection(self._url)
            except psycopg.Error:
                self._rest_until_s = self._now_s() + REST_S
                raise
        return self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn psycopg's errors into ours; let go of a connection that is lost."""
        try:
            yield
        except psycopg.errors.DiskFull as error:
            raise StoreBusyError(f"receiver: {_said(error)}", FULL_S) from error
        except _AT_ONCE as error:
            raise StoreBusyError(f"receiver: {_said(error)}", 0) from error
        except _PASSING as error:
            if self._connection is not None and self._connection.broken:
                self._connection.close()
            raise StoreBusyError(f"receiver: {_said(error)}", BUSY_S) from error
        except psycopg.Error as error:
            raise StoreError(f"receiver: {_said(error)}") from error


def _connection(url: str) -> "psycopg.Connection[Any]":
    connection = psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="zerometer receive",
    )
    try:
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        # An acknowledged batch is on the server's disk, whatever its default.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
    except BaseException:
        connection.close()
        raise
    register_arrays(connection)
    return connection


def _said(error: Exception) -> str:
    """Return the first line of what the server or the library says."""
    return f"PostgreSQL: {str(error).strip().partition(chr(10))[0]}"
