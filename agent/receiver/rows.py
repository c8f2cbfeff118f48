"""The tables of a batch as rows of the receiver's database."""

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from math import isfinite
from typing import Any

from zerometer.agent.batch import Column, Table
from zerometer.agent.receiver.errors import BadTableError

EVENTS = "events"
#: Tables with such a first part are series: a time has one value of each column. All
#: others are records: a row stands for itself, and several may have one time.
SERIES = ("readings", "ledger")


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What makes a series, within its source."""

    kind: str
    subject: str
    group: str
    name: str
    unit: str
    exponent: int


def series_rows(
    table: Table,
) -> Iterator[tuple[SeriesKey, Iterator[tuple[int, object]]]]:
    """Yield each column of *table* with its (time in ms, value) pairs.

    Nulls are left out: a sample that is not there was not measured.
    """
    times = _times(table)
    kind, subject, group = (*table.name.split("/", 2), "", "")[:3]
    for column in table.columns[1:]:
        key = SeriesKey(kind, subject, group, column.name, column.unit, column.exponent)
        pairs = zip(times, _storable(column), strict=True)
        yield key, compress(pairs, _present(column))


def is_series(table: Table) -> bool:
    """Whether the rows of *table* are samples of series, not records."""
    return table.name.split("/", 1)[0] in SERIES


def record_rows(table: Table) -> Iterator[tuple[int, str]]:
    """Yield the time in ms and the other columns, as a JSON object, of each row.

    Rows of other tables than ``events`` say as ``table`` which one they are of.
    """
    times = _times(table)
    which = {} if table.name == EVENTS else {"table": table.name}
    columns = {
        column.name: column.numbers()
        if isinstance(column.values, array)
        else column.values
        for column in table.columns[1:]
    }
    for row, time_ms in enumerate(times):
        cells = {name: _finite(values[row]) for name, values in columns.items()}
        fields = {**which, **cells}
        yield time_ms, json.dumps(fields, ensure_ascii=False, allow_nan=False)


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
    return values


def _present(column: Column) -> Iterator[bool]:
    """Yield whether each row of *column* has a value; NaN is none."""
    nulls = column.nulls or bytes(len(column.values))
    for value, null in zip(column.values, nulls, strict=True):
        yield not (null or value is None or value != value)  # noqa: PLR0124


def _storable(column: Column) -> "array[int] | array[float] | list[Any]":
    """Return the column's values; BadTableError when SQLite cannot hold one."""
    if isinstance(column.values, list):
        for value in column.values:
            if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
                raise BadTableError(
                    f'column "{column.name}": {value} does not fit into 64 bits'
                )
    return column.values


def _finite(value: object) -> object:
    """Return *value*, or None for a float that JSON cannot express."""
    return None if isinstance(value, float) and not isfinite(value) else value
