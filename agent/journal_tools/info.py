"""A journal in figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zerometer.agent.journal.folder import (
    MAIN,
    size_of,
    stream_files,
    stream_path,
)
from zerometer.agent.journal_tools.contents import Contents, place
from zerometer.agent.journal_tools.read_only import reading
from zerometer.core.number_spans import count

Json = dict[str, Any]

_KEPT = (
    "SELECT count(*), min(t0_ms), max(t1_ms), min({place}), max({place}) "
    "FROM batch WHERE {where}"
)


@dataclass(slots=True)
class Figures:
    """What is kept of a stream; times are None where that is nothing."""

    files: int = 0
    bytes: int = 0
    batches: int = 0
    t0_ms: int | None = None
    t1_ms: int | None = None
    first: int = 0
    last: int = 0

    def add(self, row: tuple[int, int, int, int, int]) -> None:
        """Take in a file's figures."""
        batches, t0_ms, t1_ms, first, last = row
        if batches:
            self.t0_ms = t0_ms if self.t0_ms is None else min(self.t0_ms, t0_ms)
            self.t1_ms = t1_ms if self.t1_ms is None else max(self.t1_ms, t1_ms)
            self.first = self.first or first
            self.last = max(self.last, last)
            self.batches += batches


def describe(contents: Contents) -> Json:
    """Return a journal in figures, as it is printed with ``--json``."""
    kept = _kept(contents)
    main = size_of(contents.folder / MAIN)
    return {
        "folder": str(contents.folder),
        "format": contents.format,
        "source": contents.source.hex(),
        "epoch": contents.epoch.hex(),
        "files": 1 + sum(stream.files for stream in kept.values()),
        "bytes": main + sum(stream.bytes for stream in kept.values()),
        "open_segments": contents.segments,
        "streams": [_stream(contents, name, kept[name]) for name in sorted(kept)],
        "uplinks": list(_uplinks(contents, kept)),
        "gaps": list(_gaps(contents)),
        "quarantine": [
            {
                "uplink": q.uplink,
                "stream": q.stream,
                "epoch": q.epoch.hex(),
                "seq": q.seq,
                "time_ms": q.time_ms,
                "code": q.code,
                "message": q.message,
                "bytes": q.bytes,
            }
            for q in contents.quarantine
        ],
        "damaged": contents.damaged,
    }


def _kept(contents: Contents) -> dict[str, Figures]:
    kept = {name: Figures() for name in contents.book.streams}
    if contents.format == 1:
        with reading(contents.folder / MAIN) as connection:
            query = _KEPT.format(place="seq", where="stream = ?")
            for name, stream in kept.items():
                stream.add(connection.execute(query, (name,)).fetchone())
        return kept
    query = _KEPT.format(place="position", where="position <= ?")
    for name, number in stream_files(contents.folder):
        path = stream_path(contents.folder, name, number)
        if name not in kept or not path.exists():
            continue
        stream = kept[name]
        stream.files += 1
        stream.bytes += size_of(path)
        with reading(path) as connection:
            end = contents.ends[name]
            stream.add(connection.execute(query, (end,)).fetchone())
    return kept


def _stream(contents: Contents, name: str, kept: Figures) -> Json:
    book = contents.book.streams[name]
    return {
        "stream": name,
        "files": kept.files,
        "bytes": kept.bytes,
        "batches": kept.batches,
        "sealed_batches": book.position,
        "sealed_samples": book.samples,
        "t0_ms": kept.t0_ms,
        "t1_ms": kept.t1_ms,
        "epochs": [
            {"epoch": epoch.hex(), "last_seq": end - base}
            for epoch, base, end in book.epochs()
        ],
    }


def _uplinks(contents: Contents, kept: dict[str, Figures]) -> Iterator[Json]:
    for uplink in contents.book.cursors.uplinks():
        for name, stream in sorted(kept.items()):
            if not contents.book.cursors.wants(uplink, name):
                continue
            done = contents.book.cursors.acknowledged(uplink, name)
            first, last = stream.first, stream.last
            lost = contents.book.streams[name].dead()
            waiting = done.union(lost).absent(first, last) if last else ()
            yield {
                "uplink": uplink,
                "stream": name,
                "acknowledged": count(done.present(first, last)) if last else 0,
                "pending": count(waiting),
            }


def _gaps(contents: Contents) -> Iterator[Json]:
    for name, book in sorted(contents.book.streams.items()):
        for loss in book.losses:
            epoch, first = place(book, loss.first)
            yield {
                "stream": name,
                "epoch": epoch.hex(),
                "first": first,
                "last": first + loss.last - loss.first,
                "reason": loss.reason,
                "declared": loss.told != 0,
            }
