"""Samples of many columns as a few long arrays, for databases with typed columns."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from zerometer.agent.receiver.rows import SampleColumn

Arrays = tuple["array[int]", "array[int]", "array[Any] | list[str]"]


def split_by_kind(
    columns: Sequence[tuple[int, SampleColumn]],
) -> Iterator[tuple[str, str, Arrays]]:
    """Yield the columns' samples by kind: database column, SQL type, arrays.

    The arrays are the series, the times, and the values of each sample.
    """
    whole = _Part(array("q"))
    floats = _Part(array("d"))
    texts = _Part([])
    for series, column in columns:
        if not isinstance(column.values, array):
            for time, value in zip(column.times, column.values, strict=True):
                part = texts
                if isinstance(value, int | float):
                    part = whole if isinstance(value, int) else floats
                part.add(series, array("q", [time]), [value])
        elif column.values.typecode == "q":
            whole.add(series, column.times, column.values)
        else:
            floats.add(series, column.times, column.values)
    kinds = (
        ("units", "bigint", whole),
        ("number", "double precision", floats),
        ("text", "text", texts),
    )
    for name, kind, part in kinds:
        if part.times:
            yield name, kind, (part.series, part.times, part.values)


class _Part:
    def __init__(self, values: "array[Any] | list[str]") -> None:
        self.series = array("q")
        self.times = array("q")
        self.values = values

    def add(self, series: int, times: "array[int]", values: Sequence[Any]) -> None:
        self.series.extend(array("q", [series]) * len(times))
        self.times.extend(times)
        self.values.extend(array("d", values) if _singles(values) else values)


def _singles(values: Sequence[Any]) -> bool:
    return isinstance(values, array) and values.typecode == "f"
