"""The store of certificates, append-only, and of the loads that they are matched with.

One SQLite file in the site's state directory.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from zerometer.agent.state_file import StateFile, StateKind, kept
from zerometer.core.errors import ConfigError
from zerometer.core.matching import Certificate, Generation, overlapping

CERTIFICATES = StateKind(
    holds="certificates",
    name="certificates.sqlite",
    application_id=0x5A4D4345,  # "ZMCE"
    format=1,
    schema=(
        """
        CREATE TABLE certificate (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, source TEXT NOT NULL,
            start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,  -- Unix time, UTC
            quantity REAL NOT NULL,                    -- in the source's unit
            factor REAL NOT NULL,                      -- kg per that unit
            technology TEXT NOT NULL, registry TEXT NOT NULL, plant TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE generation (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            plant TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
            quantity REAL NOT NULL, UNIQUE (plant, start_ns)
        )
        """,
        *kept("certificate"),
        *kept("generation"),
        # What came in from each source, by quarter hour: the loads that are matched.
        """
        CREATE TABLE load (
            source TEXT NOT NULL, start_ns INTEGER NOT NULL, quantity REAL NOT NULL,
            PRIMARY KEY (source, start_ns)
        ) WITHOUT ROWID
        """,
    ),
)
_CERTIFICATE = (
    "id", "kind", "source", "start_ns", "end_ns", "quantity", "factor", "technology",
    "registry", "plant",
)  # fmt: skip
_GENERATION = ("plant", "start_ns", "end_ns", "quantity")


class CertificateStore:
    """The certificates of a site, in its state directory.

    All methods raise JournalError when the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        """Use the file in *folder*; both are made by the first import."""
        self._folder = folder
        self._path = folder / CERTIFICATES.name

    def add(
        self, certificates: Sequence[Certificate], generation: Sequence[Generation]
    ) -> int:
        """Add what is new, all or nothing; return how much that was.

        What is there already, the same in all its parts, is left alone. ConfigError
        when an id, or a time of a plant, is there with other content.
        """
        with self._open() as file, file.writing() as connection:
            known = {c.id: c for c in _certificates(connection)}
            made = _generation(connection)
            new_c = [c for c in certificates if known.get(c.id) != c]
            there = {plant: set(readings) for plant, readings in made.items()}
            new_g = [g for g in generation if g not in there.get(g.plant, ())]
            clashes = [f"certificate {c.id}" for c in new_c if c.id in known]
            clashes += [
                f"generation of {g.plant}"
                for g in new_g
                if overlapping(made.get(g.plant, ()), g)
            ]
            if clashes:
                raise ConfigError(
                    f"{self._path}: {', '.join(clashes[:3])}"
                    f"{' and others' if len(clashes) > 3 else ''}: there already, "
                    "with other content; what was imported stays as it is: give what "
                    "is new an id and a time of its own"
                )
            _insert(connection, "certificate", _CERTIFICATE, new_c)
            _insert(connection, "generation", _GENERATION, new_g)
            return len(new_c) + len(new_g)

    def certificates(self) -> list[Certificate]:
        """Return all certificates, in the order in which they came."""
        if not self._path.exists():
            return []
        with self._open() as file, file.reading() as connection:
            return _certificates(connection)

    def generation(self) -> dict[str, list[Generation]]:
        """Return the profiles of plants, in order of time."""
        if not self._path.exists():
            return {}
        with self._open() as file, file.reading() as connection:
            return _generation(connection)

    def book(self, loads: Sequence[tuple[str, int, float]]) -> None:
        """Keep loads (source, start of the quarter, quantity), each the last time."""
        with self._open() as file, file.writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO load VALUES (?, ?, ?)", loads
            )

    def loads(self, since_ns: int) -> dict[str, list[tuple[int, float]]]:
        """Return the loads of quarters from *since_ns* on, in order, by source."""
        found: dict[str, list[tuple[int, float]]] = {}
        with self._open() as file, file.reading() as connection:
            rows = connection.execute(
                "SELECT source, start_ns, quantity FROM load WHERE start_ns >= ? "
                "ORDER BY source, start_ns",
                (since_ns,),
            )
            for source, start_ns, quantity in rows:
                found.setdefault(source, []).append((start_ns, quantity))
        return found

    def revision(self) -> int:
        """Return how much there is; it grows with each import that brings news."""
        if not self._path.exists():
            return 0
        with self._open() as file, file.reading() as connection:
            query = "SELECT ifnull(sum(seq), 0) FROM sqlite_sequence"
            return int(connection.execute(query).fetchone()[0])

    @contextmanager
    def _open(self) -> Iterator[StateFile]:
        with closing(StateFile(CERTIFICATES, self._folder)) as file:
            yield file


def _certificates(connection: sqlite3.Connection) -> list[Certificate]:
    rows = connection.execute(
        f"SELECT {', '.join(_CERTIFICATE)} FROM certificate ORDER BY n"
    )
    return [Certificate(**dict(zip(_CERTIFICATE, row, strict=True))) for row in rows]


def _generation(connection: sqlite3.Connection) -> dict[str, list[Generation]]:
    made: dict[str, list[Generation]] = {}
    for row in connection.execute(
        f"SELECT {', '.join(_GENERATION)} FROM generation ORDER BY plant, start_ns"
    ):
        reading = Generation(**dict(zip(_GENERATION, row, strict=True)))
        made.setdefault(reading.plant, []).append(reading)
    return made


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    new: Sequence[Certificate] | Sequence[Generation],
) -> None:
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"VALUES ({', '.join('?' * len(columns))})",
        [[getattr(one, column) for column in columns] for one in new],
    )
