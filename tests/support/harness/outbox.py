"""A journal in memory, for tests of what sends from it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from harness.batches import SOURCE

from zerometer.agent.batch import peek


@dataclass(frozen=True)
class Entry:
    """A batch as the journal hands it out."""

    id: int
    stream: str
    seq: int
    data: bytes
    samples: int


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
                Entry(number, header.stream, header.seq, data, header.samples)
            )
        for callback in self._callbacks:
            callback()

    def pending(self, uplink: str, limit: int = 8) -> list[Entry]:
        """Return the oldest batches after the cursor."""
        cursor = self.cursors.get(uplink, 0)
        return self.entries[cursor : cursor + limit]

    def acknowledge(self, uplink: str, batch_id: int) -> None:
        """Move the cursor."""
        with self.moved:
            assert batch_id == self.cursors.get(uplink, 0) + 1
            self.cursors[uplink] = batch_id
            self.moved.notify_all()

    def on_durable(self, callback: Callable[[], None]) -> None:
        """Call *callback* on each append."""
        self._callbacks.append(callback)
