"""What the streams' files say by themselves, where no main file does."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from zerometer.agent.journal.database import is_damage
from zerometer.agent.journal.folder import (
    set_aside,
    size_of,
    stream_files,
    stream_path,
)
from zerometer.agent.journal.schema import DamagedError
from zerometer.agent.journal.stream_book import FileEntry, StreamBook
from zerometer.agent.journal.stream_file import StreamFile


@dataclass(slots=True)
class Survey:
    """Streams as their files say, and the gateway that they are of."""

    streams: dict[str, StreamBook] = field(default_factory=dict)
    source: bytes | None = None
    notices: list[str] = field(default_factory=list)


def survey(folder: Path, epoch: bytes) -> Survey:
    """Read all files of streams in *folder*; set those aside that are damaged.

    What comes next in each stream is of *epoch*.
    """
    found = Survey()
    for name, number in stream_files(folder):
        book = found.streams.setdefault(name, StreamBook())
        book.next_file = number + 1
        path = stream_path(folder, name, number)
        try:
            found.source = _read(path, number, book) or found.source
        except (sqlite3.Error, DamagedError) as error:
            if not is_damage(error):
                raise
            aside = set_aside(path)
            found.notices.append(f"journal: {path}: {error}; set aside as {aside.name}")
    for book in found.streams.values():
        book.begin_epoch(epoch)
    return found


def _read(path: Path, number: int, book: StreamBook) -> bytes:
    """Add what a file says to *book*; return the gateway's UUID."""
    file = StreamFile(path)
    try:
        source = file.meta()["source"]
        epochs = file.epochs()
        t0_ms, t1_ms = file.span_ms()
        samples = file.samples()
    finally:
        file.close()
    for epoch, base, _, _ in epochs:
        if not book.bases or book.bases[-1][0] != epoch:
            book.bases.append((epoch, base))
    first, last = epochs[0][2], epochs[-1][3]
    if first <= book.position:
        raise DamagedError("its batches are in another file")
    book.files.append(
        FileEntry(number, first, last, t0_ms, t1_ms, t0_ms, size_of(path))
    )
    book.position = last
    book.samples += samples
    return source
