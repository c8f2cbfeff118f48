"""What a journal says of itself, read beside an agent or from a copy."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zerometer.agent.journal.book import CURSORS, Book
from zerometer.agent.journal.cursors import Cursors
from zerometer.agent.journal.folder import MAIN
from zerometer.agent.journal.main_file import Contents as Rows
from zerometer.agent.journal.main_file import read_contents
from zerometer.agent.journal.schema import DamagedError, read_meta
from zerometer.agent.journal.stream_book import SETTLED, Loss, StreamBook
from zerometer.agent.journal_tools.kept import Kept, kept_batches
from zerometer.agent.journal_tools.read_only import reading
from zerometer.core.errors import JournalError

_QUARANTINE = (
    "SELECT uplink, stream, epoch, seq, time_ms, code, message, length(data) "
    "FROM quarantine ORDER BY n"
)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A batch that a receiver will never take, and why."""

    uplink: str
    stream: str
    epoch: bytes
    seq: int
    time_ms: int
    code: str
    message: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Contents:
    """The main file of a journal: whose it is, its streams, cursors and losses.

    ``segments`` counts pieces of open batches; ``damaged`` says what cannot be read.
    """

    folder: Path
    format: int
    source: bytes
    epoch: bytes
    book: Book
    segments: int
    quarantine: list[Quarantined] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def ends(self) -> dict[str, int]:
        """The last position of each stream."""
        return {name: stream.position for name, stream in self.book.streams.items()}


def read_journal(folder: Path) -> Contents:
    """Return what the main file in *folder* says; JournalError when it is none."""
    with reading(folder / MAIN) as connection:
        try:
            meta = read_meta(connection)
        except (DamagedError, sqlite3.DatabaseError) as error:
            raise JournalError(
                f"journal: {folder / MAIN}: not a healthy journal ({error}): name "
                "the folder of one, or one of its files"
            ) from error
        number = int(meta["format"])
        book = Book(meta["epoch"], Cursors(None))
        rows = Rows(meta=meta)
        if number == 1:
            _load_0_1(connection, book)
            (segments,) = connection.execute("SELECT count(*) FROM segment").fetchone()
            quarantine: list[Quarantined] = []
        else:
            rows = read_contents(connection)
            _load(book, rows)
            segments = len(rows.segments)
            found = connection.execute(_QUARANTINE).fetchall()
            quarantine = [Quarantined(*row) for row in found]
        return Contents(
            folder, number, meta["source"], meta["epoch"], book, segments, quarantine,
            rows.damaged,
        )  # fmt: skip


def read_batches(folder: Path) -> Iterator[Kept]:
    """Yield the batches of the journal in *folder*, as they were sealed.

    Raises JournalError as soon as a file cannot be read.
    """
    return kept_batches(folder, read_journal(folder).ends)


def reissued(folder: Path) -> set[tuple[str, bytes, int]]:
    """Return stream, epoch and number of batches whose rows came again in others."""
    return {
        (name, *place(book, position))
        for name, book in read_journal(folder).book.streams.items()
        for loss in book.losses
        if loss.reason == "reissued"
        for position in range(loss.first, loss.last + 1)
    }


def place(book: StreamBook, position: int) -> tuple[bytes, int]:
    """Return epoch and seq of a position; no epoch if it is known no more."""
    if book.bases and book.bases[0][1] < position:
        return book.place(position)
    return b"", position


def _load(book: Book, rows: Rows) -> None:
    try:
        book.load(rows.parts)
        if CURSORS in rows.parts:
            book.cursors.restore(rows.parts[CURSORS])
    except DamagedError as error:
        rows.damaged.append(str(error))


def _load_0_1(connection: sqlite3.Connection, book: Book) -> None:
    """Take in what version 0.1 kept of streams, cursors and gaps."""

    def rows(query: str, *values: Any) -> list[Any]:
        return connection.execute(query, values).fetchall()

    streams = rows("SELECT name, seq, hash, samples FROM stream")
    for name, seq, digest, samples in streams:
        losses = rows("SELECT first, last, reason FROM gap WHERE stream = ?", name)
        book.streams[name] = StreamBook(
            position=seq,
            hash=digest,
            samples=samples,
            bases=[(book.epoch, 0)],
            losses=[Loss(first, last, why, SETTLED) for first, last, why in losses],
        )
    for uplink, last in rows("SELECT uplink, id FROM cursor"):
        book.cursors.meet(uplink)
        for name, seq in rows(
            "SELECT stream, max(seq) FROM batch WHERE id <= ? GROUP BY stream", last
        ):
            book.cursors.acknowledged(uplink, name).add(1, seq)
