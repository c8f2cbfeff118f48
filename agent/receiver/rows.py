"""The tables of a batch as rows of the receiver's database.

``readings/METER/GROUP`` and ``ledger/WINDOW`` are series: one sample per column and
time. The rows of any other table are records, kept whole as JSON.
"""

import json
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import compress
from math import isfinite
from operator import not_
from typing import Any

from zerometer.agent.batch import Batch, Column, Table
from zerometer.agent.receiver.errors import BadTableError

READINGS, LEDGER, EVENTS = "readings", "ledger", "events"
#: The last ms of the year 9999: what every database can show as a date.
LAST_MS = 253_402_300_799_999
#: Characters of a table's or a column's name, and of a unit: databases index them.
MAX_NAME, MAX_UNIT = 256, 64
#: Bytes of the digest that tells a record from others of its time.
DIGEST_SIZE = 16

#: name, unit and decimal exponent of each column but the time
Layout = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class SampleColumn:
    """The rows of a column that have a value."""

    times: "array[int]"
    values: "array[int] | array[float] | list[Any]"

    def only(self, wanted: set[int]) -> "SampleColumn":
        """Return the samples whose time is one of *wanted*."""
        mask = [time in wanted for time in self.times]
        return _compressed(self, mask)


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """A table of readings or of windows; ``revisions`` are those of its windows."""

    name: str
    layout: Layout
    times: "array[int]"
    columns: list[SampleColumn]
    revisions: "array[int]"


@dataclass(frozen=True, slots=True)
class Record:
    """A row that is kept whole."""

    name: str
    time_ms: int
    fields: str

    @property
    def digest(self) -> bytes:
        """Tells the record from others of its name and time."""
        return digest_of(self.fields)


@dataclass(slots=True)
class Rows:
    """All rows of a batch."""

    readings: list[SeriesTable] = field(default_factory=list)
    ledger: list[SeriesTable] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def rows_of(batch: Batch) -> Rows:
    """Return the rows of *batch*; BadTableError when a table can have none."""
    rows = Rows()
    for table in batch.tables:
        _check_names(table)
        kind = table.name.partition("/")[0]
        if kind == READINGS:
            rows.readings.append(_series_table(table))
        elif kind == LEDGER:
            rows.ledger.extend(map(_series_table, _once_each(table)))
        else:
            rows.records.extend(_records(table))
    return rows


def _check_names(table: Table) -> None:
    names = [table.name, *(column.name for column in table.columns)]
    longest = max(map(len, names))
    unit = max((len(column.unit) for column in table.columns), default=0)
    if longest > MAX_NAME or unit > MAX_UNIT:
        raise BadTableError(
            f'table "{table.name[:MAX_NAME]}": names have up to {longest} characters '
            f"and units {unit}, allowed are {MAX_NAME} and {MAX_UNIT}"
        )


def digest_of(fields: str) -> bytes:
    """Return what tells records of one name and time apart."""
    return sha256(fields.encode()).digest()[:DIGEST_SIZE]


def printable(text: str) -> str:
    """Return *text* without NUL, which not every database can hold."""
    return text.replace("\0", "\ufffd")


def _series_table(table: Table) -> SeriesTable:
    times = _times(table)
    columns = table.columns[1:]
    return SeriesTable(
        printable(table.name),
        tuple((printable(c.name), printable(c.unit), c.exponent) for c in columns),
        times,
        [_samples(times, column) for column in columns],
        next(
            (
                column.values
                for column in columns
                if column.name == "revision"
                and isinstance(column.values, array)
                and column.values.typecode == "q"
            ),
            array("q", bytes(8 * len(times))),
        ),
    )


def _once_each(table: Table) -> list[Table]:
    """Return *table* as tables that have each time once."""
    times = _times(table)
    if len(set(times)) == len(times):
        return [table]
    seen: dict[int, int] = {}
    rounds: list[int] = []
    for time in times:
        seen[time] = seen.get(time, -1) + 1
        rounds.append(seen[time])
    return [
        Table(
            table.name,
            [
                _some_rows(column, [r == turn for r in rounds])
                for column in table.columns
            ],
        )
        for turn in range(max(rounds) + 1)
    ]


def _some_rows(column: Column, mask: list[bool]) -> Column:
    values = column.values
    some = [*compress(values, mask)]
    return Column(
        column.name,
        column.unit,
        column.exponent,
        array(values.typecode, some) if isinstance(values, array) else some,
        None if column.nulls is None else bytes(compress(column.nulls, mask)),
    )


def _samples(times: "array[int]", column: Column) -> SampleColumn:
    """Return what *column* has; nulls and NaN were not measured."""
    values = column.values
    if isinstance(values, list):
        known = SampleColumn(times, [_storable(v, column.name) for v in values])
        return _compressed(known, [value is not None for value in values])
    known = SampleColumn(times, values)
    if column.nulls is not None:
        known = _compressed(known, map(not_, column.nulls))
    # A sum is NaN if one of its terms is, and now and then if they are infinite.
    if values.typecode != "q" and sum(known.values) != sum(known.values):
        present = [value == value for value in known.values]  # noqa: PLR0124
        known = _compressed(known, present)
    return known


def _compressed(column: SampleColumn, mask: Iterable[object]) -> SampleColumn:
    mask = bytes(map(bool, mask))
    values = column.values
    return SampleColumn(
        array("q", compress(column.times, mask)),
        [*compress(values, mask)]
        if isinstance(values, list)
        else array(values.typecode, compress(values, mask)),
    )


def _records(table: Table) -> list[Record]:
    times = _times(table)
    columns = {
        column.name: column.numbers()
        if isinstance(column.values, array)
        else column.values
        for column in table.columns[1:]
    }
    name = printable(table.name)
    return [
        Record(
            name,
            time_ms,
            json.dumps(
                {key: _expressible(values[row]) for key, values in columns.items()},
                ensure_ascii=False,
                allow_nan=False,
            ).replace("\\u0000", "\ufffd"),
        )
        for row, time_ms in enumerate(times)
    ]


def _times(table: Table) -> "array[int]":
    first = table.columns[0] if table.columns else Column("", "", 0, [])
    values = first.values
    if not (
        (first.name, first.unit, first.exponent) == ("time", "ms", 0)
        and isinstance(values, array)
        and values.typecode == "q"
        and first.nulls is None
    ):
        raise BadTableError(
            f'table "{table.name}": first column is "{first.name}", '
            "expected time, in whole ms and without nulls"
        )
    if values and not 0 <= min(values) <= max(values) <= LAST_MS:
        raise BadTableError(
            f'table "{table.name}": times are {min(values)} to {max(values)}, '
            f"allowed are 0 to {LAST_MS}"
        )
    return values


def _storable(value: object, name: str) -> object:
    """Return a value of a list; BadTableError when no database can hold it."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise BadTableError(f'column "{name}": {value} does not fit into 64 bits')
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value != value:  # noqa: PLR0124 (NaN)
        return None
    return value


def _expressible(value: object) -> object:
    """Return *value*, or None for a float that JSON cannot express."""
    return None if isinstance(value, float) and not isfinite(value) else value
