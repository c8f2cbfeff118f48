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
            found.source = _read(path, name, number, book)
        except (sqlite3.Error, DamagedError) as error:
            if not is_damage(error):
                raise
            aside = set_aside(path)
            found.notices.append(f"journal: {path}: {error}; set aside as {aside.name}")
    for book in found.streams.values():
        book.begin_epoch(epoch)
    return found


def _read(path: Path, stream: str, number: int, book: StreamBook) -> bytes:
    """Add what a file says to *book*; return the gateway's UUID."""
    file = StreamFile(path)
    try:
        source = file.meta()["source"]
        file.check(source, stream)
        said = _said(file) or _proven(file)
    finally:
        file.close()
    first, last = said.epochs[0][2], said.epochs[-1][3]
    if first <= book.position:
        raise DamagedError("its batches are in another file")
    for epoch, base, _, _ in said.epochs:
        if not book.bases or book.bases[-1][0] != epoch:
            book.bases.append((epoch, base))
    book.files.append(
        FileEntry(number, first, last, *said.span_ms, said.span_ms[0], size_of(path))
    )
    book.position = last
    book.samples += said.samples
    return source


@dataclass(frozen=True, slots=True)
class _Said:
    """Of each epoch the position before its first, first and last; times, samples."""

    epochs: list[tuple[bytes, int, int, int]]
    span_ms: tuple[int, int]
    samples: int


def _said(file: StreamFile) -> _Said | None:
    """Return what is in a file by its columns; None if a damaged row has a say."""
    said = _Said(file.epochs(), file.span_ms(), file.samples())
    ends = [
        (epoch, base, file.read(position))
        for epoch, base, *both in said.epochs
        for position in both
    ]
    sound = all(
        row is not None and (row.epoch, row.position - row.seq) == (epoch, base)
        for epoch, base, row in ends
    )
    numbers = (*said.span_ms, said.samples)
    return said if sound and all(type(n) is int for n in numbers) else None


def _proven(file: StreamFile) -> _Said:
    """Return what is in a file by its sound rows, each of which is read."""
    epochs: list[tuple[bytes, int, int, int]] = []
    times: list[int] = []
    samples = 0
    for row in file.sound():
        first = row.position
        if epochs and epochs[-1][0] == row.epoch:
            first = epochs.pop()[2]
        epochs.append((row.epoch, row.position - row.seq, first, row.position))
        times += row.t0_ms, row.t1_ms
        samples += row.samples
    if not epochs:
        raise DamagedError("no batch is in it")
    return _Said(epochs, (min(times), max(times)), samples)
