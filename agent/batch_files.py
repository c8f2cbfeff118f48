"""Batches out of files: a journal, or one batch after the other."""

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgpack

from zerometer.agent.batch import peek
from zerometer.agent.batch.limits import MAX_BYTES
from zerometer.agent.journal.folder import MAIN
from zerometer.agent.journal_tools.contents import read_batches
from zerometer.agent.journal_tools.kept import Kept, batches_of_file, is_journal
from zerometer.agent.journal_tools.read_only import is_sqlite
from zerometer.core.errors import FormatError, UsageError

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
        if is_journal(path):
            path /= MAIN
        for file in folder_files(path) if path.is_dir() else [path]:
            if is_sqlite(file):
                for kept in _kept(file):
                    yield kept.name, kept.data
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


def _kept(file: Path) -> Iterator[Kept]:
    """Return the batches of a journal, by its main file, or of one of its files."""
    if file.name == MAIN:
        return read_batches(file.parent)
    return batches_of_file(file)


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
