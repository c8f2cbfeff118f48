"""Journals of release 0.1: one file, which becomes a main file and one per stream."""

import sqlite3
from contextlib import closing
from pathlib import Path

from zerometer.agent.journal.book import Book
from zerometer.agent.journal.cursors import Cursors
from zerometer.agent.journal.database import connect
from zerometer.agent.journal.filing import FileRule, file_rows
from zerometer.agent.journal.folder import (
    FRESH,
    MAIN,
    remove,
    stream_files,
    stream_path,
    sync,
)
from zerometer.agent.journal.main_file import STATE, Contents, write_main
from zerometer.agent.journal.schema import DamagedError, checksum, read_meta
from zerometer.agent.journal.shelf import Shelf, StreamFileError
from zerometer.agent.journal.stream_book import StreamBook
from zerometer.agent.journal.stream_file import Row
from zerometer.core.site import JournalSettings

#: The format that release 0.1 wrote.
OLD_FORMAT = b"1"
#: Batches that are copied in one transaction.
_TOGETHER = 64


def migrate(folder: Path, settings: JournalSettings) -> None:
    """Bring the journal in *folder* to the present form, if it is of release 0.1.

    A cut leaves it as it was, or done. Raises DamagedError or sqlite3.Error.
    """
    path = folder / MAIN
    if not path.is_file():
        return
    with closing(connect(path)) as old:
        meta = read_meta(old)
        if meta["format"] != OLD_FORMAT:
            return
        for stream, number in stream_files(folder):  # of an attempt that was cut
            remove(stream_path(folder, stream, number))
        remove(folder / FRESH)
        contents = _read(old, folder, settings, meta)
        write_main(folder / FRESH, contents, old)
        old.execute("PRAGMA journal_mode = delete").fetchall()
    (folder / FRESH).replace(path)
    sync(folder)


def _read(
    old: sqlite3.Connection, folder: Path, settings: JournalSettings,
    meta: dict[str, bytes],
) -> Contents:  # fmt: skip
    """Return what the new main file holds, once the batches are in their files."""
    book = Book(meta["epoch"], Cursors(None))
    shelf = Shelf(folder, meta["source"], wal_pages=0)
    try:
        for name, seq, digest, samples, crc in old.execute("SELECT * FROM stream"):
            if checksum(name, seq, digest, samples) != crc:
                raise DamagedError(f"the end of stream {name!r} is damaged")
            stream = book.stream(name)
            _move_batches(old, shelf, name, stream, settings)
            stream.position, stream.hash, stream.samples = seq, digest, samples
    except StreamFileError as fault:
        raise fault.error from fault
    finally:
        shelf.close()
    _read_losses(old, book)
    _read_cursors(old, book)
    contents = Contents(
        meta={name: meta[name] for name in ("source", "epoch")}, parts=book.all_parts()
    )
    for name, data, crc in old.execute("SELECT * FROM state"):
        if checksum(name, data) == crc:
            contents.parts[STATE] = data
    for n, stream_name, data, crc in old.execute("SELECT * FROM segment ORDER BY n"):
        if checksum(n, stream_name, data) == crc:
            contents.segments.append((stream_name, data))
    return contents


def _move_batches(
    old: sqlite3.Connection,
    shelf: Shelf,
    name: str,
    stream: StreamBook,
    settings: JournalSettings,
) -> None:
    """Write a stream's batches to its files; damaged ones become losses."""
    rows = old.execute(
        "SELECT id, seq, t0_ms, t1_ms, samples, crc, data FROM batch "
        "WHERE stream = ? ORDER BY seq",
        (name,),
    )
    together: list[Row] = []
    for ordinal, seq, t0_ms, t1_ms, samples, crc, data in rows:
        if crc != checksum(name, seq, samples, data):
            stream.lose([(seq, seq)], "damaged")
            continue
        epoch = stream.bases[0][0]
        together.append(Row(seq, ordinal, epoch, seq, t0_ms, t1_ms, samples, data))
        if len(together) == _TOGETHER:
            _file(shelf, name, stream, together, settings)
            together = []
    if together:
        _file(shelf, name, stream, together, settings)


def _file(
    shelf: Shelf,
    name: str,
    stream: StreamBook,
    rows: list[Row],
    settings: JournalSettings,
) -> None:
    rule = FileRule.of(settings, settings.keep_ledger_ns, rows[0].t0_ms)
    file_rows(shelf, name, stream, rows, rule)


def _read_losses(old: sqlite3.Connection, book: Book) -> None:
    for name, first, last, reason in old.execute(
        "SELECT stream, first, last, reason FROM gap"
    ):
        book.stream(name).lose([(first, last)], reason)


def _read_cursors(old: sqlite3.Connection, book: Book) -> None:
    """Take over how far each uplink was; of a damaged row nothing is believed."""
    for uplink, batch_id, crc in old.execute("SELECT * FROM cursor"):
        book.cursors.meet(uplink)
        if checksum(uplink, batch_id) != crc:
            continue
        for name, seq in old.execute(
            "SELECT stream, max(seq) FROM batch WHERE id <= ? GROUP BY stream",
            (batch_id,),
        ):
            first = book.stream(name).kept_from
            if first <= seq:
                book.cursors.acknowledged(uplink, name).add(first, seq)
