"""Rows of CSV files that people write: UTF-8, the names of columns, then the rows.

Columns come in any order; those that may be left out are empty in every row.
"""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from zerometer.config.problems import near
from zerometer.config.table import shown
from zerometer.core.errors import ConfigError

#: A year of one factor in 5-minute steps has a tenth of it.
MAX_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class CsvRow:
    """A row, ``line`` being its last: its cells by column, without outer spaces.

    ``text`` is the row for messages. ``fault`` says why it cannot be used: it has
    more or less cells than there are columns, and they may stand in wrong ones.
    """

    line: int
    text: str
    cells: dict[str, str]
    fault: str = ""


class CsvError(ConfigError):
    """A CSV file that cannot be read, or whose columns are not what they must be.

    ``line`` is 0 where none is meant.
    """

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}" if line else f"{path}: {message}")
        self.line = line
        self.message = message


def read_rows(
    path: Path, needed: Sequence[str], optional: Sequence[str]
) -> Iterator[CsvRow]:
    """Yield the rows of the file at *path*; those without any text are none.

    CsvError when it cannot be read, or its columns are not *needed* and *optional*
    ones.
    """
    reader = csv.reader(StringIO(_text(path), newline=""), strict=True)
    try:
        names = [name.strip() for name in next(reader, ())]
        if faults := [*_header_faults(names, needed, optional)]:
            raise CsvError(path, 1, "; ".join(faults))
        empty = dict.fromkeys((*needed, *optional), "")
        for cells in reader:
            texts = [cell.strip() for cell in cells]
            if any(texts):
                yield _row(reader.line_num, names, texts, empty)
    except csv.Error as error:
        raise CsvError(path, reader.line_num, f"not CSV: {error}") from error


def _row(
    line: int, names: Sequence[str], texts: Sequence[str], empty: dict[str, str]
) -> CsvRow:
    cells = {**empty, **dict(zip(names, texts, strict=False))}
    wrong = f"has {len(texts)} cells, its header {len(names)}"
    fault = wrong if len(texts) != len(names) else ""
    return CsvRow(line, ",".join(texts), cells, fault)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CsvError(path, 0, error.strerror or "cannot be read") from error
    if len(data) > MAX_BYTES:
        raise CsvError(path, 0, f"larger than {MAX_BYTES} bytes; split it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CsvError(path, 0, f"not UTF-8, at byte {error.start}") from error


def _header_faults(
    names: Sequence[str], needed: Sequence[str], optional: Collection[str]
) -> Iterator[str]:
    known = (*needed, *optional)
    missing = [name for name in needed if name not in names]
    for name in dict.fromkeys(names):
        if name not in known:
            hint = near(name, known)
            # What is missing is told with all that are known, once.
            told = missing and hint.startswith("; known")
            yield f"no column {shown(name)} is known{'' if told else hint}"
        elif names.count(name) > 1:
            yield f"column {name} stands there twice"
    if missing:
        yield (
            f"no column {', '.join(missing)}: needed are {', '.join(needed)}; "
            f"known as well {', '.join(optional)}"
        )
