"""The journal's tables, and the meta rows that say whose journal it is."""

import os
import sqlite3
import zlib
from typing import Any

import msgpack

from zerometer.core.errors import JournalError

FORMAT = 1

# ``meta`` keeps its shape in every later format: it tells which one it is.
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB, crc INTEGER) WITHOUT ROWID;
CREATE TABLE stream (
    name TEXT PRIMARY KEY, seq INTEGER, hash BLOB, samples INTEGER, crc INTEGER
) WITHOUT ROWID;
CREATE TABLE batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT, seq INTEGER, t0_ms INTEGER,
    t1_ms INTEGER, samples INTEGER, data BLOB, crc INTEGER, UNIQUE (stream, seq)
);
CREATE INDEX damaged_batch ON batch (id) WHERE crc IS NULL;
CREATE TABLE segment (n INTEGER PRIMARY KEY, stream TEXT, data BLOB, crc INTEGER);
CREATE TABLE state (name TEXT PRIMARY KEY, data BLOB, crc INTEGER);
CREATE TABLE cursor (uplink TEXT PRIMARY KEY, id INTEGER, crc INTEGER) WITHOUT ROWID;
CREATE TABLE gap (
    n INTEGER PRIMARY KEY, stream TEXT, first INTEGER, last INTEGER, reason TEXT
);
"""


class DamagedError(Exception):
    """The file is not a journal, or one that cannot be relied on."""


def checksum(*fields: Any) -> int:
    """Return the CRC-32 that a row of *fields* carries."""
    return zlib.crc32(msgpack.packb(fields))


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, within the transaction of the caller, with a new identity."""
    values = {
        "format": str(FORMAT).encode(),
        "source": os.urandom(16),
        "epoch": os.urandom(8),
    }
    for statement in _SCHEMA.split(";"):
        connection.execute(statement)
    write_meta(connection, values)


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
    if not values.keys() >= {"format", "source", "epoch"}:
        raise DamagedError("its meta table lacks rows")
    if int(values["format"]) > FORMAT:
        raise JournalError(
            f"journal: format {int(values['format'])}; this version reads {FORMAT}: "
            "install the version that wrote it"
        )
    return values
