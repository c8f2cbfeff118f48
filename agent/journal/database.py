"""SQLite files as the journal needs them: their settings and their transactions.

The settings were chosen by simulated power cuts on memory cards. With WAL and
FULL no acknowledged commit was lost; NORMAL lost some in most cuts. ``psow=0``
matters where a card garbles neighbouring bytes of a write that power interrupts:
SQLite then keeps commits on separate sectors.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zerometer.agent.journal.schema import DamagedError
from zerometer.core.errors import JournalError

PAGE_SIZE = 4096
#: What SQLite keeps beside a database, by the end of its name.
COMPANIONS = ("-wal", "-shm", "-journal")

# Set to what they must be, and asked back: SQLite ignores what it cannot do.
_SETTINGS = {
    "page_size": PAGE_SIZE,
    "auto_vacuum": 0,
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "secure_delete": 0,  # Debian ships it on: it doubles what eviction writes
    "temp_store": 2,  # memory
}

# After these, Linux may take pages for clean that never reached the disk: no later
# commit to this file proves anything.
_SYNC_FAULTS = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}

_READ_FAULTS = {
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
}


class Connection(sqlite3.Connection):
    """A connection that says with an sqlite3.Error that a schema is garbled.

    SQLite quotes it; where that is no text, Python fails to read the message.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run one statement."""
        try:
            return super().execute(sql, parameters)
        except UnicodeDecodeError as error:
            raise sqlite3.DatabaseError("malformed database schema") from error


def connect(
    path: Path, *, wal_pages: int = 1000, cache_kib: int = 512
) -> sqlite3.Connection:
    """Open the file at *path*, or make an empty one, to be written by one connection.

    What is committed goes from the WAL into the file after *wal_pages*; with 0 there
    is no WAL. Raises DamagedError or sqlite3.Error; JournalError when a setting does
    not hold.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?psow=0",
        uri=True,
        isolation_level=None,
        factory=Connection,
    )
    settings = _SETTINGS | {
        "cache_size": -cache_kib,
        "journal_size_limit": wal_pages * PAGE_SIZE,
        "wal_autocheckpoint": wal_pages,
    }
    if not wal_pages:
        settings["journal_mode"] = "delete"
    try:
        _configure(connection, settings)
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection, settings: dict[str, object]) -> None:
    for name, value in settings.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        (held,) = connection.execute(f"PRAGMA {name}").fetchone()
        if held != value and name == "journal_mode":
            raise JournalError(
                f"journal: {name} is {held}, must be {value}: the file system "
                "cannot hold a journal"
            )
        if held != value:
            raise DamagedError(f"{name} is {held}, must be {value}")


def is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether there is no table."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not tables


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


def is_sync_fault(error: Exception) -> bool:
    """Tell whether a flush to the disk failed."""
    return getattr(error, "sqlite_errorcode", None) in _SYNC_FAULTS


def is_want_of_room(error: Exception) -> bool:
    """Tell whether a write failed, as it does on a full disk, and nothing else."""
    code = getattr(error, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)


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
