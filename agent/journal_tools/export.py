"""Batches out of a journal, or out of files: as rows, or as they were sealed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zerometer.agent.batch import Header, decode, peek
from zerometer.agent.batch_files import read_files, split
from zerometer.agent.journal_tools.contents import reissued
from zerometer.agent.journal_tools.kept import is_journal
from zerometer.agent.journal_tools.tables import Row, Sheet
from zerometer.core.errors import FormatError, UsageError

#: Told of what is no batch: where it is, and what is wrong with it.
Tell = Callable[[str], None]


@dataclass(slots=True)
class Selection:
    """Which batches and rows: of *streams*, from *from_ms* to before *to_ms* (UTC).

    ``meter`` selects readings of a meter and events of a subject; "" takes all.
    """

    streams: tuple[str, ...]
    from_ms: int = 0
    to_ms: int = (1 << 63) - 1
    meter: str = ""
    damaged: int = field(default=0, init=False)

    def wants(self, header: Header) -> bool:
        """Tell whether a batch may have rows that are selected."""
        return (
            header.stream in self.streams
            and header.t1_ms >= self.from_ms
            and header.t0_ms < self.to_ms
        )

    def batches(self, path: Path, tell: Tell) -> Iterator[tuple[Header, bytes]]:
        """Yield the batches in *path* that are wanted; count what is no batch."""
        for name, data in read_files(str(path)):
            for start, part in split(data):
                try:
                    header = peek(part)
                except FormatError as error:
                    self.damaged += 1
                    tell(f"{name}: byte {start}: {error.code}: {error}; left out")
                    continue
                if self.wants(header):
                    yield header, part


def rows(path: Path, sheet: Sheet, chosen: Selection, tell: Tell) -> Iterator[Row]:
    """Yield the rows of *sheet* that are chosen, in the order of their batches.

    Of a batch that a journal had sealed anew only the later ones count.
    """
    again = reissued(path) if is_journal(path) else set()
    for header, data in chosen.batches(path, tell):
        if (header.stream, header.epoch, header.seq) in again:
            continue
        try:
            tables = decode(data).tables
        except FormatError as error:
            chosen.damaged += 1
            name = f"{path}: {header.stream}/{header.seq}"
            tell(f"{name}: {error.code}: {error}; left out")
            continue
        for table in filter(sheet.has, tables):
            for row in sheet.rows(table):
                timed = row[0] is None or chosen.from_ms <= row[0] < chosen.to_ms
                if timed and (not chosen.meter or row[sheet.subject] == chosen.meter):
                    yield row


def write_batches(path: Path, folder: Path, chosen: Selection, tell: Tell) -> int:
    """Write each batch that is chosen to a file in *folder*; return how many.

    UsageError when one cannot be written, or another one is there already.
    """
    count = 0
    for header, data in chosen.batches(path, tell):
        file = folder / f"{header.stream}-{header.epoch.hex()}-{header.seq:09d}.batch"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if file.exists() and file.read_bytes() != data:
                raise UsageError(f"{file}: is another batch: name an empty folder")
            file.write_bytes(data)
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}") from error
        count += 1
    return count
