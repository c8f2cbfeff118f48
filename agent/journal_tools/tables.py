"""The rows of batches as people and spreadsheets take them: one value a row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zerometer.agent.batch import Column, Table
from zerometer.core.iso_time import format_time

#: Kinds of columns: a time in ms, a text, a number (an integer or a float), an integer.
TIME, TEXT, NUMBER, INTEGER = "time", "text", "number", "integer"
NS_PER_MS = 1_000_000

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is exported: which tables of which streams, as which columns.

    ``names`` are the beginnings of the tables' names, ``without`` those to leave out.
    ``rows`` makes rows of a table, the first of each is its time in ms; ``subject``
    is the place of what a row is about, 0 where there is none.
    """

    streams: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    rows: Callable[[Table], Iterator[Row]]
    subject: int = 0
    without: tuple[str, ...] = ()

    def has(self, table: Table) -> bool:
        """Tell whether *table* is exported."""
        name = table.name
        return name.startswith(self.names) and not (
            self.without and name.startswith(self.without)
        )


def _reading_rows(table: Table) -> Iterator[Row]:
    """Yield (time, meter, point, value, index, unit) of what was measured.

    The stitched index of a counter stands beside what its register said.
    """
    meter = table.name.removeprefix("readings/").rpartition("/")[0]
    columns = {column.name: _values(column) for column in table.columns[1:]}
    for column in table.columns[1:]:
        if column.name.endswith(".index") and column.name[:-6] in columns:
            continue
        index = columns.get(f"{column.name}.index", [None] * table.rows)
        values = columns[column.name]
        for time_ms, value, counted in zip(_times(table), values, index, strict=True):
            if value is not None:
                yield time_ms, meter, column.name, value, counted, column.unit


def _window_rows(table: Table) -> Iterator[Row]:
    """Yield (time, window, revision, covered_s, measured_share, place, quantity,
    value, unit) of each cell of each window.
    """
    window = table.name.removeprefix("ledger/")
    columns = {column.name: column for column in table.columns[1:]}
    about = [
        _values(columns.pop(name)) if name in columns else [None] * table.rows
        for name in ("revision", "covered", "measured_share")
    ]
    cells = [
        (*name.partition(":")[::2], column.unit, _values(column))
        for name, column in columns.items()
    ]
    for at, time_ms in enumerate(_times(table)):
        told = [values[at] for values in about]
        for place, quantity, unit, values in cells:
            if values[at] is not None:
                yield time_ms, window, *told, place, quantity, values[at], unit


def _event_rows(table: Table) -> Iterator[Row]:
    """Yield (time, kind, subject, text)."""
    columns = {column.name: _values(column) for column in table.columns[1:]}
    names = ("kind", "subject", "text")
    for at, time_ms in enumerate(_times(table)):
        yield time_ms, *(columns[name][at] if name in columns else "" for name in names)


def _any_rows(table: Table) -> Iterator[Row]:
    """Yield (time, table, name, value, unit) of whatever a table holds."""
    times: Sequence[int | None] = _times(table) if _has_times(table) else []
    rest = table.columns[1:] if times else table.columns
    columns = [(column, _values(column)) for column in rest]
    for at in range(table.rows):
        for column, values in columns:
            if values[at] is not None:
                time_ms = times[at] if times else None
                value = str(values[at])
                yield time_ms, table.name, column.name, value, column.unit


WINDOW_COLUMNS = (
    ("time", TIME), ("window", TEXT), ("revision", INTEGER), ("covered_s", NUMBER),
    ("measured_share", NUMBER), ("place", TEXT), ("quantity", TEXT),
    ("value", NUMBER), ("unit", TEXT),
)  # fmt: skip

SHEETS = {
    "readings": Sheet(
        ("readings",),
        ("readings/",),
        (
            ("time", TIME), ("meter", TEXT), ("point", TEXT), ("value", NUMBER),
            ("index", NUMBER), ("unit", TEXT),
        ),
        _reading_rows,
        subject=1,
    ),
    "minutes": Sheet(
        # Version 0.1 had them in the ledger.
        ("minutes", "ledger"), ("ledger/1min",), WINDOW_COLUMNS, _window_rows),
    "ledger": Sheet(
        ("ledger",), ("ledger/",), WINDOW_COLUMNS, _window_rows,
        without=("ledger/1min",),
    ),
    "events": Sheet(
        ("ledger",),
        ("events",),
        (("time", TIME), ("kind", TEXT), ("subject", TEXT), ("text", TEXT)),
        _event_rows,
        subject=2,
    ),
    "state": Sheet(
        ("state",),
        ("",),
        (
            ("time", TIME), ("table", TEXT), ("name", TEXT), ("value", TEXT),
            ("unit", TEXT),
        ),
        _any_rows,
    ),
}  # fmt: skip


def as_text(row: Row) -> list[Any]:
    """Return *row* with its time as ISO 8601, UTC, and nothing where nothing is."""
    time_ms, *rest = row
    told = "" if time_ms is None else format_time(time_ms * NS_PER_MS)
    return [told, *("" if value is None else value for value in rest)]


def _has_times(table: Table) -> bool:
    first = table.columns[0] if table.columns else None
    return first is not None and (first.name, first.unit) == ("time", "ms")


def _times(table: Table) -> list[int]:
    return list(table.columns[0].values) if table.columns else []


def _values(column: Column) -> list[Any]:
    return column.values if isinstance(column.values, list) else column.numbers()
