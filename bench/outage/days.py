"""Batches of many days, made of those of a few hours: later, and sealed anew.

The agent's own way makes some 100 simulated days an hour; its accounting is measured
elsewhere. What counts here is what the journal has to keep.
"""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from zerometer.agent.batch import Batch, Column, Table, batch_hash, encode, peek
from zerometer.agent.journal import Commit, Journal, SealedBatch


class Days:
    """Appends to a journal what *hours* hold, again and again."""

    def __init__(self, journal: Journal, hours: Iterable[Batch]) -> None:
        self._journal = journal
        self._hours = sorted(hours, key=lambda batch: batch.header.t1_ms)
        self._next: dict[str, int] = {}
        self._last: dict[str, bytes] = {}
        self.samples = 0
        #: Numbers that were declared as gaps, by stream.
        self.lost: Counter[str] = Counter()
        self.largest_bytes = 0

    def append(self, by_ms: int) -> None:
        """Append them all, *by_ms* later; those of a quarter hour in a commit."""
        sealed: list[SealedBatch] = []
        for batch in self._hours:
            sealed.append(self._sealed(batch, by_ms))
            if batch.header.stream == "readings":
                self._commit(sealed)
                sealed = []
        self._commit(sealed)

    def _commit(self, sealed: list[SealedBatch]) -> None:
        if sealed:
            self._journal.append(Commit(state=b"", sealed=sealed)).result()
            size = self._journal.info().bytes
            self.largest_bytes = max(self.largest_bytes, size)

    def _sealed(self, batch: Batch, by_ms: int) -> SealedBatch:
        stream = batch.header.stream
        seq = self._next.get(stream, 1)
        gaps = self._journal.gaps(stream)
        self.lost[stream] += sum(gap.last - gap.first + 1 for gap in gaps)
        header = replace(
            batch.header,
            source=self._journal.source,
            epoch=self._journal.epoch,
            seq=seq,
            t0_ms=batch.header.t0_ms + by_ms,
            t1_ms=batch.header.t1_ms + by_ms,
            prev=self._last.get(stream),
            gaps=gaps,
        )
        data = encode(header, [_later(table, by_ms) for table in batch.tables])
        self._next[stream], self._last[stream] = seq + 1, batch_hash(data)
        samples = peek(data).samples
        self.samples += samples
        return SealedBatch(
            stream=stream, seq=seq, data=data, t0_ms=header.t0_ms, t1_ms=header.t1_ms,
            samples=samples, gaps=gaps,
        )  # fmt: skip


def _later(table: Table, by_ms: int) -> Table:
    time: Column = table.columns[0]
    values = array("q", (at + by_ms for at in time.values))
    return Table(table.name, [replace(time, values=values), *table.columns[1:]])
