"""The body: named tables of columns."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgpack

from zerometer.agent.batch.columns import pack_column, take, unpack_column
from zerometer.agent.batch.errors import BadBodyError, BadColumnError, TooLargeError
from zerometer.agent.batch.limits import MAX_VALUES, unpack
from zerometer.agent.batch.linear import Linear, LinearWriter, open_linear
from zerometer.agent.batch.model import Column, Table
from zerometer.core.errors import UsageError


def pack_body(tables: Sequence[Table]) -> list[bytes]:
    """Return *tables* as the unpacked body, in pieces of which each is of one kind.

    Raises UsageError when they are uneven.
    """
    for table in tables:
        _check_even(table)
    writer = LinearWriter()
    packed = [
        {
            "name": table.name,
            "rows": table.rows,
            "columns": [pack_column(column, writer) for column in table.columns],
        }
        for table in tables
    ]
    streams = writer.streams()
    size = sum(map(len, streams))
    body: bytes = msgpack.packb({"tables": packed, "values": bytes(size)})
    return [body[: len(body) - size], *streams]


def unpack_body(data: bytes) -> tuple[list[Table], int, int]:
    """Return the tables of an unpacked body, their rows, and the columns skipped."""
    body = unpack(data, BadBodyError)
    entries = take(body, "tables", list, "body", BadBodyError)
    numbers = take(body, "values", bytes, "body", BadBodyError, default=b"")
    heads: list[tuple[str, int]] = []
    columns: list[Column | Linear | None] = []
    rows = values = 0
    for entry in entries:
        name, count, packed = _open_table(entry)
        rows += count
        values += count * len(packed)
        if values > MAX_VALUES:
            raise TooLargeError(f"body: more than {MAX_VALUES} values")
        columns += [unpack_column(column, count, name) for column in packed]
        heads.append((name, len(packed)))
    opened = iter(open_linear(columns, numbers))
    tables = [
        Table(name, [column for column in islice(opened, size) if column is not None])
        for name, size in heads
    ]
    for table in tables:
        _check_distinct(table)
    return tables, rows, len(columns) - sum(len(table.columns) for table in tables)


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
