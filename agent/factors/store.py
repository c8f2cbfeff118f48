"""All that was ever said of the site's factors, and when we learnt of it.

Two times are kept of each row: the one it is about, and the one at which we knew.
What was known at any moment can be asked for: nothing is changed or deleted.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from zerometer.agent.factors.table import Bad
from zerometer.agent.state_file import DamagedStateError, StateFile, StateKind, kept
from zerometer.core.factor import BASES, METHODS, STATUSES, FactorRow, fault_of
from zerometer.core.iso_time import format_time

#: The newest of what was set aside is kept.
KEPT_ASIDE = 1000
#: Of what was set aside, so much is kept.
MAX_TEXT = 500

FACTORS = StateKind(
    holds="factors",
    name="factors.sqlite",
    application_id=0x5A4D4641,  # "ZMFA"
    format=1,
    schema=(
        """
        CREATE TABLE factor (
            revision INTEGER PRIMARY KEY AUTOINCREMENT,
            series TEXT NOT NULL, t0_ns INTEGER NOT NULL, t1_ns INTEGER NOT NULL,
            value REAL NOT NULL, unit TEXT NOT NULL, method TEXT NOT NULL,
            basis TEXT NOT NULL, status TEXT NOT NULL, provider TEXT NOT NULL,
            published_ns INTEGER NOT NULL, fetched_ns INTEGER NOT NULL
        )
        """,
        "CREATE INDEX factor_time ON factor (series, t0_ns)",
        """
        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY AUTOINCREMENT, fetched_ns INTEGER NOT NULL,
            place TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL
        )
        """,
        *kept("factor"),
    ),
)

_COLUMNS = tuple(field.name for field in fields(FactorRow))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM factor"
_INSERT = (
    f"INSERT INTO factor ({', '.join(_COLUMNS[:-1])}) "
    f"VALUES ({', '.join('?' * (len(_COLUMNS) - 1))})"
)
#: Rows that differ in nothing but what they say, and when.
_ALIKE = (
    "FROM factor WHERE series = ? AND t0_ns = ? AND t1_ns = ? AND status = ?"
    " AND method = ? AND provider = ?"
)


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is of a series; *provider* is that of its newest row."""

    series: str
    rows: int
    t0_ns: int
    t1_ns: int
    unit: str
    provider: str
    fetched_ns: int


class FactorStore:
    """Factor rows in a file; used by one thread."""

    def __init__(self, folder: Path) -> None:
        """Open the file in *folder*, or make it, and the folder.

        One that is damaged is moved aside, which ``notice`` tells: what it held can be
        had again from where it came. JournalError when it cannot be opened.
        """
        self.notice = ""
        try:
            self._file = StateFile(FACTORS, folder)
        except DamagedStateError as error:
            path = folder / FACTORS.name
            aside = path.with_suffix(".damaged")
            for end in ("-wal", "-shm"):
                Path(f"{path}{end}").unlink(missing_ok=True)
            path.replace(aside)
            self._file = StateFile(FACTORS, folder)
            self.notice = f"{error}; it is {aside.name} now, and a new one was begun"
        self.path = self._file.path

    def __enter__(self) -> "FactorStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def add(self, rows: Iterable[FactorRow]) -> tuple[list[FactorRow], list[Bad]]:
        """Append what is news of *rows*, all together; return it with its revisions.

        What says nothing new is passed over. What cannot be used is set aside, and
        returned as well. JournalError when nothing could be written.
        """
        last = {_identity(row): row for row in rows}
        news: list[FactorRow] = []
        bad: list[Bad] = []
        with self._file.writing() as connection:
            for row in last.values():
                if fault := fault_of(row) or _misfit(connection, row):
                    where = f"{row.series} at {format_time(row.t0_ns)}"
                    bad.append(Bad(where, str(row), fault))
                elif _is_news(connection, row):
                    news.append(_append(connection, row))
            fetched_ns = max((row.fetched_ns for row in last.values()), default=0)
            _set_aside(connection, bad, fetched_ns)
        return news, bad

    def set_aside(self, bad: Sequence[Bad], fetched_ns: int) -> None:
        """Keep what cannot be used, with the reason."""
        if bad:
            with self._file.writing() as connection:
                _set_aside(connection, bad, fetched_ns)

    def after(
        self, revision: int, since_ns: int = 0, limit: int = -1
    ) -> list[FactorRow]:
        """Return the first rows of higher revisions about times after *since_ns*."""
        return list(
            self._rows(
                "revision > ? AND t1_ns > ? ORDER BY revision LIMIT ?",
                revision,
                since_ns,
                limit,
            )
        )

    def rows(self, series: str, as_of_ns: int | None = None) -> Iterator[FactorRow]:
        """Yield the rows of *series*: all, or what was known at *as_of_ns*."""
        if as_of_ns is None:
            return self._rows("series = ? ORDER BY revision", series)
        return self._rows(
            "series = ? AND fetched_ns <= ? ORDER BY revision", series, as_of_ns
        )

    def last_revision(self) -> int:
        """Return the highest revision; 0 when there is none."""
        with self._file.reading() as connection:
            query = "SELECT max(revision) FROM factor"
            return connection.execute(query).fetchone()[0] or 0

    def overview(self) -> list[Overview]:
        """Return what there is of each series, by name."""
        # SQLite takes the bare columns from the row of the maximum.
        query = (
            "SELECT series, count(*), min(t0_ns), max(t1_ns), unit, provider,"
            " max(fetched_ns) FROM factor GROUP BY series ORDER BY series"
        )
        with self._file.reading() as connection:
            return [Overview(*row) for row in connection.execute(query)]

    def quarantine(self) -> list[tuple[int, Bad]]:
        """Return what was set aside and when, the newest first."""
        query = (
            "SELECT fetched_ns, place, text, reason FROM quarantine ORDER BY id DESC"
        )
        with self._file.reading() as connection:
            found = connection.execute(query).fetchall()
        return [(fetched_ns, Bad(*said)) for fetched_ns, *said in found]

    def _rows(self, condition: str, *values: Any) -> Iterator[FactorRow]:
        """Yield rows; one that a damaged file garbled is passed over."""
        with self._file.reading() as connection:
            found = connection.execute(f"{_SELECT} WHERE {condition}", values)
            for cells in found:
                row = FactorRow(**dict(zip(_COLUMNS, cells, strict=True)))
                if _is_whole(row):
                    yield row


def _misfit(connection: sqlite3.Connection, row: FactorRow) -> str:
    """Return why *row* cannot be of its series, whose first row sets the rule."""
    query = "SELECT unit, basis FROM factor WHERE series = ? LIMIT 1"
    found = connection.execute(query, (row.series,)).fetchone()
    if found in (None, (row.unit, row.basis)):
        return ""
    unit, basis = found
    return (
        f"unit and basis: {row.unit}, {row.basis}, but {row.series} is in {unit},"
        f" {basis}; another series needs another name"
    )


def _is_news(connection: sqlite3.Connection, row: FactorRow) -> bool:
    """Whether *row* differs from the last that was said in the same publication.

    One that does not tell when it was published, and so has the time at which it
    was fetched, is compared with the newest.
    """
    alike, stated = _identity(row)[:-1], row.published_ns != row.fetched_ns
    newest = connection.execute(
        f"SELECT value {_ALIKE} {'AND published_ns = ?' * stated} "
        "ORDER BY published_ns DESC, fetched_ns DESC, revision DESC LIMIT 1",
        (*alike, row.published_ns) if stated else alike,
    ).fetchone()
    return bool(newest != (row.value,))


def _append(connection: sqlite3.Connection, row: FactorRow) -> FactorRow:
    values = astuple(row)[:-1]
    cursor = connection.execute(_INSERT, values)
    return FactorRow(**dict(zip(_COLUMNS, (*values, cursor.lastrowid), strict=True)))


def _set_aside(
    connection: sqlite3.Connection, bad: Sequence[Bad], fetched_ns: int
) -> None:
    """Keep what is not kept yet; the oldest gives way."""
    for said in bad:
        values = (said.where[:MAX_TEXT], said.text[:MAX_TEXT], said.reason)
        connection.execute(
            "DELETE FROM quarantine WHERE place = ? AND text = ? AND reason = ?",
            values,
        )
        connection.execute(
            "INSERT INTO quarantine (fetched_ns, place, text, reason)"
            " VALUES (?, ?, ?, ?)",
            (fetched_ns, *values),
        )
    connection.execute(
        "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?",
        (KEPT_ASIDE,),
    )


def _identity(row: FactorRow) -> tuple[str, int, int, str, str, str, int]:
    """Return what two rows share that differ in their value only."""
    return (
        row.series, row.t0_ns, row.t1_ns, row.status, row.method, row.provider,
        row.published_ns,
    )  # fmt: skip


def _is_whole(row: FactorRow) -> bool:
    return (
        isinstance(row.value, float)
        and all(isinstance(time, int) for time in (row.t0_ns, row.t1_ns))
        and row.status in STATUSES
        and row.method in METHODS
        and row.basis in BASES
        and not fault_of(row)
    )
