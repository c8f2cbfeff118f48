"""The journal's table of quarter hours: what is needed to restate them."""

import sqlite3
from collections.abc import Iterable

from zerometer.agent.journal.schema import checksum

#: The part of the journal's bound that they may take; the oldest go first.
LARGEST_PART = 0.25


def write(
    connection: sqlite3.Connection,
    shares: Iterable[tuple[int, bytes]],
    before_ns: int,
    max_bytes: int,
) -> None:
    """Add or replace quarters, by their start; forget those before *before_ns*."""
    connection.executemany(
        "INSERT OR REPLACE INTO shares VALUES (?, ?, ?)",
        [(start_ns, data, checksum(start_ns, data)) for start_ns, data in shares],
    )
    connection.execute("DELETE FROM shares WHERE start_ns < ?", (before_ns,))
    trim(connection, max_bytes)


def trim(connection: sqlite3.Connection, max_bytes: int) -> None:
    """Forget the oldest quarters that are more than their part of *max_bytes*."""
    query = "SELECT start_ns, length(data) FROM shares ORDER BY start_ns DESC"
    taken = 0
    for start_ns, size in connection.execute(query).fetchall():
        taken += size
        if taken > max_bytes * LARGEST_PART:
            connection.execute("DELETE FROM shares WHERE start_ns <= ?", (start_ns,))
            return


def read(
    connection: sqlite3.Connection, start_ns: int, limit: int
) -> list[tuple[int, bytes]]:
    """Return at most *limit* quarters from *start_ns* on, in order.

    Damaged ones are left out.
    """
    found = connection.execute(
        "SELECT start_ns, data, crc FROM shares WHERE start_ns >= ? "
        "ORDER BY start_ns LIMIT ?",
        (start_ns, limit),
    )
    return [(t, data) for t, data, crc in found if checksum(t, data) == crc]
