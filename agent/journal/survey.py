"""What the streams' files say by themselves, where no main file does."""

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from zerometer.agent.journal.book import Book
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
    """Streams as their files say, and the gateway that they are of.

    ``number`` is that of the last commit that they know of.
    """

    streams: dict[str, StreamBook] = field(default_factory=dict)
    source: bytes | None = None
    number: int = 0
    notices: list[str] = field(default_factory=list)


def is_ahead(folder: Path, book: Book) -> bool:
    """Tell whether files have rows of commits that *book* knows nothing of.

    After a cut, that is the next one. When there are more, the main file has lost
    what it once had, as when its WAL is damaged: SQLite does not tell.
    """
    for name, number in stream_files(folder):
        stream = book.streams.get(name)
        known = [entry.number for entry in stream.files[:-1]] if stream else []
        if number in known:
            continue
        path = stream_path(folder, name, number)
        with suppress(sqlite3.Error, DamagedError), closing(StreamFile(path)) as file:
            if file.commit > book.number + 1:
                return True
    return False


def survey(folder: Path) -> Survey:
    """Read all files of streams in *folder*; set those aside that are damaged."""
    found = Survey()
    for name, number in stream_files(folder):
        book = found.streams.setdefault(name, StreamBook())
        book.next_file = number + 1
        path = stream_path(folder, name, number)
        try:
            found.source, commit = _read(path, name, number, book)
            found.number = max(found.number, commit)
        except (sqlite3.Error, DamagedError) as error:
            if not is_damage(error):
                raise
            aside = set_aside(path)
            found.notices.append(f"journal: {path}: {error}; set aside as {aside.name}")
    return found


def _read(path: Path, stream: str, number: int, book: StreamBook) -> tuple[bytes, int]:
    """Add what a file says to *book*; return the gateway's UUID, and the commit."""
    file = StreamFile(path)
    try:
        source = file.meta()["source"]
        file.check(source, stream)
        commit = file.commit
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
    return source, commit


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
