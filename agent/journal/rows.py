"""The journal's small tables: ends of streams, cursors, gaps."""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from zerometer.agent.batch import Gap
from zerometer.agent.journal.model import JournalInfo, UplinkInfo
from zerometer.agent.journal.schema import DamagedError, checksum


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last batch of a stream, and the samples of all its batches."""

    seq: int = 0
    hash: bytes = b""
    samples: int = 0


def read_ends(connection: sqlite3.Connection) -> dict[str, StreamEnd]:
    """Return the ends by stream.

    Raises DamagedError for a bad row: numbers would be given twice.
    """
    ends = {}
    for name, seq, digest, samples, crc in connection.execute("SELECT * FROM stream"):
        if checksum(name, seq, digest, samples) != crc:
            raise DamagedError(f"the end of stream {name!r} is damaged")
        ends[name] = StreamEnd(seq, digest, samples)
    return ends


def write_end(connection: sqlite3.Connection, stream: str, end: StreamEnd) -> None:
    """Set the end of *stream*."""
    row = (stream, end.seq, end.hash, end.samples)
    connection.execute(
        "INSERT OR REPLACE INTO stream VALUES (?, ?, ?, ?, ?)", (*row, checksum(*row))
    )


def read_cursors(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the id of the last acknowledged batch by uplink.

    A bad row counts as 0: batches sent twice do no harm, batches left out would.
    """
    return {
        uplink: batch_id if checksum(uplink, batch_id) == crc else 0
        for uplink, batch_id, crc in connection.execute("SELECT * FROM cursor")
    }


def write_cursor(connection: sqlite3.Connection, uplink: str, batch_id: int) -> None:
    """Set the cursor of *uplink*."""
    connection.execute(
        "INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)",
        (uplink, batch_id, checksum(uplink, batch_id)),
    )


def set_uplinks(connection: sqlite3.Connection, uplinks: Collection[str]) -> None:
    """Forget the cursors of all but *uplinks*; new ones begin with the oldest batch."""
    known = read_cursors(connection)
    for uplink in known.keys() - set(uplinks):
        connection.execute("DELETE FROM cursor WHERE uplink = ?", (uplink,))
    for uplink in set(uplinks) - known.keys():
        write_cursor(connection, uplink, 0)


def read_gaps(connection: sqlite3.Connection) -> dict[str, tuple[Gap, ...]]:
    """Return the gaps by stream, in order."""
    gaps: dict[str, tuple[Gap, ...]] = {}
    rows = connection.execute(
        "SELECT stream, first, last, reason FROM gap ORDER BY stream, first"
    )
    for stream, first, last, reason in rows:
        gaps[stream] = (*gaps.get(stream, ()), Gap(first, last, reason))
    return gaps


def add_gap(connection: sqlite3.Connection, stream: str, seq: int, reason: str) -> None:
    """Note that batch *seq* will never come; a gap that ends before it grows."""
    grown = connection.execute(
        "UPDATE gap SET last = ? WHERE stream = ? AND reason = ? AND last = ?",
        (seq, stream, reason, seq - 1),
    )
    if not grown.rowcount:
        connection.execute(
            "INSERT INTO gap (stream, first, last, reason) VALUES (?, ?, ?, ?)",
            (stream, seq, seq, reason),
        )


def mark_damaged(
    connection: sqlite3.Connection, batches: Iterable[tuple[int, str, int]]
) -> None:
    """Set batches (id, stream, seq) aside as gaps; their bytes stay for now."""
    for batch_id, stream, seq in batches:
        connection.execute("UPDATE batch SET crc = NULL WHERE id = ?", (batch_id,))
        add_gap(connection, stream, seq, "damaged")


@dataclass(frozen=True, slots=True)
class Summary:
    """What the small tables say, read at one moment.

    ``first_id`` to ``last_id`` are the batches that are kept: ids are given without
    gaps and the oldest go first. With none, the first is one above the last.
    """

    ends: dict[str, StreamEnd]
    cursors: dict[str, int]
    gaps: dict[str, tuple[Gap, ...]]
    first_id: int
    last_id: int
    damaged_ids: tuple[int, ...]

    def info(self, used: int, max_bytes: int) -> JournalInfo:
        """Return it as figures, with *used* of *max_bytes* in use."""
        return JournalInfo(
            bytes=used,
            max_bytes=max_bytes,
            batches=self.last_id - self.first_id + 1,
            sealed_batches=self.last_id,
            sealed_samples=sum(end.samples for end in self.ends.values()),
            evicted=self._lost("evicted"),
            damaged=self._lost("damaged"),
            uplinks={
                uplink: UplinkInfo(acknowledged=cursor, pending=self._pending(cursor))
                for uplink, cursor in self.cursors.items()
            },
        )

    def _lost(self, reason: str) -> int:
        gaps = (gap for gaps in self.gaps.values() for gap in gaps)
        return sum(gap.last - gap.first + 1 for gap in gaps if gap.reason == reason)

    def _pending(self, cursor: int) -> int:
        kept = self.last_id - max(cursor, self.first_id - 1)
        return kept - sum(batch_id > cursor for batch_id in self.damaged_ids)


def read_summary(connection: sqlite3.Connection) -> Summary:
    """Read the small tables; DamagedError when they cannot be relied on."""
    (first,) = connection.execute("SELECT min(id) FROM batch").fetchone()
    given = connection.execute("SELECT seq FROM sqlite_sequence").fetchone()
    last = given[0] if given else 0
    damaged = connection.execute("SELECT id FROM batch WHERE crc IS NULL")
    return Summary(
        ends=read_ends(connection),
        cursors=read_cursors(connection),
        gaps=read_gaps(connection),
        first_id=last + 1 if first is None else first,
        last_id=last,
        damaged_ids=tuple(row[0] for row in damaged),
    )
