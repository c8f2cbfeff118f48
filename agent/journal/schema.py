"""The tables of the journal's files, and the meta rows that say whose they are.

The main file has ``meta`` and ``part``: rows that are replaced as a whole, each with
a checksum of its own. A stream's file has its batches.
"""

import sqlite3
import zlib
from typing import Any

import msgpack

from zerometer.core.errors import JournalError

FORMAT = 2

# ``meta`` keeps its shape in every later format: it tells which one it is.
_META = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB, crc INTEGER) WITHOUT ROWID;
"""
_MAIN = """
CREATE TABLE part (name TEXT PRIMARY KEY, data BLOB, crc INTEGER) WITHOUT ROWID;
CREATE TABLE segment (n INTEGER PRIMARY KEY, stream TEXT, data BLOB, crc INTEGER);
CREATE TABLE shares (start_ns INTEGER PRIMARY KEY, data BLOB, crc INTEGER);
CREATE TABLE quarantine (
    n INTEGER PRIMARY KEY, uplink TEXT, stream TEXT, position INTEGER, epoch BLOB,
    seq INTEGER, time_ms INTEGER, code TEXT, message TEXT, data BLOB
);
"""
_STREAM = """
CREATE TABLE batch (
    position INTEGER PRIMARY KEY, ordinal INTEGER, epoch BLOB, seq INTEGER,
    t0_ms INTEGER, t1_ms INTEGER, samples INTEGER, crc INTEGER, data BLOB
);
"""


class DamagedError(Exception):
    """The file is not of a journal, or one that cannot be relied on."""


def checksum(*fields: Any) -> int:
    """Return the CRC-32 that a row of *fields* carries."""
    return zlib.crc32(msgpack.packb(fields))


def create_main(connection: sqlite3.Connection, meta: dict[str, bytes]) -> None:
    """Make the main file's tables, within the transaction of the caller."""
    _create(connection, _META + _MAIN, meta)


def create_stream(connection: sqlite3.Connection, meta: dict[str, bytes]) -> None:
    """Make the table of a stream's file, within the transaction of the caller."""
    _create(connection, _META + _STREAM, meta)


def _create(
    connection: sqlite3.Connection, schema: str, meta: dict[str, bytes]
) -> None:
    for statement in schema.split(";"):
        connection.execute(statement)
    write_meta(connection, {"format": str(FORMAT).encode(), **meta})


def write_meta(connection: sqlite3.Connection, values: dict[str, bytes]) -> None:
    """Set meta values, within the transaction of the caller."""
    connection.executemany(
        "INSERT OR REPLACE INTO meta VALUES (?, ?, ?)",
        [(name, value, checksum(name, value)) for name, value in values.items()],
    )


def read_meta(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return the meta values; JournalError when a newer version wrote them."""
    values: dict[str, bytes] = {}
    for name, value, crc in connection.execute("SELECT name, value, crc FROM meta"):
        if checksum(name, value) != crc:
            raise DamagedError(f"meta row {name!r} is damaged")
        values[name] = value
    if not values.keys() >= {"format", "source"}:
        raise DamagedError("its meta table lacks rows")
    if int(values["format"]) > FORMAT:
        raise JournalError(
            f"journal: format {int(values['format'])}; this version reads {FORMAT}: "
            "install the version that wrote it"
        )
    return values
