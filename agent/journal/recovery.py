"""Opening the journal file, whatever it holds."""

import itertools
import os
import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from zerometer.agent.journal.database import is_damage
from zerometer.agent.journal.schema import DamagedError, read_meta
from zerometer.agent.journal.store import Store


def open_store(path: Path, *, max_bytes: int, uplinks: Collection[str] | None) -> Store:
    """Open the journal at *path*; set a damaged one aside and begin a new one.

    The new one has a new epoch, the same gateway if that could be read, and a
    notice. Raises JournalError or sqlite3.Error when the content is not at fault.
    """
    try:
        return Store(path, max_bytes=max_bytes, uplinks=uplinks)
    except (sqlite3.Error, DamagedError) as error:
        if not is_damage(error):
            raise
        reason = str(error)
    source = _salvage_source(path)
    aside = _set_aside(path)
    store = Store(path, max_bytes=max_bytes, uplinks=uplinks, source=source)
    store.notices.append(
        f"journal: {path}: not a healthy journal ({reason}); set aside as "
        f"{aside.name}, a new one begun"
    )
    return store


def _salvage_source(path: Path) -> bytes | None:
    """Return the gateway's UUID from a damaged journal, if it can be read."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with (
        suppress(sqlite3.Error, DamagedError),
        closing(sqlite3.connect(uri, uri=True)) as connection,
    ):
        return read_meta(connection)["source"]
    return None


def _set_aside(path: Path) -> Path:
    """Rename the file, and its WAL with it; return the new path."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    bad = f"{path.name}.bad-{now}"
    # A clock may stand still or run back: never onto a file that is there.
    names = itertools.chain([bad], (f"{bad}.{n}" for n in itertools.count(2)))
    aside = next(p for p in map(path.with_name, names) if not p.exists())
    for suffix in ("-shm", "-wal", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return aside
