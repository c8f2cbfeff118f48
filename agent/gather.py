"""Rows gathered for the open batch of a stream: in memory, and as segments.

A segment is what was added since the last commit, packed as the body of a batch is,
so floats are rounded to the same steps; the journal keeps it until the batch it
belongs to is sealed. After a power cut the open batch is put together from its
segments again.
"""

import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from math import isnan
from typing import Any, cast

import msgpack

from zerometer.agent.batch import Column, Table
from zerometer.agent.batch.body import pack_body, unpack_body
from zerometer.agent.batch.limits import deflate
from zerometer.core._column import quantise
from zerometer.core.errors import JournalError, UsageError

SEGMENT_FORMAT = 2
#: Release 0.1 wrote numbers as they are in memory.
PLAIN_FORMAT = 1

Value = float | int | str


@dataclass(frozen=True, slots=True)
class Field:
    """A column to gather: what it is called, its unit, and how it is kept.

    ``exponent`` is the decimal place to which floats are rounded; None keeps
    them as they are. ``kind`` is "float", "integer" or "text"; integers count
    units of 10**exponent.
    """

    name: str
    unit: str
    exponent: int | None
    kind: str = "float"

    def empty(self) -> "array[float] | array[int] | list[str]":
        """Return an empty column of this kind."""
        if self.kind == "text":
            return []
        return array("q" if self.kind == "integer" else "d")


class OpenTable:
    """Rows of one table of the open batch."""

    def __init__(self, name: str, fields: Sequence[Field]) -> None:
        self.name = name
        self.fields = tuple(fields)
        self.times_ms = array("q")
        self.columns = [field.empty() for field in fields]
        self._durable = 0

    def add(self, time_ms: int, row: Sequence[Value]) -> int:
        """Append a row; NaN stands for a missing float. Return how many are there."""
        self.times_ms.append(time_ms)
        present = 0
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)  # type: ignore[arg-type]
            present += value == value  # noqa: PLR0124 (not NaN)
        return present

    def segment(self) -> Table | None:
        """Return the rows added since the last call, None when there are none."""
        first, self._durable = self._durable, len(self.times_ms)
        if first == self._durable:
            return None
        return self.table(first)

    def restore(self, columns: Sequence[Column]) -> int:
        """Append the rows of a segment; return how many values there are."""
        times, *others = columns
        return self.extend(
            times.values.tobytes(),  # type: ignore[union-attr]
            [
                _gathered(field, column)
                for field, column in zip(self.fields, others, strict=True)
            ],
        )

    def extend(self, times_ms: bytes, columns: Sequence[bytes | list[str]]) -> int:
        """Append rows that are durable already; return how many values there are."""
        before = self._present()
        self.times_ms.frombytes(times_ms)
        for column, packed in zip(self.columns, columns, strict=True):
            if isinstance(column, list):
                column.extend(packed)  # type: ignore[arg-type]
            else:
                column.frombytes(packed)  # type: ignore[arg-type]
        self._durable = len(self.times_ms)
        return self._present() - before

    def _present(self) -> int:
        return sum(map(_present, self.columns))

    def table(self, first: int = 0) -> Table:
        """Return the rows from *first* on as a table of a batch."""
        times, columns = self.times_ms, self.columns
        if first:
            times, columns = times[first:], [column[first:] for column in columns]
        time = Column("time", "ms", 0, times)
        return Table(self.name, [time, *map(_column, self.fields, columns)])


class OpenBatch:
    """All tables of a stream's open batch; true when it has rows.

    A name has as many tables as there are sets of fields that come in one row.
    """

    def __init__(self) -> None:
        self._tables: dict[str, list[OpenTable]] = {}
        self._opened_ms: int | None = None
        #: Values in all tables, times not counted.
        self.samples = 0

    def age_ms(self, now_ms: int) -> int:
        """Return how long ago this was first asked; a batch in use is asked often."""
        if self._opened_ms is None or self._opened_ms > now_ms:
            self._opened_ms = now_ms
        return now_ms - self._opened_ms

    def add(
        self,
        table: str,
        fields: tuple[Field, ...],
        time_ms: int,
        row: Sequence[Value],
    ) -> None:
        """Add a row to a table, which is made, with these fields, if it is new."""
        self.samples += self._table(table, fields).add(time_ms, row)

    def _table(self, name: str, fields: tuple[Field, ...]) -> OpenTable:
        tables = self._tables.setdefault(name, [])
        for table in tables:
            if table.fields == fields:
                return table
        tables.append(OpenTable(name, fields))
        return tables[-1]

    def _all(self) -> Iterator[OpenTable]:
        return chain.from_iterable(self._tables.values())

    def __bool__(self) -> bool:
        return bool(self._tables)

    def span_ms(self) -> tuple[int, int]:
        """Return the earliest and the latest time in the batch, which has rows."""
        times = [table.times_ms for table in self._all()]
        return min(map(min, times)), max(map(max, times))

    def tables(self) -> list[Table]:
        """Return the batch's tables, those of a meter together.

        Meters come as they answered first: neighbours on a bus have like times.
        """
        met: dict[str, int] = {}
        for name in self._tables:
            met.setdefault(_subject(name), len(met))
        ordered = sorted(self._all(), key=lambda table: met[_subject(table.name)])
        return [table.table() for table in ordered]

    def segment(self) -> bytes | None:
        """Return what was added since the last call, packed; None for nothing."""
        found = [(table.fields, table.segment()) for table in self._all()]
        parts = [(fields, part) for fields, part in found if part is not None]
        if not parts:
            return None
        body = pack_body([part for _, part in parts])
        kinds = [
            [[f.name, f.unit, f.exponent, f.kind] for f in fields]
            for fields, _ in parts
        ]
        packed: bytes = msgpack.packb(
            [SEGMENT_FORMAT, self._opened_ms, deflate([msgpack.packb(kinds), *body])]
        )
        return packed

    def restore(self, segment: bytes) -> None:
        """Append a segment; JournalError when a later version wrote it."""
        version, *content = msgpack.unpackb(segment)
        if version not in (SEGMENT_FORMAT, PLAIN_FORMAT):
            raise JournalError(
                f"journal: segment format {version}; "
                f"this version reads {SEGMENT_FORMAT}"
            )
        opened_ms, parts = content
        self._opened_ms = self._opened_ms or opened_ms
        if version == PLAIN_FORMAT:
            self._restore_plain(parts)
            return
        content = zlib.decompress(parts, -zlib.MAX_WBITS)
        unpacker = msgpack.Unpacker(max_buffer_size=len(content))
        unpacker.feed(content)
        kinds = unpacker.unpack()
        body = content[unpacker.tell() :]
        for fields, part in zip(kinds, unpack_body(body)[0], strict=True):
            table = self._table(part.name, tuple(Field(*field) for field in fields))
            self.samples += table.restore(part.columns)

    def _restore_plain(self, parts: Sequence[Any]) -> None:
        for name, fields, times_ms, columns in parts:
            table = self._table(name, tuple(Field(*field) for field in fields))
            self.samples += table.extend(times_ms, columns)

    def fits(self, name: str, fields: tuple[Field, ...]) -> bool:
        """Whether rows of these fields can join what the batch already holds.

        They cannot when the site file changed over a restart, and with it a column:
        then the batch is sealed as it is.
        """
        tables = self._tables.get(name, ())
        if any(table.fields == fields for table in tables):
            return True
        known = {field.name: field for table in tables for field in table.fields}
        return all(known.get(field.name, field) == field for field in fields)


def _subject(table: str) -> str:
    return table.rpartition("/")[0]


def _present(column: "array[float] | array[int] | list[str]") -> int:
    if isinstance(column, array) and column.typecode == "d":
        return len(column) - sum(map(isnan, column))
    return len(column)


def _gathered(field: Field, column: Column) -> bytes | list[str]:
    """Return the values of a packed column as they are gathered."""
    if isinstance(column.values, list):
        return column.values
    return (column.floats() if field.kind == "float" else column.values).tobytes()


def _column(field: Field, gathered: "array[float] | array[int] | list[str]") -> Column:
    if field.kind != "float":
        return Column(field.name, field.unit, field.exponent or 0, gathered)
    values = cast("array[float]", gathered)
    nulls = bytearray(len(values))
    if field.exponent is not None:
        whole = array("q", bytes(8 * len(values)))
        with suppress(UsageError):  # a meter may say 1e300: then floats it is
            quantise(values, field.exponent, whole, nulls)
            return Column(field.name, field.unit, field.exponent, whole, bytes(nulls))
    marks = bytes(map(isnan, values))
    return Column(field.name, field.unit, 0, values, marks)
