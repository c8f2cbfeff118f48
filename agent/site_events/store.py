"""The events of a site, append-only, in a file beside its journal.

The file is shared: the agent follows it, and whoever adds an event writes to it,
whether an agent runs or not.
"""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from zerometer.agent.state_file import StateFile, StateKind, kept
from zerometer.core.event import SiteEvent

_COLUMNS = tuple(field.name for field in fields(SiteEvent))
EVENTS = StateKind(
    holds="events",
    name="events.sqlite",
    application_id=0x5A4D4556,  # "ZMEV"
    format=1,
    schema=(
        "CREATE TABLE event (number INTEGER PRIMARY KEY AUTOINCREMENT, "
        "digest TEXT NOT NULL UNIQUE, added_ns INTEGER NOT NULL, "
        f"{', '.join(_COLUMNS)})",
        *kept("event"),
    ),
)


class EventStore:
    """The open file; each thread has its own.

    JournalError when it cannot be opened, read or written, or when a later version
    made it.
    """

    def __init__(self, folder: Path) -> None:
        """Open the file in *folder*; both are made where they are missing."""
        self._file = StateFile(EVENTS, folder)
        self._seen = -1

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, events: Sequence[SiteEvent], added_ns: int) -> list[int | None]:
        """Add events, all or none; return their numbers, None for one that was there.

        An event is there when another says the same in every field. When this
        returns, they are on the disk.
        """
        marks = ", ".join("?" * (len(_COLUMNS) + 2))
        names = ", ".join(("digest", "added_ns", *_COLUMNS))
        numbers: list[int | None] = []
        with self._file.writing() as connection:
            for event in events:
                digest = _digest(event)
                if _holds(connection, digest):
                    numbers.append(None)
                    continue
                cursor = connection.execute(
                    f"INSERT INTO event ({names}) VALUES ({marks})",
                    (digest, added_ns, *astuple(event)),
                )
                numbers.append(cursor.lastrowid)
        return numbers

    def after(self, number: int) -> list[tuple[int, SiteEvent]]:
        """Return the events that were added after the one of *number* (0: all)."""
        with self._file.reading() as connection:
            rows = connection.execute(
                f"SELECT number, {', '.join(_COLUMNS)} FROM event "
                "WHERE number > ? ORDER BY number",
                (number,),
            ).fetchall()
        return [(row[0], _event(row[1:])) for row in rows]

    def changed(self) -> bool:
        """Whether somebody else has added since this was asked last; cheap."""
        with self._file.reading() as connection:
            (found,) = connection.execute("PRAGMA data_version").fetchone()
        before, self._seen = self._seen, int(found)
        return self._seen != before


def _holds(connection: sqlite3.Connection, digest: str) -> bool:
    found = connection.execute("SELECT 1 FROM event WHERE digest = ?", (digest,))
    return found.fetchone() is not None


def _digest(event: SiteEvent) -> str:
    said = json.dumps(astuple(event), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def _event(row: Sequence[object]) -> SiteEvent:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["permanent"] = bool(values["permanent"])
    return SiteEvent(**values)  # type: ignore[arg-type]
