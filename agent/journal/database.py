"""The journal's SQLite file: its settings and its transactions.

The settings were chosen by simulated power cuts on memory cards. With WAL and
FULL no acknowledged commit was lost; NORMAL lost some in most cuts. ``psow=0``
matters where a card garbles neighbouring bytes of a write that power interrupts:
SQLite then keeps commits on separate sectors.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zerometer.agent.journal.schema import DamagedError, create, read_meta
from zerometer.core.errors import JournalError

PAGE_SIZE = 4096

# Set to what they must be, and asked back: SQLite ignores what it cannot do.
_SETTINGS = {
    "page_size": PAGE_SIZE,
    "auto_vacuum": 0,
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "secure_delete": 0,  # Debian ships it on: it doubles what eviction writes
    "cache_size": -512,  # KiB
    "journal_size_limit": 1 << 22,  # of the WAL file, once it was larger
    "temp_store": 2,  # memory
}

_READ_FAULTS = {
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
}


def connect(path: Path) -> tuple[sqlite3.Connection, dict[str, bytes]]:
    """Open the journal file at *path*, or make it; return it with its meta values.

    Raises DamagedError or sqlite3.Error; JournalError when a later version wrote
    it, or a setting does not hold.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?psow=0", uri=True, isolation_level=None
    )
    try:
        _configure(connection)
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            with transaction(connection):
                create(connection)
        return connection, read_meta(connection)
    except BaseException:
        connection.close()
        raise


def is_damage(error: Exception) -> bool:
    """Tell whether *error* is the fault of what the file holds."""
    if isinstance(error, DamagedError):
        return True
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code in _READ_FAULTS or code & 0xFF in {
        sqlite3.SQLITE_ERROR,  # no such table or column
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done within, or roll it back when anything is raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes in use in the file; what eviction freed does not count."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages - free) * PAGE_SIZE


def _configure(connection: sqlite3.Connection) -> None:
    for name, value in _SETTINGS.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        (held,) = connection.execute(f"PRAGMA {name}").fetchone()
        if held != value and name == "journal_mode":
            raise JournalError(
                f"journal: {name} is {held}, must be {value}: the file system "
                "cannot hold a journal"
            )
        if held != value:
            raise DamagedError(f"{name} is {held}, must be {value}")
