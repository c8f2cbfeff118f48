"""Commits batches: rows and the memory of them in one transaction."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from zerometer.agent.batch import Header
from zerometer.agent.receiver.booking import book
from zerometer.agent.receiver.errors import (
    IdentityConflictError,
    StoreBusyError,
    StoreError,
)
from zerometer.agent.receiver.model import Incoming, Receipt
from zerometer.agent.receiver.rows import Rows, printable, rows_of
from zerometer.agent.receiver.series import SeriesBook
from zerometer.agent.receiver.store import Database
from zerometer.core.errors import ZerometerError

_HELD = """
SELECT hash FROM batch JOIN source ON source.id = batch.source
WHERE uuid = ? AND epoch = ? AND stream = ? AND seq = ?
"""
_BATCH_COLUMNS = (
    "source", "epoch", "stream", "seq", "hash", "prev", "t0_ms", "t1_ms", "boot",
    "clock", "offset_ms", "config", "factors", "samples", "skipped", "received_ms",
)  # fmt: skip
_ADD_BATCH = (
    f"INSERT INTO batch ({', '.join(_BATCH_COLUMNS)}) "
    f"VALUES ({', '.join('?' * len(_BATCH_COLUMNS))}) RETURNING id"
)
_ADD_ENTRY = """
INSERT INTO entry (source, name, t_ms, digest, batch, fields)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_ADD_CONFLICT = """
INSERT INTO conflict
    (source, epoch, stream, seq, committed, offered, first_ms, last_ms, times)
VALUES ((SELECT id FROM source WHERE uuid = ?), ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (source, epoch, stream, seq, offered)
DO UPDATE SET last_ms = excluded.last_ms, times = conflict.times + 1
"""
_ADD_SOURCE = "INSERT INTO source (uuid, site) VALUES (?, ?) ON CONFLICT DO NOTHING"
_FIND_SOURCE = "SELECT id, site FROM source WHERE uuid = ?"
_RENAME_SOURCE = "UPDATE source SET site = ? WHERE id = ?"
#: How often a transaction is tried that another receiver's got in the way of.
TRIES = 5
#: Sources whose ids are remembered.
MAX_SOURCES = 100_000


class SqlStore:
    """A store in a *database*; opened and used by one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._series = SeriesBook(database)
        # Sources that are committed: id and site by uuid.
        self._sources: dict[str, tuple[int, str]] = {}

    def close(self) -> None:
        """Let go of the database; everything acknowledged is in it."""
        self._database.close()

    def holds(self, header: Header, digest: bytes, received_ms: int) -> bool:
        """Tell whether the batch is committed; IdentityConflictError if another is."""
        self._database.check()
        rows = self._database.execute(_HELD, _identity(header))
        if rows and bytes(rows[0][0]) != digest:
            with self._database.transaction():
                error = self._conflict(header, bytes(rows[0][0]), digest, received_ms)
            raise error
        return bool(rows)

    def commit(self, batches: Sequence[Incoming]) -> list[Receipt | ZerometerError]:
        """Commit *batches* in one transaction; return what came of each.

        One that cannot be committed does not keep the others from it: then each has
        a transaction of its own.
        """
        outcomes: dict[int, Receipt | ZerometerError] = {}
        good: list[tuple[int, Incoming, Rows]] = []
        for number, incoming in enumerate(batches):
            try:
                good.append((number, incoming, rows_of(incoming.batch)))
            except ZerometerError as error:
                outcomes[number] = error
        # By identity: two receivers that wait for each other would wait for ever.
        good.sort(key=lambda entry: _identity(entry[1].header))
        outcomes.update(self._commit(good))
        return [outcomes[number] for number in range(len(batches))]

    def query(
        self, sql: str, parameters: Sequence[object] = ()
    ) -> list[dict[str, Any]]:
        """Return all rows that *sql* selects."""
        return self._database.query(sql, parameters)

    def _commit(
        self, good: Sequence[tuple[int, Incoming, Rows]]
    ) -> dict[int, Receipt | ZerometerError]:
        for turn in range(TRIES):
            try:
                return self._commit_together(good)
            except StoreBusyError as error:
                if error.retry_after_s or turn == TRIES - 1:
                    return {number: error for number, _, _ in good}
            except StoreError as error:
                if len(good) == 1:
                    return {number: error for number, _, _ in good}
                break
        return {
            number: outcome
            for entry in good
            for number, outcome in self._commit([entry]).items()
        }

    def _commit_together(
        self, good: Sequence[tuple[int, Incoming, Rows]]
    ) -> dict[int, Receipt | ZerometerError]:
        if not good:
            return {}
        self._database.check()
        self._prepare(rows for _, _, rows in good)
        sources: dict[str, tuple[int, str]] = {}
        outcomes: dict[int, Receipt | ZerometerError] = {}
        try:
            with self._database.transaction():
                for number, incoming, rows in good:
                    source = self._source(incoming.header, sources)
                    outcomes[number] = self._add(source, incoming, rows)
        except BaseException:
            self._series.drop()
            raise
        self._series.keep()
        if len(self._sources) > MAX_SOURCES:
            self._sources.clear()
        self._sources.update(sources)
        return outcomes

    def _prepare(self, all_rows: Iterable[Rows]) -> None:
        for rows in all_rows:
            for table in (*rows.readings, *rows.ledger):
                if table.times:
                    self._database.prepare(table.times)

    def _add(
        self, source: int, incoming: Incoming, rows: Rows
    ) -> Receipt | ZerometerError:
        """Write a batch; a duplicate or a conflict leaves the rest as it is."""
        header = incoming.header
        self._database.lock_source(source)
        held = self._database.execute(_HELD, _identity(header))
        if held:
            committed = bytes(held[0][0])
            if committed == incoming.digest:
                return Receipt(header, "duplicate")
            return self._conflict(
                header, committed, incoming.digest, incoming.received_ms
            )
        batch = self._insert_batch(source, incoming)
        self._database.execute_many(
            _ADD_ENTRY,
            [
                (source, r.name, r.time_ms, r.digest, batch, r.fields)
                for r in rows.records
            ],
        )
        self._database.insert_samples(
            [
                pair
                for table in rows.readings
                for pair in zip(
                    self._series.ids(source, table), table.columns, strict=True
                )
            ]
        )
        book(self._database, self._series, source, (batch, header), rows.ledger)
        return Receipt(header, "stored")

    def _source(self, header: Header, fresh: dict[str, tuple[int, str]]) -> int:
        """Return the id of the batch's source, with the site as the batch says."""
        uuid, site = header.source.hex(), printable(header.site)
        number, known = fresh.get(uuid) or self._sources.get(uuid) or (0, "")
        if not number:
            self._database.execute(_ADD_SOURCE, (uuid, site))
            ((number, known),) = self._database.execute(_FIND_SOURCE, (uuid,))
        if known != site:
            self._database.execute(_RENAME_SOURCE, (site, number))
        fresh[uuid] = number, site
        return number

    def _insert_batch(self, source: int, incoming: Incoming) -> int:
        header = incoming.header
        values = (
            source,
            header.epoch.hex(),
            printable(header.stream),
            header.seq,
            incoming.digest,
            header.prev,
            header.t0_ms,
            header.t1_ms,
            header.boot.hex(),
            header.clock,
            header.offset_ms,
            printable(header.config),
            json.dumps(header.factors, ensure_ascii=False).replace("\\u0000", "\ufffd"),
            header.samples,
            incoming.batch.skipped,
            incoming.received_ms,
        )
        ((batch,),) = self._database.execute(_ADD_BATCH, values)
        self._database.execute_many(
            "INSERT INTO gap (batch, first, last, reason) VALUES (?, ?, ?, ?)",
            [(batch, g.first, g.last, printable(g.reason)) for g in header.gaps],
        )
        return int(batch)

    def _conflict(
        self, header: Header, committed: bytes, offered: bytes, now_ms: int
    ) -> IdentityConflictError:
        """Write down that somebody has offered another batch."""
        uuid, *place = _identity(header)
        self._database.execute(
            _ADD_CONFLICT, (uuid, *place, committed, offered, now_ms, now_ms)
        )
        return IdentityConflictError(
            f"batch {'/'.join(map(str, _identity(header)))}: "
            f"hash is {offered.hex()}, committed is {committed.hex()}"
        )


def _identity(header: Header) -> tuple[str, str, str, int]:
    return (
        header.source.hex(),
        header.epoch.hex(),
        printable(header.stream),
        header.seq,
    )
