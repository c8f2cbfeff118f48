"""Factor rows in a CSV file: one line per series and time, as docs/factors.md says."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TypeVar

from zerometer.core.errors import ConfigError
from zerometer.core.factor import (
    BASES,
    METHODS,
    STATUSES,
    FactorRow,
    fault_of,
    in_our_unit,
)
from zerometer.core.iso_time import parse_time

Word = TypeVar("Word", bound=str)

NEEDED = ("series", "t0", "t1", "value", "unit")
OPTIONAL = ("method", "basis", "status", "provider", "published_at")
#: A year of one series in 5-minute steps has a tenth of it.
MAX_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class Bad:
    """What was said and cannot be used: where it stood, its text, and why."""

    where: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class FactorTable:
    """The rows of a file, in its order, and the lines that cannot be used."""

    rows: list[FactorRow]
    bad: list[Bad]


def read_factor_csv(path: Path, fetched_ns: int = 0) -> FactorTable:
    """Return the rows of a factor table that was read at *fetched_ns*.

    A row that does not say when it was published was so at *fetched_ns*. Of two rows
    at one time that are else alike, the later line has the higher revision. An empty
    value is none: the line is passed over. ConfigError when the file cannot be read
    or is not such a table.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8, at byte {error.start}") from error
    rows: list[FactorRow] = []
    bad: list[Bad] = []
    for line, names, cells in _lines(text, path):
        try:
            if len(cells) != len(names):
                raise ValueError(f"has {len(cells)} cells, its header {len(names)}")
            row = row_of(dict(zip(names, cells, strict=True)), fetched_ns)
        except ValueError as error:
            bad.append(Bad(f"{path.name}:{line}", ",".join(cells), str(error)))
        else:
            if row is not None:
                rows.append(replace(row, revision=len(rows) + 1))
    return FactorTable(rows, bad)


def _lines(text: str, path: Path) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield each line's number, the names of the columns, and the line's cells."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip() for name in next(reader, ())]
        _check_columns(names, path)
        for cells in reader:
            if cells:  # an empty line is none
                yield reader.line_num, names, [cell.strip() for cell in cells]
    except csv.Error as error:
        where = f"{path}:{reader.line_num}"
        raise ConfigError(f"{where}: not CSV: {error}") from error


def _check_columns(columns: list[str], path: Path) -> None:
    for name in NEEDED:
        if name not in columns:
            raise ConfigError(
                f"{path}:1: no column {name}; a factor table has {', '.join(NEEDED)}"
                f" and may have {', '.join(OPTIONAL)}"
            )
    for name in columns:
        if name not in (*NEEDED, *OPTIONAL) or columns.count(name) > 1:
            raise ConfigError(
                f"{path}:1: column {name!r} is not known, or there twice; known are "
                f"{', '.join((*NEEDED, *OPTIONAL))}"
            )


def row_of(cells: Mapping[str, str], fetched_ns: int) -> FactorRow | None:
    """Return the row of a line; None when it has no value; ValueError says why not."""
    if not cells["series"]:
        raise ValueError("series: is empty")
    if not cells["value"]:
        return None
    try:
        stated = float(cells["value"])
    except ValueError:
        raise ValueError(f"value: {cells['value']!r} is not a number") from None
    value, unit = in_our_unit(stated, cells["unit"])
    published = cells.get("published_at")
    row = FactorRow(
        series=cells["series"],
        t0_ns=_time(cells, "t0"),
        t1_ns=_time(cells, "t1"),
        value=value,
        unit=unit,
        method=_one_of(cells, "method", METHODS, "average"),
        basis=_one_of(cells, "basis", BASES, "direct"),
        status=_one_of(cells, "status", STATUSES, "measured"),
        provider=cells.get("provider", ""),
        published_ns=_time(cells, "published_at") if published else fetched_ns,
        fetched_ns=fetched_ns,
    )
    if fault := fault_of(row):
        raise ValueError(fault)
    return row


def _time(cells: Mapping[str, str], column: str) -> int:
    try:
        return parse_time(cells[column])
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


def _one_of(
    cells: Mapping[str, str], column: str, words: tuple[Word, ...], default: Word
) -> Word:
    said = cells.get(column) or default
    for word in words:
        if word == said:
            return word
    raise ValueError(f"{column}: {said!r} is not one of {', '.join(words)}")
