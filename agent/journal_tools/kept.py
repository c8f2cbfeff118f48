"""The batches of a journal, row by row, of this format and the one before."""

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from zerometer.agent.journal.folder import MAIN, stream_files, stream_path
from zerometer.agent.journal.schema import checksum
from zerometer.agent.journal.stream_file import READ_COLUMNS
from zerometer.agent.journal_tools.read_only import reading
from zerometer.core.errors import JournalError, UsageError

_ROWS = f"SELECT {READ_COLUMNS}, crc FROM batch WHERE position <= ? ORDER BY position"
#: One file for everything, as version 0.1 had it.
_ROWS_OF_0_1 = (
    "SELECT stream, id, seq, t0_ms, t1_ms, samples, data, crc FROM batch ORDER BY id"
)
_NO_END = (1 << 63) - 1

#: Told in words of a file that cannot be read.
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch as it stands in a file of a journal.

    ``position`` counts the batches of its ``stream``, ``ordinal`` those of all.
    ``intact`` says whether the row is as it was written.
    """

    file: Path
    stream: str
    position: int
    ordinal: int
    epoch: bytes
    seq: int
    t0_ms: int
    t1_ms: int
    data: bytes
    intact: bool

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return f"{self.file}: {self.stream}/{self.seq}"


def is_journal(path: Path) -> bool:
    """Tell whether *path* is the folder of a journal."""
    return path.is_dir() and (path / MAIN).exists()


def kept_batches(
    folder: Path, ends: Mapping[str, int], tell: Tell | None = None
) -> Iterator[Kept]:
    """Yield the batches in the journal at *folder*, in the order of their sealing.

    *ends* has the last position of each stream: what stands after it belongs to a
    commit that did not end. Files that an agent evicts meanwhile are left out, and
    so is what cannot be read, if there is someone to tell; else that raises
    JournalError.
    """
    with reading(folder / MAIN) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if "batch" in names:
            yield from _rows_of_0_1(folder / MAIN, connection)
            return
    yield from heapq.merge(
        *(_stream(folder, stream, end, tell) for stream, end in ends.items()),
        key=lambda kept: kept.ordinal,
    )


def batches_of_file(file: Path) -> Iterator[Kept]:
    """Yield the batches of one file of a journal."""
    with reading(file) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(batch)")}
        if "id" in columns and "stream" in columns:
            yield from _rows_of_0_1(file, connection)
        elif "position" in columns:
            stream = file.name.rpartition("-")[0]
            yield from _rows(file, stream, connection, _NO_END)
        else:
            raise UsageError(f"{file}: not a readable journal: it has no batches")


def _stream(folder: Path, stream: str, end: int, tell: Tell | None) -> Iterator[Kept]:
    for name, number in stream_files(folder):
        if name != stream:
            continue
        file = stream_path(folder, stream, number)
        if not file.exists():
            continue
        try:
            with reading(file) as connection:
                yield from _rows(file, stream, connection, end)
        except JournalError as error:
            if tell is None:
                raise
            tell(str(error))


def _rows(
    file: Path, stream: str, connection: sqlite3.Connection, end: int
) -> Iterator[Kept]:
    last = 0
    with closing(connection.execute(_ROWS, (end,))) as found:
        for *fields, crc in found:
            position, ordinal, epoch, seq, t0_ms, t1_ms, _, data = fields
            last = max(last, _number(ordinal))
            yield Kept(
                file, stream, position, last, _bytes(epoch), _number(seq),
                _number(t0_ms), _number(t1_ms), _bytes(data), checksum(*fields) == crc,
            )  # fmt: skip


def _number(value: object) -> int:
    """Return a damaged row's number as one."""
    return value if isinstance(value, int) else 0


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _rows_of_0_1(file: Path, connection: sqlite3.Connection) -> Iterator[Kept]:
    epoch = b""
    with suppress(sqlite3.Error, TypeError):
        query = "SELECT value FROM meta WHERE name = 'epoch'"
        (epoch,) = connection.execute(query).fetchone()
    with closing(connection.execute(_ROWS_OF_0_1)) as found:
        for stream, ordinal, seq, t0_ms, t1_ms, samples, data, crc in found:
            yield Kept(
                file, str(stream), _number(seq), ordinal, epoch, _number(seq),
                _number(t0_ms), _number(t1_ms), _bytes(data),
                checksum(stream, seq, samples, data) == crc,
            )  # fmt: skip
