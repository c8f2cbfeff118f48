"""The journal's operations, for the one thread that has the connection."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from zerometer.agent.batch import batch_hash
from zerometer.agent.journal import rows, shares
from zerometer.agent.journal.database import connect, transaction, used_bytes
from zerometer.agent.journal.model import (
    Commit,
    Resume,
    SealedBatch,
    StoredBatch,
)
from zerometer.agent.journal.retention import make_room
from zerometer.agent.journal.schema import checksum, write_meta
from zerometer.core.errors import JournalError, UsageError

_STATE = "accounting"

# After these, Linux may take pages for clean that never reached the disk: no later
# commit to this file proves anything.
_SYNC_FAULTS = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}


class Store:
    """An open journal file. Any method may raise sqlite3.Error.

    A write that raises has changed nothing, neither in the file nor here. After a
    failed flush, ``sync_fault`` says so and writes raise JournalError.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        uplinks: Collection[str] | None,
        source: bytes | None = None,
    ) -> None:
        """Open or make the file; *source*, if given, is the gateway it belongs to."""
        self._max_bytes = max_bytes
        self.sync_fault = ""
        self._connection, meta = connect(path)
        self.source, self.epoch = source or meta["source"], meta["epoch"]
        self.notices: list[str] = []
        try:
            with self._change():
                shares.make_table(self._connection)
                if source is not None:
                    write_meta(self._connection, {"source": source})
                if uplinks is not None:
                    rows.set_uplinks(self._connection, uplinks)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def resume(self) -> Resume:
        """Return what the last commit left; damaged rows are skipped and noticed."""
        state = None
        for name, data, crc in self._connection.execute("SELECT * FROM state"):
            if checksum(name, data) == crc:
                state = data
            else:
                self.notices.append("journal: the accounting state is damaged, skipped")
        segments = []
        found = self._connection.execute("SELECT * FROM segment ORDER BY n")
        for n, stream, data, crc in found:
            if checksum(n, stream, data) == crc:
                segments.append((stream, data))
            else:
                self.notices.append(f"journal: segment {n} is damaged, skipped")
        return Resume(
            state=state,
            segments=segments,
            next_seq={name: end.seq + 1 for name, end in self._now.ends.items()},
            last_hash={name: end.hash for name, end in self._now.ends.items()},
        )

    def append(self, commit: Commit) -> None:
        """Make *commit* durable; UsageError when a seq does not follow the last."""
        unwanted = min(self._now.cursors.values(), default=0)
        ends = dict(self._now.ends)
        with self._change():
            make_room(self._connection, commit, self._max_bytes, unwanted)
            for batch in commit.sealed:
                end = ends.get(batch.stream, rows.StreamEnd())
                end = self._skip(commit.lost, batch.stream, end)
                ends[batch.stream] = self._insert(batch, end)
            for stream in {batch.stream for batch in commit.sealed}:
                rows.write_end(self._connection, stream, ends[stream])
                self._connection.execute(
                    "DELETE FROM segment WHERE stream = ?", (stream,)
                )
            self._insert_segments(commit.segments)
            if commit.shares:
                shares.write(
                    self._connection,
                    commit.shares,
                    commit.shares_from_ns,
                    self._max_bytes,
                )
            self._connection.execute(
                "INSERT OR REPLACE INTO state VALUES (?, ?, ?)",
                (_STATE, commit.state, checksum(_STATE, commit.state)),
            )

    def pending(self, uplink: str, limit: int) -> list[StoredBatch]:
        """Return the oldest batches after the uplink's cursor.

        Damaged rows are left out and become gaps.
        """
        if uplink not in self._now.cursors:
            # Only so that batches are kept for it: a full disk must not be in the way.
            with suppress(sqlite3.Error, JournalError):
                self._move_cursor(uplink, 0)
        while True:
            found = self._connection.execute(
                "SELECT id, stream, seq, samples, data, crc FROM batch "
                "WHERE id > ? AND crc IS NOT NULL ORDER BY id LIMIT ?",
                (self._now.cursors.get(uplink, 0), limit),
            ).fetchall()
            damaged = [row[:3] for row in found if checksum(*row[1:5]) != row[5]]
            if not damaged:
                names = ("id", "stream", "seq", "samples", "data")
                return [
                    StoredBatch(**dict(zip(names, row[:5], strict=True)))
                    for row in found
                ]
            with self._change():
                rows.mark_damaged(self._connection, damaged)

    def acknowledge(self, uplink: str, batch_id: int) -> None:
        """Move the uplink's cursor to *batch_id*, never back."""
        if batch_id > self._now.last_id:
            raise UsageError(
                f"journal: uplink {uplink}: batch {batch_id} acknowledged, the last "
                f"one is {self._now.last_id}"
            )
        if batch_id > self._now.cursors.get(uplink, 0):
            self._move_cursor(uplink, batch_id)

    def shares(self, start_ns: int, limit: int) -> list[tuple[int, bytes]]:
        """Return at most *limit* quarter hours from *start_ns* on: start, data."""
        return shares.read(self._connection, start_ns, limit)

    def _skip(
        self, lost: Collection[tuple[str, int]], stream: str, end: rows.StreamEnd
    ) -> rows.StreamEnd:
        """Let the numbers after *end* that are lost be gaps; return the new end."""
        while (stream, end.seq + 1) in lost:
            end = replace(end, seq=end.seq + 1)
            rows.add_gap(self._connection, stream, end.seq, "overflow")
        return end

    def _insert(self, batch: SealedBatch, end: rows.StreamEnd) -> rows.StreamEnd:
        """Insert *batch*; return the stream's new end."""
        if batch.seq != end.seq + 1:
            raise UsageError(
                f"journal: stream {batch.stream}: seq is {batch.seq}, "
                f"expected {end.seq + 1}"
            )
        row = (batch.stream, batch.seq, batch.samples, batch.data)
        self._connection.execute(
            "INSERT INTO batch (stream, seq, samples, data, crc, t0_ms, t1_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*row, checksum(*row), batch.t0_ms, batch.t1_ms),
        )
        return rows.StreamEnd(
            batch.seq, batch_hash(batch.data), end.samples + batch.samples
        )

    def _insert_segments(self, segments: list[tuple[str, bytes]]) -> None:
        (last,) = self._connection.execute("SELECT max(n) FROM segment").fetchone()
        for n, (stream, data) in enumerate(segments, (last or 0) + 1):
            self._connection.execute(
                "INSERT INTO segment VALUES (?, ?, ?, ?)",
                (n, stream, data, checksum(n, stream, data)),
            )

    def _move_cursor(self, uplink: str, batch_id: int) -> None:
        with self._change():
            rows.write_cursor(self._connection, uplink, batch_id)

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Do what is within in one transaction, and know what it came to."""
        if self.sync_fault:
            raise JournalError(
                f"journal: {self.sync_fault} earlier; nothing more is written to "
                "this file until the agent starts again"
            )
        try:
            with transaction(self._connection):
                yield
                now = rows.read_summary(self._connection)
                used = used_bytes(self._connection)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) in _SYNC_FAULTS:
                self.sync_fault = str(error)
            raise
        self._now = now
        self.gaps = now.gaps
        self.info = now.info(used, self._max_bytes)
