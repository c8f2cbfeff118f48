"""Which batches an uplink has still to send, out of the files of all streams."""

from collections.abc import Iterator
from heapq import merge
from itertools import islice

from zerometer.agent.batch import Missing
from zerometer.agent.journal.book import CURSORS, Book
from zerometer.agent.journal.model import StoredBatch
from zerometer.agent.journal.shelf import Shelf
from zerometer.agent.journal.stream_book import FileEntry
from zerometer.core.errors import UsageError
from zerometer.core.number_spans import Intervals

#: Ordinal, stream, number of the file, position.
Place = tuple[int, str, int, int]


class Sending:
    """What is sent, and what was acknowledged; StreamFileError when a file fails.

    Batches that are damaged, or not where they should be, become losses.
    """

    def __init__(self, book: Book, shelf: Shelf) -> None:
        self._book = book
        self._shelf = shelf

    def newest(self, uplink: str) -> list[StoredBatch]:
        """Return of each stream the newest batch, unless that was acknowledged."""
        self._meet(uplink)
        found = (self._newest_of(uplink, stream) for stream in self._wanted(uplink))
        return [batch for batch in found if batch is not None]

    def oldest(self, uplink: str, limit: int) -> list[StoredBatch]:
        """Return the oldest batches that are not acknowledged, as they were sealed."""
        self._meet(uplink)
        while True:
            places = [self._places(uplink, s, limit) for s in self._wanted(uplink)]
            chosen = list(islice(merge(*places), limit))
            found = [self._read(stream, file, n) for _, stream, file, n in chosen]
            batches = [batch for batch in found if batch is not None]
            if batches or not found:
                return batches

    def acknowledge(self, uplink: str, stream: str, position: int) -> None:
        """Note that *uplink* needs a batch no more."""
        last = self._book.stream(stream).position
        if not 0 < position <= last:
            raise UsageError(
                f"journal: uplink {uplink}: {stream} {position} acknowledged, the "
                f"last one is {last}"
            )
        self._book.cursors.acknowledged(uplink, stream).add(position, position)
        self._book.dirty.add(CURSORS)

    def resend(self, uplink: str, missing: Missing) -> None:
        """Forget that numbers were acknowledged; what is gone is declared again."""
        if missing.stream not in self._book.streams:
            return
        stream = self._book.stream(missing.stream)
        span = stream.positions(missing.epoch, missing.first, missing.last)
        if span is None:
            return
        stream.lose(Intervals([(stream.kept_from, stream.position)]).absent(*span),
                    "evicted")  # fmt: skip
        stream.untell(*span)
        self._book.mark(missing.stream)
        gone = Intervals((loss.first, loss.last) for loss in stream.losses)
        for part in gone.absent(*span):
            self._book.cursors.acknowledged(uplink, missing.stream).remove(*part)
        self._book.dirty.add(CURSORS)

    def _meet(self, uplink: str) -> None:
        """Keep batches from now on for one that asks for the first time."""
        if self._book.cursors.meet(uplink):
            self._book.dirty.add(CURSORS)

    def _wanted(self, uplink: str) -> list[str]:
        wants = self._book.cursors.wants
        return [stream for stream in self._book.streams if wants(uplink, stream)]

    def _newest_of(self, uplink: str, name: str) -> StoredBatch | None:
        stream = self._book.streams[name]
        acknowledged = self._book.cursors.acknowledged(uplink, name)
        for entry in reversed(stream.files):
            for position in range(entry.last, entry.first - 1, -1):
                if position in acknowledged:
                    return None
                if position in stream.dead():
                    continue
                batch = self._read(name, entry.number, position)
                if batch is not None:
                    return batch
        return None

    def _places(self, uplink: str, name: str, limit: int) -> list[Place]:
        """Return at most *limit* of the places of a stream that are still to send."""
        stream = self._book.streams[name]
        done = self._book.cursors.acknowledged(uplink, name).union(stream.dead())
        places: list[Place] = []
        for entry in stream.files:
            for first, last in done.absent(entry.first, entry.last):
                rest = limit - len(places)
                if rest == 0:
                    return places
                places += self._found(name, entry, first, last, rest)
        return places

    def _found(
        self, name: str, entry: FileEntry, first: int, last: int, limit: int
    ) -> Iterator[Place]:
        """Yield what is there of the positions *first* to *last*; note what is not."""
        found = self._shelf.places(name, entry.number, first, last, limit)
        end = last if len(found) < limit else found[-1][0]
        there = Intervals((position, position) for position, _ in found)
        lost = list(there.absent(first, end))
        if lost:
            self._book.stream(name).lose(lost, "damaged")
            self._book.mark(name)
        for position, ordinal in found:
            # A damaged row may have none; reading it tells.
            place = ordinal if isinstance(ordinal, int) else 0
            yield place, name, entry.number, position

    def _read(self, name: str, number: int, position: int) -> StoredBatch | None:
        """Return a batch; None, and one loss more, when it is damaged."""
        row = self._shelf.read(name, number, position)
        if row is None:
            self._book.stream(name).lose([(position, position)], "damaged")
            self._book.mark(name)
            return None
        return StoredBatch(
            stream=name,
            position=position,
            epoch=row.epoch,
            seq=row.seq,
            data=row.data,
            samples=row.samples,
            t1_ms=row.t1_ms,
        )
