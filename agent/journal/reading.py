"""A journal as it stands, read beside an agent that may be writing it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from heapq import merge
from pathlib import Path

from zerometer.agent.journal.book import CURSORS, Book
from zerometer.agent.journal.cursors import Cursors
from zerometer.agent.journal.folder import MAIN, stream_path
from zerometer.agent.journal.main_file import Contents, read_contents
from zerometer.agent.journal.migration import OLD_FORMAT
from zerometer.agent.journal.schema import read_meta
from zerometer.agent.journal.stream_book import StreamBook
from zerometer.agent.journal.stream_file import READ_COLUMNS, Row

_OLD = "SELECT seq, id, stream, seq, t0_ms, t1_ms, samples, data FROM batch ORDER BY id"


def read_only(path: Path) -> sqlite3.Connection:
    """Open a file of a journal only to read it; raises sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def read_book(folder: Path) -> tuple[Book, Contents]:
    """Return what the main file in *folder* says.

    Raises sqlite3.Error or DamagedError; JournalError when a later version wrote it.
    """
    with closing(read_only(folder / MAIN)) as connection:
        read_meta(connection)
        contents = read_contents(connection)
    cursors = Cursors(None)
    book = Book(contents.meta.get("epoch", b""), cursors)
    book.load(contents.parts)
    if CURSORS in contents.parts:
        cursors.restore(contents.parts[CURSORS])
    return book, contents


def read_batches(folder: Path) -> Iterator[tuple[str, Row]]:
    """Yield stream and row of all batches, in the order in which they were sealed.

    Checksums are not looked at. Raises as ``read_book``.
    """
    with closing(read_only(folder / MAIN)) as connection:
        if read_meta(connection)["format"] == OLD_FORMAT:
            for position, ordinal, stream, *rest in connection.execute(_OLD):
                yield stream, Row(position, ordinal, b"", *rest)
            return
    book, _ = read_book(folder)
    streams = [_rows(folder, name, stream) for name, stream in book.streams.items()]
    yield from merge(*streams, key=lambda found: found[1].ordinal)


def read_file(path: Path) -> Iterator[Row]:
    """Yield all rows of a stream's file."""
    with closing(read_only(path)) as connection:
        query = f"SELECT {READ_COLUMNS} FROM batch ORDER BY position"
        for row in connection.execute(query):
            yield Row(*row)


def _rows(folder: Path, name: str, stream: StreamBook) -> Iterator[tuple[str, Row]]:
    for entry in stream.files:
        path = stream_path(folder, name, entry.number)
        if not path.exists():
            continue  # evicted meanwhile
        for row in read_file(path):
            if row.position <= entry.last:
                yield name, row
