"""A journal in memory, for tests of what sends from it."""

import threading
from collections.abc import Callable

from harness.batches import SOURCE

from zerometer.agent.batch import Missing, peek
from zerometer.agent.journal.model import StoredBatch
from zerometer.agent.uplink.base import Batch

Key = tuple[str, int]


def stored(data: bytes, position: int = 0) -> StoredBatch:
    """Return *data* as the journal hands it out; its seq is its usual position."""
    header = peek(data)
    return StoredBatch(
        stream=header.stream,
        position=position or header.seq,
        epoch=header.epoch,
        seq=header.seq,
        data=data,
        samples=header.samples,
        t1_ms=header.t1_ms,
    )


class MemoryOutbox:
    """Batches in the order in which they were sealed; a set of what each uplink has."""

    source = SOURCE

    def __init__(self) -> None:
        self.entries: list[StoredBatch] = []
        self.acknowledged: dict[str, set[Key]] = {}
        self.quarantined: list[tuple[Batch, str, str]] = []
        self.moved = threading.Condition()
        self._positions: dict[str, int] = {}
        self._callbacks: list[Callable[[], None]] = []

    def append(self, *batches: bytes) -> None:
        """Make *batches* durable."""
        for data in batches:
            stream = peek(data).stream
            self._positions[stream] = position = self._positions.get(stream, 0) + 1
            self.entries.append(stored(data, position))
        for callback in self._callbacks:
            callback()

    def add(self, *entries: StoredBatch) -> None:
        """Make *entries* durable as they are."""
        self.entries.extend(entries)
        for callback in self._callbacks:
            callback()

    def replace_by(self, batch: Batch, entries: list[StoredBatch]) -> None:
        """Seal *batch* anew as *entries*."""
        self.entries = [e for e in self.entries if _key(e) != _key(batch)]
        self.add(*entries)

    def done(self, uplink: str = "main") -> list[StoredBatch]:
        """Return what *uplink* has acknowledged, in the order of sealing."""
        has = self.acknowledged.get(uplink, set())
        return [entry for entry in self.entries if _key(entry) in has]

    def newest(self, uplink: str) -> list[StoredBatch]:
        """Return of each stream the last, unless it is acknowledged."""
        has = self.acknowledged.get(uplink, set())
        last = {entry.stream: entry for entry in self.entries}
        return [entry for entry in last.values() if _key(entry) not in has]

    def oldest(self, uplink: str, limit: int = 8) -> list[StoredBatch]:
        """Return the oldest that are not acknowledged."""
        has = self.acknowledged.get(uplink, set())
        return [entry for entry in self.entries if _key(entry) not in has][:limit]

    def acknowledge(self, uplink: str, batch: Batch) -> None:
        """Note that *batch* was taken."""
        with self.moved:
            self.acknowledged.setdefault(uplink, set()).add(_key(batch))
            self.moved.notify_all()

    def quarantine(self, uplink: str, batch: Batch, code: str, message: str) -> None:
        """Set *batch* aside."""
        self.quarantined.append((batch, code, message))
        self.acknowledge(uplink, batch)

    def resend(self, uplink: str, missing: Missing) -> None:
        """Forget that these were acknowledged."""
        has = self.acknowledged.setdefault(uplink, set())
        for entry in self.entries:
            same = (entry.stream, entry.epoch) == (missing.stream, missing.epoch)
            if same and missing.first <= entry.seq <= missing.last:
                has.discard(_key(entry))

    def on_durable(self, callback: Callable[[], None]) -> None:
        """Call *callback* on each append."""
        self._callbacks.append(callback)


def _key(batch: Batch) -> Key:
    return batch.stream, batch.position
