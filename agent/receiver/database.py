"""Opens the receiver's SQLite file so that what is committed survives a power cut."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from zerometer.agent.receiver.errors import StoreError
from zerometer.agent.receiver.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION

#: How long another writer, for example a backup, is waited for.
BUSY_TIMEOUT_S = 5.0


def open_database(path: Path) -> sqlite3.Connection:
    """Open or create the database; StoreError when it is not one of ours."""
    # Without psow=0 a torn 4 KB write can damage pages that were committed before.
    uri = f"file:{quote(str(path.absolute()))}?psow=0"
    try:
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
        )
    except sqlite3.Error as error:
        raise StoreError(f"receiver: {path}: {error}") from error
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"receiver: {path}: {error}") from error
    except StoreError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # SQLite answers with the mode that holds; it does not fail.
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"receiver: {path}: journal mode is {mode}, expected wal")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        _check_schema(connection, path)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Create the schema in an empty file; refuse any but ours."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not tables:
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif application != APPLICATION_ID:
        raise StoreError(f"receiver: {path}: belongs to another application")
    elif version != SCHEMA_VERSION:
        raise StoreError(
            f"receiver: {path}: schema version is {version}, known is {SCHEMA_VERSION}"
        )
