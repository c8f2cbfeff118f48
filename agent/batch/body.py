"""The body: named tables of columns."""

from collections.abc import Sequence
from typing import Any

import msgpack

from zerometer.agent.batch.columns import pack_column, take, unpack_column
from zerometer.agent.batch.errors import BadBodyError, BadColumnError, TooLargeError
from zerometer.agent.batch.limits import MAX_VALUES, unpack
from zerometer.agent.batch.model import Table
from zerometer.core.errors import FormatError, UsageError


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
        names = [column.name for column in table.columns]
        _check_distinct(names, f'table "{name}": column', BadColumnError)
        tables.append(table)
    _check_distinct([table.name for table in tables], "body: table", BadBodyError)
    return tables, rows, skipped


def count_samples(tables: Sequence[Table]) -> int:
    """Return how many values *tables* hold, without times and nulls."""
    return sum(
        len(column.values) - (sum(column.nulls) if column.nulls else 0)
        for table in tables
        for column in table.columns
        if column.name != "time"
    )


def _open_table(entry: Any) -> tuple[str, int, list[Any]]:
    name = take(entry, "name", str, "table", BadBodyError)
    count = take(entry, "rows", int, f'table "{name}"', BadBodyError)
    columns = take(entry, "columns", list, f'table "{name}"', BadBodyError)
    if count < 0 or (count and not columns):
        raise BadBodyError(f'table "{name}": rows is {count} of {len(columns)} columns')
    return name, count, columns


def _check_even(table: Table) -> None:
    for column in table.columns:
        marks = table.rows if column.nulls is None else len(column.nulls)
        if len(column.values) != table.rows or marks != table.rows:
            raise UsageError(
                f'table "{table.name}": column "{column.name}": has '
                f"{len(column.values)} values and {marks} null marks, "
                f"expected {table.rows} of each"
            )


def _check_distinct(names: list[str], where: str, error: type[FormatError]) -> None:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise error(f'{where} "{twice}": is there twice')
