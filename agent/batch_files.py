"""Batches out of files: a journal, or one batch after the other."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgpack

from zerometer.agent.batch import peek
from zerometer.agent.batch.limits import MAX_BYTES
from zerometer.core.errors import FormatError, UsageError

JOURNAL = "journal.db"
SQLITE = b"SQLite format 3\0"
#: How a batch begins: an array of 3 or more, a map, a short text as its first key.
BEGIN = re.compile(rb"[\x93-\x9f](?:[\x81-\x8f]|\xde..)[\xa1-\xbf][a-z]", re.S)


def read_files(source: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of what is in a journal, a file, a folder, or ``-``.

    Of a journal, each batch is one, in the order in which they were sealed.
    """
    if source == "-":
        yield "standard input", sys.stdin.buffer.read()
        return
    path = Path(source)
    try:
        if path.is_dir() and (path / JOURNAL).exists():
            path /= JOURNAL
        for file in folder_files(path) if path.is_dir() else [path]:
            if file.name == JOURNAL and _is_sqlite(file):
                yield from _journal(file.parent)
            elif _is_sqlite(file):
                yield from _stream_file(file)
            else:
                yield str(file), file.read_bytes()
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error


def folder_files(folder: Path) -> list[Path]:
    """Return the files in *folder* and in those below it, by name.

    Hidden ones are left out: an uplink that writes into the folder has not finished
    them. Those that it has finished hold one batch each, and sort by time.
    """
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _is_sqlite(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE


def _journal(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the batches of a journal, which an agent may be writing meanwhile."""
    from zerometer.agent.journal.reading import read_batches

    with _told(folder / JOURNAL):
        for stream, row in read_batches(folder):
            yield f"{folder / JOURNAL}: {stream}/{row.seq}", row.data


def _stream_file(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the batches of one file of a journal."""
    from zerometer.agent.journal.reading import read_file

    with _told(file):
        for row in read_file(file):
            yield f"{file}: {row.seq}", row.data


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Raise what fails within as a UsageError that names the file."""
    import sqlite3

    from zerometer.agent.journal.schema import DamagedError

    try:
        yield
    except (sqlite3.Error, DamagedError) as error:
        raise UsageError(f"{file}: not a readable journal: {error}") from error


def split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of each batch in *data*.

    What lies between batches, or before or after them, comes in one piece.
    """
    start = 0
    while start < len(data):
        end = _end_of_batch(data, start)
        if not _is_whole(data[start:end]):
            # What looks like one batch may reach into the next.
            end = min(end or len(data), _next_batch(data, start))
        yield start, data[start:end]
        start = end


def _is_whole(part: bytes) -> bool:
    with suppress(FormatError):
        peek(part)
        return True
    return False


def _end_of_batch(data: bytes, start: int) -> int:
    """Return where what looks like a batch at *start* ends, 0 when nothing does."""
    if not BEGIN.match(data, start):
        return 0
    unpacker = msgpack.Unpacker(max_buffer_size=MAX_BYTES)
    unpacker.feed(memoryview(data)[start : start + MAX_BYTES])
    try:
        unpacker.skip()
    except (msgpack.UnpackException, ValueError):
        return 0
    return start + int(unpacker.tell())


def _next_batch(data: bytes, start: int) -> int:
    """Return where the next whole batch after *start* begins, or the end of *data*."""
    for found in BEGIN.finditer(data, start + 1):
        end = _end_of_batch(data, found.start())
        if _is_whole(data[found.start() : end]):
            return found.start()
    return len(data)
