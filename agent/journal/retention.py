"""The journal's bound: what goes when it is full."""

import sqlite3

from zerometer.agent.journal.database import PAGE_SIZE, used_bytes
from zerometer.agent.journal.model import Commit
from zerometer.agent.journal.rows import add_gap

#: Pages that a commit may take beside its data: trees grow, indices split.
_SPARE_PAGES = 8


def make_room(
    connection: sqlite3.Connection, commit: Commit, max_bytes: int, acknowledged: int
) -> None:
    """Delete the oldest batches until *commit* fits into *max_bytes*.

    Those up to the id *acknowledged* are wanted by no uplink any more; each of the
    others becomes a gap. With no batch left, the commit goes in whatever its size.
    """
    limit = max_bytes - _pages(commit) * PAGE_SIZE
    while used_bytes(connection) > limit:
        oldest = connection.execute(
            "SELECT id, stream, seq, crc IS NULL FROM batch ORDER BY id LIMIT 1"
        ).fetchone()
        if oldest is None:
            return
        batch_id, stream, seq, damaged = oldest
        connection.execute("DELETE FROM batch WHERE id = ?", (batch_id,))
        if batch_id > acknowledged and not damaged:
            add_gap(connection, stream, seq, "evicted")


def _pages(commit: Commit) -> int:
    sizes = [len(batch.data) for batch in commit.sealed]
    sizes += [len(data) for _, data in (*commit.segments, *commit.shares)]
    sizes.append(len(commit.state))
    return sum(size // PAGE_SIZE + 2 for size in sizes) + _SPARE_PAGES
