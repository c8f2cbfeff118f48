"""SQLite files read without being changed, while another process may write them."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from zerometer.core.errors import JournalError

MAGIC = b"SQLite format 3\0"


def is_sqlite(path: Path) -> bool:
    """Tell whether *path* is an SQLite file; OSError when it cannot be read."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection that reads *path*; JournalError when that cannot be.

    What its WAL holds belongs to it. Where SQLite cannot put its index of the WAL, as
    on a medium that is mounted read-only, a copy is read.
    """
    with ExitStack() as stack:
        try:
            try:
                connection = _open(path)
            except sqlite3.OperationalError:
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                connection = _open(_copy(path, Path(folder)))
            stack.enter_context(closing(connection))
            yield connection
        except sqlite3.Error as error:
            raise JournalError(f"journal: {path}: cannot be read: {error}") from error
        except OSError as error:
            raise JournalError(f"journal: {path}: {error.strerror}") from error


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _copy(path: Path, folder: Path) -> Path:
    for suffix in ("", "-wal"):
        part = path.with_name(path.name + suffix)
        if part.exists() or not suffix:
            shutil.copyfile(part, folder / part.name)
    return folder / path.name
