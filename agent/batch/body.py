"""The body: named tables of columns."""

from collections.abc import Sequence
from typing import Any

import msgpack

from zerometer.agent.batch.columns import pack_column, take, unpack_column
from zerometer.agent.batch.errors import BadBodyError, BadColumnError, TooLargeError
from zerometer.agent.batch.limits import MAX_VALUES, unpack
from zerometer.agent.batch.model import Table
from zerometer.core.errors import UsageError


def pack_body(tables: Sequence[Table]) -> bytes:
    """Return *tables* as the unpacked body; raise UsageError when they are uneven."""
    for table in tables:
        _check_even(table)
    body: bytes = msgpack.packb(
        {
            "tables": [
                {
                    "name": table.name,
                    "rows": table.rows,
                    "columns": [pack_column(column) for column in table.columns],
                }
                for table in tables
            ]
        }
    )
    return body


def unpack_body(data: bytes) -> tuple[list[Table], int, int]:
    """Return the tables of an unpacked body, their rows, and the columns skipped."""
    entries = take(unpack(data, BadBodyError), "tables", list, "body", BadBodyError)
    tables: list[Table] = []
    rows = values = skipped = 0
    for entry in entries:
        name, count, columns = _open_table(entry)
        rows += count
        values += count * len(columns)
        if values > MAX_VALUES:
            raise TooLargeError(f"body: more than {MAX_VALUES} values")
        opened = [unpack_column(column, count, name) for column in columns]
        table = Table(name, [column for column in opened if column is not None])
        skipped += len(opened) - len(table.columns)
        _check_distinct(table)
        tables.append(table)
    return tables, rows, skipped


def count_samples(tables: Sequence[Table]) -> int:
    """Return how many values, times not counted, *tables* hold."""
    return sum(
        column.present
        for table in tables
        for column in table.columns
        if column.name != "time"
    )


def _open_table(entry: Any) -> tuple[str, int, list[Any]]:
    name = take(entry, "name", str, "table", BadBodyError)
    where = ('table "', name, '"')
    count = take(entry, "rows", int, where, BadBodyError)
    columns = take(entry, "columns", list, where, BadBodyError)
    if count < 0 or (count and not columns):
        raise BadBodyError(f'table "{name}": rows is {count} of {len(columns)} columns')
    return name, count, columns


def _check_even(table: Table) -> None:
    for column in table.columns:
        where = f'table "{table.name}": column "{column.name}"'
        count = len(column.values)
        if count != table.rows:
            raise UsageError(f"{where}: has {count} values, expected {table.rows}")
        if column.nulls is None:
            continue
        if isinstance(column.values, list):
            raise UsageError(f"{where}: is a list with null marks, expected None in it")
        if len(column.nulls) != count:
            raise UsageError(
                f"{where}: has {len(column.nulls)} null marks, expected {count}"
            )


def _check_distinct(table: Table) -> None:
    names = [column.name for column in table.columns]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadColumnError(f'table "{table.name}": column "{twice}": is there twice')
