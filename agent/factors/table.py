"""Factor rows in a CSV file: one line per series and time, as docs/factors.md says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from zerometer.config.csv_rows import read_rows
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
    value is none: the line is passed over. CsvError when the file cannot be read
    or is not such a table.
    """
    rows: list[FactorRow] = []
    bad: list[Bad] = []
    for found in read_rows(path, NEEDED, OPTIONAL):
        try:
            if found.fault:
                raise ValueError(found.fault)
            row = row_of(found.cells, fetched_ns)
        except ValueError as error:
            bad.append(Bad(f"{path.name}:{found.line}", found.text, str(error)))
        else:
            if row is not None:
                rows.append(replace(row, revision=len(rows) + 1))
    return FactorTable(rows, bad)


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
