"""The journal in figures."""

from collections.abc import Callable, Mapping

from zerometer.agent.journal.book import Book
from zerometer.agent.journal.model import JournalInfo, StreamInfo, UplinkInfo
from zerometer.agent.journal.stream_book import QUARANTINED, FileEntry, StreamBook
from zerometer.core.number_spans import count

#: Says how large a file of a stream is.
SizeOf = Callable[[str, FileEntry], int]


def figures(book: Book, size_of: SizeOf, used: int) -> JournalInfo:
    """Return what *book* says, with *used* bytes in all files."""
    streams = {
        name: _stream(stream, [size_of(name, entry) for entry in stream.files])
        for name, stream in book.streams.items()
    }
    return JournalInfo(
        bytes=used,
        batches=sum(info.batches for info in streams.values()),
        sealed_batches=sum(s.position for s in book.streams.values()),
        sealed_samples=sum(s.samples for s in book.streams.values()),
        evicted=_lost(book, "evicted"),
        damaged=_lost(book, "damaged"),
        quarantined=_lost(book, QUARANTINED),
        streams=streams,
        uplinks=uplink_figures(book),
    )


def uplink_figures(book: Book) -> Mapping[str, UplinkInfo]:
    """Return how far each uplink is."""
    return {uplink: _uplink(book, uplink) for uplink in book.cursors.uplinks()}


def _lost(book: Book, reason: str) -> int:
    return count(
        (loss.first, loss.last)
        for stream in book.streams.values()
        for loss in stream.losses
        if loss.reason == reason
    )


def _stream(stream: StreamBook, sizes: list[int]) -> StreamInfo:
    dead = stream.dead()
    return StreamInfo(
        bytes=sum(sizes),
        files=len(stream.files),
        batches=sum(count(dead.absent(f.first, f.last)) for f in stream.files),
        t0_ms=min((entry.t0_ms for entry in stream.files), default=None),
        t1_ms=max((entry.t1_ms for entry in stream.files), default=None),
    )


def _uplink(book: Book, uplink: str) -> UplinkInfo:
    acknowledged = pending = 0
    for name, stream in book.streams.items():
        if not book.cursors.wants(uplink, name):
            continue
        done = book.cursors.acknowledged(uplink, name)
        over = done.union(stream.dead())
        for entry in stream.files:
            acknowledged += count(done.present(entry.first, entry.last))
            pending += count(over.absent(entry.first, entry.last))
    return UplinkInfo(acknowledged=acknowledged, pending=pending)
