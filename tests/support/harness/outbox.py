"""A journal in memory, for tests of what sends from it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from harness.batches import SOURCE

from zerometer.agent.batch import Missing, peek
from zerometer.agent.uplink.base import Batch


@dataclass(frozen=True)
class Entry:
    """A batch as the journal hands it out."""

    stream: str
    position: int
    epoch: bytes
    seq: int
    data: bytes
    samples: int
    t1_ms: int


class MemoryOutbox:
    """Batches in order; each uplink has a cursor."""

    source = SOURCE

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.cursors: dict[str, int] = {}
        self.moved = threading.Condition()
        self._callbacks: list[Callable[[], None]] = []

    def append(self, *batches: bytes) -> None:
        """Make *batches* durable."""
        for data in batches:
            header = peek(data)
            number = len(self.entries) + 1
            self.entries.append(
                Entry(
                    header.stream,
                    number,
                    header.epoch,
                    header.seq,
                    data,
                    header.samples,
                    header.t1_ms,
                )
            )
        for callback in self._callbacks:
            callback()

    def oldest(self, uplink: str, limit: int = 8) -> list[Entry]:
        """Return the oldest batches after the cursor."""
        cursor = self.cursors.get(uplink, 0)
        return self.entries[cursor : cursor + limit]

    def acknowledge(self, uplink: str, batch: Batch) -> None:
        """Move the cursor."""
        with self.moved:
            assert batch.position == self.cursors.get(uplink, 0) + 1
            self.cursors[uplink] = batch.position
            self.moved.notify_all()

    def newest(self, uplink: str) -> list[Entry]:
        """Return the last batch."""
        last = self.entries[-1:]
        return last if self.cursors.get(uplink, 0) < len(self.entries) else []

    def quarantine(self, uplink: str, batch: Batch, code: str, message: str) -> None:
        """Move the cursor."""
        self.acknowledge(uplink, batch)

    def resend(self, uplink: str, missing: Missing) -> None:
        """Move the cursor back."""
        self.cursors[uplink] = missing.first - 1

    def on_durable(self, callback: Callable[[], None]) -> None:
        """Call *callback* on each append."""
        self._callbacks.append(callback)
