"""SQLite files beside the journal: what a site was told, one file for each matter.

What stands in them stays; what was told differently is another row. Commands, the
agent and its threads open them at the same time, each for itself.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zerometer.agent.journal.database import transaction
from zerometer.core.errors import JournalError

#: How long another writer is waited for.
BUSY_TIMEOUT_S = 30.0

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class DamagedStateError(JournalError):
    """A file beside the journal is damaged, or another application's."""


@dataclass(frozen=True, slots=True)
class StateKind:
    """What a file holds, the word with which its errors begin, and its name.

    ``application_id`` tells it from other SQLite files; ``format`` is raised when an
    earlier version could not read it; ``schema`` is a statement each.
    """

    holds: str
    name: str
    application_id: int
    format: int
    schema: tuple[str, ...]


def kept(table: str) -> tuple[str, str]:
    """Return statements that let rows of *table* be added only."""
    return (
        f"CREATE TRIGGER {table}_is_not_changed BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'rows of {table} stay as they are'); END",
        f"CREATE TRIGGER {table}_is_not_deleted BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'rows of {table} stay as they are'); END",
    )


class StateFile:
    """An open file, for one thread. All methods raise JournalError when it fails."""

    def __init__(self, kind: StateKind, folder: Path) -> None:
        """Open the file in *folder*; both are made where they are missing.

        DamagedStateError when it is none of its kind.
        """
        self._kind = kind
        self.path = folder / kind.name
        with self._told():
            folder.mkdir(parents=True, exist_ok=True)
            # Without psow=0 a torn write can damage pages that were committed before.
            self._connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?psow=0",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
            )
        try:
            with self._told():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection."""
        with self._told():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for one transaction; on the disk when this ends."""
        with self._told(), transaction(self._connection):
            yield self._connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raise what fails within as a JournalError that names the file."""
        try:
            yield
        except OSError as error:
            raise self._error(error.strerror or str(error)) from error
        except sqlite3.Error as error:
            damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
            raise self._error(str(error), damaged=damaged) from error

    def _error(self, text: str, *, damaged: bool = False) -> JournalError:
        made = DamagedStateError if damaged else JournalError
        return made(f"{self._kind.holds}: {self.path}: {text}")

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
        self._connection.execute("PRAGMA synchronous = FULL")
        # Debian ships it on: it writes zeros over what is freed.
        self._connection.execute("PRAGMA secure_delete = OFF")
        if not self._tables():
            with transaction(self._connection):
                if not self._tables():  # nobody was faster
                    self._create()
        application, format_ = self._read("application_id"), self._read("user_version")
        if application != self._kind.application_id:
            raise self._error("belongs to another application", damaged=True)
        if format_ != self._kind.format:
            raise self._error(
                f"format {format_}; this version reads {self._kind.format}: install "
                "the version that wrote it"
            )

    def _tables(self) -> int:
        (tables,) = self._connection.execute(
            "SELECT count(*) FROM sqlite_master"
        ).fetchone()
        return int(tables)

    def _read(self, pragma: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {pragma}").fetchone()
        return int(value)

    def _create(self) -> None:
        for statement in self._kind.schema:
            self._connection.execute(statement)
        pragma = f"PRAGMA application_id = {self._kind.application_id}"
        self._connection.execute(pragma)
        self._connection.execute(f"PRAGMA user_version = {self._kind.format}")
