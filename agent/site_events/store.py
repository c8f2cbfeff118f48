"""The events of a site, append-only, in a file beside its journal.

The file is shared: the agent follows it, and whoever adds an event writes to it,
whether an agent runs or not.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path

from zerometer.core.errors import JournalError
from zerometer.core.event import SiteEvent

NAME = "events.sqlite"
FORMAT = 1
#: How long to wait for another who writes.
BUSY_S = 5.0

_COLUMNS = tuple(field.name for field in fields(SiteEvent))
_SCHEMA = f"""
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE,
    added_ns INTEGER NOT NULL, {", ".join(_COLUMNS)}
);
CREATE TRIGGER kept BEFORE DELETE ON event BEGIN
    SELECT RAISE(ABORT, 'events are never deleted');
END;
CREATE TRIGGER unchanged BEFORE UPDATE ON event BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;
PRAGMA user_version = {FORMAT};
"""


class EventStore:
    """The open file; each thread has its own.

    JournalError when it cannot be opened, read or written, or when a later version
    made it.
    """

    def __init__(self, folder: Path) -> None:
        """Open the file in *folder*; both are made where they are missing."""
        self._path = folder / NAME
        self._seen = -1
        with self._told():
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?psow=0",
                uri=True,
                timeout=BUSY_S,
                isolation_level=None,
            )
        try:
            with self._told():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = wal")
        self._connection.execute("PRAGMA synchronous = FULL")
        with self._transaction():
            version = self._version()
            if version == 0:
                for statement in _statements(_SCHEMA):
                    self._connection.execute(statement)
        if version > FORMAT:
            raise JournalError(
                f"events: {self._path}: has format {version}; this version reads "
                f"{FORMAT}: install the version that wrote it"
            )

    def _version(self) -> int:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        return int(version)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, events: Sequence[SiteEvent], added_ns: int) -> list[int | None]:
        """Add events, all or none; return their numbers, None for one that was there.

        An event is there when another says the same in every field. When this
        returns, they are on the disk.
        """
        marks = ", ".join("?" * (len(_COLUMNS) + 2))
        names = ", ".join(("digest", "added_ns", *_COLUMNS))
        numbers: list[int | None] = []
        with self._told(), self._transaction():
            for event in events:
                digest = _digest(event)
                if self._holds(digest):
                    numbers.append(None)
                    continue
                cursor = self._connection.execute(
                    f"INSERT INTO event ({names}) VALUES ({marks})",
                    (digest, added_ns, *astuple(event)),
                )
                numbers.append(cursor.lastrowid)
        return numbers

    def _holds(self, digest: str) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM event WHERE digest = ?", (digest,)
        )
        return found.fetchone() is not None

    def after(self, number: int) -> list[tuple[int, SiteEvent]]:
        """Return the events that were added after the one of *number* (0: all)."""
        with self._told():
            rows = self._connection.execute(
                f"SELECT number, {', '.join(_COLUMNS)} FROM event "
                "WHERE number > ? ORDER BY number",
                (number,),
            ).fetchall()
        return [(row[0], _event(row[1:])) for row in rows]

    def changed(self) -> bool:
        """Whether somebody else has added since this was asked last; cheap."""
        with self._told():
            (found,) = self._connection.execute("PRAGMA data_version").fetchone()
        before, self._seen = self._seen, int(found)
        return self._seen != before

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"events: {self._path}: {error}") from error


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script, to be run in one transaction."""
    statement = ""
    for line in script.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _digest(event: SiteEvent) -> str:
    said = json.dumps(astuple(event), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def _event(row: Sequence[object]) -> SiteEvent:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["permanent"] = bool(values["permanent"])
    return SiteEvent(**values)  # type: ignore[arg-type]
