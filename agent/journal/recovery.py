"""Opening the main file, whatever it holds; making it anew."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgpack

from zerometer.agent.journal.book import CURSORS, NUMBER, Book
from zerometer.agent.journal.cursors import Cursors
from zerometer.agent.journal.database import COMPANIONS, Connection, is_damage
from zerometer.agent.journal.folder import (
    FRESH,
    MAIN,
    remove,
    set_aside,
    stream_files,
    sync,
)
from zerometer.agent.journal.main_file import (
    STATE,
    Contents,
    MainFile,
    read_contents,
    write_main,
)
from zerometer.agent.journal.migration import migrate
from zerometer.agent.journal.schema import DamagedError, read_meta
from zerometer.agent.journal.stream_book import StreamBook
from zerometer.agent.journal.survey import Survey, is_ahead, survey
from zerometer.core.site import JournalSettings


@dataclass(slots=True)
class Opened:
    """The main file, what it says, and what was wrong."""

    main: MainFile
    book: Book
    contents: Contents
    notices: list[str]


def open_main(
    folder: Path, settings: JournalSettings, cursors: Cursors, wal_pages: int
) -> Opened:
    """Open the main file in *folder*, or make it.

    A damaged one is set aside, and a new one, with a new epoch, made of what can be
    read of it and of the streams' files. Raises JournalError, OSError or
    sqlite3.Error when the content is not at fault.
    """
    path, fresh = folder / MAIN, folder / FRESH
    if not path.exists() and _is_whole(fresh):
        fresh.rename(path)  # a cut came between the two names
    remove(fresh)
    if not stream_files(folder) and _is_nothing(path):
        _begin(folder)
    try:
        migrate(folder, settings)
        opened = _open(path, cursors, wal_pages)
        opened.main = _fitting(opened.main, settings.max_bytes, wal_pages)
        return opened
    except (sqlite3.Error, DamagedError) as error:
        if not is_damage(error):
            raise
        reason = str(error)
    notices = _rebuild(folder, reason)
    opened = _open(path, cursors, wal_pages)
    opened.notices[:0] = notices
    return opened


def _is_whole(fresh: Path) -> bool:
    """Tell whether a cut came after a main file was made anew, not before."""
    if any(fresh.with_name(fresh.name + suffix).exists() for suffix in COMPANIONS):
        return False
    with _readable(fresh) as connection, suppress(sqlite3.Error, DamagedError):
        return connection is not None and "epoch" in read_meta(connection)
    return False


def _is_nothing(path: Path) -> bool:
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def _begin(folder: Path) -> None:
    """Make a new journal, of a gateway that none knows yet."""
    meta = {"source": os.urandom(16), "epoch": new_epoch()}
    remove(folder / MAIN)
    replace_main(folder, Contents(meta=meta))


def new_epoch(after: bytes = b"") -> bytes:
    """Return the name of an epoch that never was, higher than that of one before.

    Of what two epochs say of a window, a receiver takes the higher one's.
    """
    name = int.from_bytes(after) + 1 + int.from_bytes(os.urandom(6))
    return name.to_bytes(8) if after and name < 1 << 64 else os.urandom(8)


def _open(path: Path, cursors: Cursors, wal_pages: int) -> Opened:
    if not path.exists():
        raise DamagedError("it is gone")
    main = MainFile(path, wal_pages=wal_pages)
    try:
        if "epoch" not in main.meta:
            raise DamagedError("its meta table lacks rows")
        contents = read_contents(main.connection)
        book = Book(main.meta["epoch"], cursors)
        book.load(contents.parts)
        if CURSORS in contents.parts:
            cursors.restore(contents.parts[CURSORS])
        if contents.parts.get(CURSORS) != cursors.pack():
            book.dirty.add(CURSORS)  # uplinks came or went
        for words in contents.damaged:
            if "stream:" in words or "cannot be read" in words:
                raise DamagedError(words)
        if is_ahead(path.parent, book):
            raise DamagedError("it lacks commits that its streams have")
    except BaseException:
        main.close()
        raise
    return Opened(main, book, contents, [f"journal: {w}" for w in contents.damaged])


def _fitting(main: MainFile, max_bytes: int, wal_pages: int) -> MainFile:
    """Return *main*, or a smaller file in its place if it is too large by far.

    Else all batches would have to make way for what is empty.
    """
    if not main.is_too_large(max_bytes):
        return main
    fresh = main.path.with_name(FRESH)
    try:
        write_main(fresh, main.contents(), main.connection)
        main.unwrap()
    except (sqlite3.Error, OSError):  # as on a full disk: at another start, then
        remove(fresh)
        return main
    main.close()
    fresh.replace(main.path)
    sync(main.path.parent)
    return MainFile(main.path, wal_pages=wal_pages)


def _rebuild(folder: Path, reason: str) -> list[str]:
    """Make the main file of what can be read, with a new epoch; return notices."""
    path = folder / MAIN
    found = survey(folder)
    with _readable(path) as old:
        contents = read_contents(old) if old is not None else Contents()
        epochs = [name for b in found.streams.values() for name, _ in b.bases]
        epoch = new_epoch(max([*epochs, contents.meta.get("epoch", b"")]))
        contents.segments = _still_open(contents, found)
        for book in found.streams.values():
            book.begin_epoch(epoch)
        known = msgpack.unpackb(contents.parts.get(NUMBER, b"\0"))
        number = msgpack.packb(max(known, found.number))
        kept = {"state", "cursors"}
        contents.parts = {n: d for n, d in contents.parts.items() if n in kept}
        contents.parts[NUMBER] = number
        contents.parts |= {f"stream:{n}": b.pack() for n, b in found.streams.items()}
        contents.meta = {
            **{n: v for n, v in contents.meta.items() if n == "hardware"},
            "source": contents.meta.get("source") or found.source or os.urandom(16),
            "epoch": epoch,
        }
        aside = replace_main(folder, contents, old)
    what = f"set aside as {aside.name}, " if aside else ""
    return [
        f"journal: {path}: not a healthy journal ({reason}); {what}"
        "a new one begun, with a new epoch",
        *found.notices,
    ]


def _still_open(contents: Contents, found: Survey) -> list[tuple[str, bytes]]:
    """Return the segments of streams that no batch was sealed of since."""
    sealed = set()
    for name, book in found.streams.items():
        with suppress(KeyError):
            known = StreamBook.unpack(contents.parts[f"stream:{name}"])
            if known.position < book.position:
                sealed.add(name)
    return [part for part in contents.segments if part[0] not in sealed]


@contextmanager
def _readable(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Lend a connection that only reads, if there is a file."""
    if not path.exists():
        yield None
        return
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, factory=Connection)
    except sqlite3.Error:
        yield None
        return
    with closing(connection):
        yield connection


def replace_main(
    folder: Path, contents: Contents, old: sqlite3.Connection | None = None
) -> Path | None:
    """Let a new main file take the place of another, which is set aside.

    A cut in between leaves one of the two. Returns where the other is now; None:
    there was none.
    """
    path, fresh = folder / MAIN, folder / FRESH
    remove(fresh)
    write_main(fresh, contents, old)
    sync(folder)
    if old is not None:
        with suppress(sqlite3.Error):
            old.close()
    aside = set_aside(path) if path.exists() else None
    remove(path)  # what SQLite kept beside one that is gone
    fresh.rename(path)
    sync(folder)
    return aside


def renew_main(main: MainFile, book: Book, wal_pages: int) -> tuple[MainFile, str]:
    """Make the main file anew, as the old one cannot be relied on any more.

    What can be read goes over; *book* becomes what that says, or the new file what
    *book* says. Returns the new file, and in words where the old one is. Raises
    sqlite3.Error or OSError when that cannot be done yet.
    """
    folder = main.path.parent
    if main.in_place:
        main.close()  # what a start would find is what holds
    with _readable(main.path) as found:
        old = found if found is not None else main.connection
        contents = read_contents(old)
        contents.meta = main.meta
        try:
            if contents.damaged or CURSORS not in contents.parts:
                raise DamagedError("parts are missing")
            book.load(contents.parts)
        except DamagedError:
            state = {n: d for n, d in contents.parts.items() if n == STATE}
            contents.parts = book.all_parts() | state
        contents.parts[CURSORS] = book.cursors.pack()
        aside = replace_main(folder, contents, old)
    main.close()
    words = f"set aside as {aside.name}" if aside else "gone"
    return MainFile(main.path, wal_pages=wal_pages), words
