"""What flowed in a quarter hour, before any factor: the record that is kept of it."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from zerometer.core._column import decode_integers, encode_integers
from zerometer.core._fold import settle
from zerometer.core._window import add_rows
from zerometer.core.columns import decode_floats, encode_floats

#: The fields that are sums over time, and those that hold one array per variant.
_SUMS = (
    "flows", "quantity", "throughput", "entered", "short", "closed", "true_up",
)  # fmt: skip
_SUMS_BY_VARIANT = ("received", "carried")
_ROWS = (*_SUMS, "energy")
_ROWS_BY_VARIANT = (*_SUMS_BY_VARIANT, "contents")


@dataclass(frozen=True, slots=True)
class QuarterRecord:
    """What flowed in [start, end), a quarter hour or a part of it.

    Amounts are of the network's origins and, after these, of what each storage held
    when the record's quarter began (1: all of it). They do not depend on factors.
    One array per *variant*, a way of dividing joint outputs, have: ``received`` (by
    place; storages net), ``carried`` (by pool: what its throughput carried) and
    ``contents`` (by storage, at the end). ``entered``: by origin. ``short``,
    ``closed``: by pool, in how many steps something was unmeasured, or circled.
    ``energy``: what each storage could give at the end; ``true_up``: what it was
    found to hold more. ``revision`` is that of the factors that counted.
    """

    start_ns: int
    end_ns: int
    revision: int
    flows: "array[float]"
    quantity: "array[float]"
    throughput: "array[float]"
    entered: "array[float]"
    short: "array[float]"
    closed: "array[float]"
    true_up: "array[float]"
    energy: "array[float]"
    received: tuple["array[float]", ...]
    carried: tuple["array[float]", ...]
    contents: tuple["array[float]", ...]

    def packed(self) -> list[Any]:
        """Return the record as plain values; zeros take no room."""
        rows = [getattr(self, name) for name in _ROWS]
        by_variant = [getattr(self, name) for name in _ROWS_BY_VARIANT]
        return [
            self.start_ns,
            self.end_ns,
            self.revision,
            list(map(_packed, rows)),
            [list(map(_packed, rows)) for rows in by_variant],
        ]

    @classmethod
    def unpacked(cls, values: Sequence[Any]) -> "QuarterRecord":
        """Return the record that was *packed*."""
        start_ns, end_ns, revision, rows, by_variant = values
        found: list[Any] = list(map(_unpacked, rows))
        found += [tuple(map(_unpacked, rows)) for rows in by_variant]
        return cls(start_ns, end_ns, revision, *found)


def joined(records: Sequence[QuarterRecord]) -> QuarterRecord:
    """Return the sum of records that follow each other in one quarter."""
    first, last = records[0], records[-1]
    if len(records) == 1:
        return first
    changes: dict[str, Any] = {
        name: _sum([getattr(record, name) for record in records]) for name in _SUMS
    }
    for name in _SUMS_BY_VARIANT:
        changes[name] = tuple(
            _sum([getattr(record, name)[variant] for record in records])
            for variant in range(len(first.contents))
        )
    return replace(last, start_ns=first.start_ns, revision=first.revision, **changes)


def _sum(rows: "Sequence[array[float]]") -> "array[float]":
    total = array("d", bytes(8 * len(rows[0])))
    carries = total[:]
    for row in rows:
        add_rows(total, carries, row)
    settle(total, carries)
    return total


def _packed(row: "array[float]") -> list[Any]:
    used = array("q", (i for i, number in enumerate(row) if number))
    numbers = array("d", (row[i] for i in used))
    return [len(row), len(used), encode_integers(used, 1), encode_floats(numbers)]


def _unpacked(packed: Sequence[Any]) -> "array[float]":
    size, count, used, numbers = packed
    row = array("d", bytes(8 * size))
    for i, number in zip(
        decode_integers(used, count, 1), decode_floats(numbers, count, "d"), strict=True
    ):
        row[i] = number
    return row
