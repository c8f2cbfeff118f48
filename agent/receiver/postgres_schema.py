"""The receiver's tables in PostgreSQL; samples in partitions of a month each.

Where the database has the extension timescaledb, it makes the partitions.
"""

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from zerometer.agent.receiver.errors import StoreError
from zerometer.agent.receiver.schema import SCHEMA_VERSION, TABLES
from zerometer.agent.receiver.views import VIEWS

#: First key of our advisory locks ("ZmRc"); the second is a source, or 0 for tables.
LOCK_CLASS = 0x5A6D5263
#: Months outside share one partition: a clock may have been anywhere.
FIRST_YEAR, LAST_YEAR = 2020, 2099
#: Of a chunk where timescaledb makes the partitions: 30 days.
CHUNK_MS = 30 * 86_400_000

WORDS = {
    "id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "int": "BIGINT",
    "float": "DOUBLE PRECISION",
    "blob": "BYTEA",
    "json": "JSONB",
    "value": "units BIGINT, number DOUBLE PRECISION, text TEXT",
    "sorted": "",
    "time": "to_char(to_timestamp(t_ms / 1000.0) AT TIME ZONE 'UTC', "
    '\'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\')',
    "time_s": "to_char(to_timestamp(t_ms / 1000.0) AT TIME ZONE 'UTC', "
    '\'YYYY-MM-DD"T"HH24:MI:SS"Z"\')',
    "number": "coalesce(units / divisor, number)",
    "text": "text",
    "booked": "units",
    "place": "split_part(name, ':', 1)",
    "quantity": "substr(name, strpos(name || ':', ':') + 1)",
}


def prepare_schema(connection: "psycopg.Connection[Any]") -> bool:
    """Have the tables there; return whether their partitions are ours to make.

    StoreError when the tables are another application's, or of another version.
    """
    with connection.transaction():
        _lock(connection)
        (there,) = _row(connection, "SELECT to_regclass('batch') IS NOT NULL")
        (known,) = _row(connection, "SELECT to_regclass('zerometer') IS NOT NULL")
        if not there:
            _create(connection)
        elif not known:
            raise StoreError(
                "receiver: PostgreSQL: the database has a table batch of another "
                "application; name an empty database"
            )
        (version,) = _row(connection, "SELECT schema_version FROM zerometer")
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"receiver: PostgreSQL: schema version is {version}, "
                f"known is {SCHEMA_VERSION}"
            )
        (ours,) = _row(
            connection,
            "SELECT relkind = 'p' FROM pg_class WHERE oid = 'sample'::regclass",
        )
    return bool(ours)


class PostgresParts:
    """Makes the partitions of samples when they are needed."""

    def __init__(self, ours: bool) -> None:
        self._ours = ours
        self._known: set[tuple[int, int]] = set()

    def prepare(
        self, connection: "psycopg.Connection[Any]", times: "array[int]"
    ) -> None:
        """Make the partitions of *times*, in transactions of their own."""
        if not self._ours:
            return
        for month in sorted(set(_months(times)) - self._known):
            if FIRST_YEAR <= month[0] <= LAST_YEAR:
                _add_part(connection, *month)
            self._known.add(month)


def _create(connection: "psycopg.Connection[Any]") -> None:
    (chunks,) = _row(
        connection,
        "SELECT count(*) > 0 FROM pg_extension WHERE extname = 'timescaledb'",
    )
    words = WORDS | {"parts": "" if chunks else " PARTITION BY RANGE (t_ms)"}
    for statement in (TABLES + ";" + VIEWS).format_map(words).split(";\n"):
        connection.execute(statement.encode())
    connection.execute("CREATE TABLE zerometer (schema_version BIGINT NOT NULL)")
    connection.execute(f"INSERT INTO zerometer VALUES ({SCHEMA_VERSION})".encode())
    if chunks:
        connection.execute(
            "SELECT create_hypertable('sample', 't_ms', chunk_time_interval => %s)",
            (CHUNK_MS,),
        )
    else:
        connection.execute("CREATE TABLE sample_other PARTITION OF sample DEFAULT")


def _add_part(connection: "psycopg.Connection[Any]", year: int, month: int) -> None:
    """Make the partition of a month if it is not there.

    Attached, because creating it in place would wait for all who write.
    """
    name = f"sample_{year}_{month:02}"
    start = _start_ms(year, month)
    end = _start_ms(year + month // 12, month % 12 + 1)
    with connection.transaction():
        _lock(connection)
        (there,) = _row(connection, f"SELECT to_regclass('{name}') IS NOT NULL")
        if there:
            return
        for statement in (
            f"CREATE TABLE {name} (LIKE sample INCLUDING INDEXES)",
            f"ALTER TABLE sample ATTACH PARTITION {name} "
            f"FOR VALUES FROM ({start}) TO ({end})",
        ):
            connection.execute(statement.encode())


def _lock(connection: "psycopg.Connection[Any]") -> None:
    """Let one receiver at a time change tables."""
    connection.execute("SELECT pg_advisory_xact_lock(%s::integer, 0)", (LOCK_CLASS,))


def _row(connection: "psycopg.Connection[Any]", sql: str) -> Any:
    return connection.execute(sql.encode()).fetchone()


def _months(times: "array[int]") -> Iterator[tuple[int, int]]:
    first, last = _month(min(times)), _month(max(times))
    if first == last:
        return iter((first,))
    return map(_month, times)


def _month(time_ms: int) -> tuple[int, int]:
    # Not from a float: that would fail beyond 2038 on 32-bit systems.
    day = datetime.fromordinal(_EPOCH_DAY + time_ms // 86_400_000)
    return day.year, day.month


def _start_ms(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
