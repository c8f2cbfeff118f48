"""The SQLite file of factor rows: what stands in it stays."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from zerometer.core.errors import JournalError

NAME = "factors.sqlite"
#: "ZMFA": tells it from other SQLite files.
APPLICATION_ID = 0x5A4D4641
FORMAT = 1
#: How long another writer is waited for: the agent, or ``factors import``.
BUSY_TIMEOUT_S = 30.0

_SCHEMA = """
CREATE TABLE factor (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    series TEXT NOT NULL, t0_ns INTEGER NOT NULL, t1_ns INTEGER NOT NULL,
    value REAL NOT NULL, unit TEXT NOT NULL, method TEXT NOT NULL,
    basis TEXT NOT NULL, status TEXT NOT NULL, provider TEXT NOT NULL,
    published_ns INTEGER NOT NULL, fetched_ns INTEGER NOT NULL
);
CREATE INDEX factor_time ON factor (series, t0_ns);
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, fetched_ns INTEGER NOT NULL,
    place TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TRIGGER factor_is_not_changed BEFORE UPDATE ON factor
    BEGIN SELECT RAISE(ABORT, 'rows of factors stay as they are'); END;
CREATE TRIGGER factor_is_not_deleted BEFORE DELETE ON factor
    BEGIN SELECT RAISE(ABORT, 'rows of factors stay as they are'); END
"""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class DamagedError(Exception):
    """The file is not what it should be."""


def connect(path: Path) -> sqlite3.Connection:
    """Open or create the file at *path*.

    DamagedError when it cannot be read as one of ours, JournalError when a later
    version wrote it or it cannot be opened.
    """
    # Without psow=0 a torn write can damage pages that were committed before.
    uri = f"file:{quote(str(path.absolute()))}?psow=0"
    with told(path):
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
        )
        try:
            _prepare(connection, path)
        except sqlite3.DatabaseError as error:
            connection.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
                raise DamagedError(f"{path}: {error}") from error
            raise
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Raise what SQLite raises within as a JournalError."""
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"factors: {path}: {error}") from error


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


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = OFF")
    with transaction(connection):
        _check(connection, path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables in an empty file; refuse any but ours."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (format_,) = connection.execute("PRAGMA user_version").fetchone()
    if not tables:
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    elif application != APPLICATION_ID:
        raise DamagedError(f"{path}: belongs to another application")
    elif format_ != FORMAT:
        raise JournalError(
            f"factors: {path}: format {format_}; this version reads {FORMAT}: "
            "install the version that wrote it"
        )
