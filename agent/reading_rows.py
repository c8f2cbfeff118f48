"""Readings as rows of a batch: a table for what is read together of a point group.

Counters come twice: as the register says, and as the stitched index, which
neither rolls over nor falls.
"""

from collections.abc import Callable, Iterator, Sequence
from math import floor, log10, nan

from zerometer.agent.gather import Field
from zerometer.core.points import Group, Point, Reading
from zerometer.core.site import Meter

#: index of a counter, by meter and point name
IndexOf = Callable[[str, str], float]

#: Digits below its first that a step may need: 0.12 needs one, a third too many.
MORE_DIGITS = 3
#: What the batch format allows.
LARGEST_EXPONENT = 22


def exponent_of(point: Point) -> int | None:
    """Return the decimal place that holds every value of *point*; None for floats.

    Floats are kept as they are when nobody said which of their digits mean
    something, and counters in any case: rounding one would cost more than the
    resolution of its gains.
    """
    step = point.resolution or point.step
    # What ratios that may be below 1 multiply has no resolution of its own.
    floats = point.step == 0.0 or (point.times and point.resolution is None)
    if floats and (point.kind == "counter" or point.resolution is None):
        return None
    largest = floor(log10(step) + 1e-9)
    for exponent in range(largest, largest - MORE_DIGITS - 1, -1):
        if _is_whole(step, exponent) and _is_whole(point.offset, exponent):
            break
    return exponent if abs(exponent) <= LARGEST_EXPONENT else None


def _is_whole(value: float, exponent: int) -> bool:
    units = value * 10.0**-exponent
    return abs(units - round(units)) < 1e-6


class _GroupRows:
    """A table: the points of one group that one request brings.

    ``places`` are where their values stand in its readings.
    """

    def __init__(
        self, table: str, places: Sequence[int], points: Sequence[Point], *, raw: bool
    ) -> None:
        self.table = table
        self._points = tuple(zip(places, points, strict=True))
        self.fields = tuple(
            Field(name, point.unit, None if raw else exponent_of(point))
            for point in points
            for name in _names(point)
        )

    def row(
        self, values: Sequence[float], meter: str, index_of: IndexOf
    ) -> list[float]:
        """Return the row of a reading's values; NaN is none."""
        row = []
        for place, point in self._points:
            value = values[place]
            row.append(value)
            if point.kind == "counter":
                known = value == value  # noqa: PLR0124 (not NaN)
                row.append(index_of(meter, point.name) if known else nan)
        return row


def _names(point: Point) -> tuple[str, ...]:
    if point.kind == "counter":
        return point.name, f"{point.name}.index"
    return (point.name,)


class ReadingRows:
    """Turns readings into rows; *raw* values are not rounded to their resolution."""

    def __init__(
        self, meters: Sequence[Meter], index_of: IndexOf, *, raw: bool = False
    ) -> None:
        self._index_of = index_of
        self._raw = raw
        self._points = {
            meter.id: [polled.point for polled in meter.points] for meter in meters
        }
        self._groups: dict[tuple[str, tuple[int, ...]], list[_GroupRows]] = {}

    def rows(
        self, reading: Reading
    ) -> list[tuple[str, tuple[Field, ...], list[float]]]:
        """Return (table, fields, row) for each point group in *reading*."""
        key = reading.meter, reading.points
        groups = self._groups.get(key)
        if groups is None:
            groups = self._groups[key] = list(self._grouped(*key))
        return [
            (
                group.table,
                group.fields,
                group.row(reading.values, reading.meter, self._index_of),
            )
            for group in groups
        ]

    def _grouped(self, meter: str, points: Sequence[int]) -> Iterator[_GroupRows]:
        """Yield what readings of *points* (indices of the meter's) are put into."""
        members: dict[Group, list[int]] = {}
        for place, index in enumerate(points):
            group = self._points[meter][index].group
            members.setdefault(group, []).append(place)
        for group, places in members.items():
            named = [self._points[meter][points[place]] for place in places]
            table = f"readings/{meter}/{group}"
            yield _GroupRows(table, places, named, raw=self._raw)
