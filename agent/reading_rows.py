"""Readings as rows of a batch: one table per meter and point group.

Counters come twice: as the register says, and as the stitched index, which
neither rolls over nor falls.
"""

from collections.abc import Callable, Sequence
from math import floor, log10, nan

from zerometer.agent.gather import Field
from zerometer.core.points import Point, Reading
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
    """The table of one point group of a meter."""

    def __init__(self, meter: Meter, group: str) -> None:
        self.table = f"readings/{meter.id}/{group}"
        self.points = [
            (index, polled.point)
            for index, polled in enumerate(meter.points)
            if polled.point.group == group
        ]
        self.fields = tuple(
            Field(name, point.unit, exponent_of(point))
            for _, point in self.points
            for name in _names(point)
        )

    def row(
        self, values: dict[int, float], meter: str, index_of: IndexOf
    ) -> list[float]:
        """Return the row of a reading; points that it did not bring are NaN."""
        row = []
        for index, point in self.points:
            value = values.get(index, nan)
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
    """Turns readings into rows."""

    def __init__(self, meters: Sequence[Meter], index_of: IndexOf) -> None:
        self._index_of = index_of
        self._groups = {
            meter.id: [
                _GroupRows(meter, group)
                for group in dict.fromkeys(p.point.group for p in meter.points)
            ]
            for meter in meters
        }

    def rows(
        self, reading: Reading
    ) -> list[tuple[str, tuple[Field, ...], list[float]]]:
        """Return (table, fields, row) for each point group in *reading*."""
        values = dict(zip(reading.points, reading.values, strict=True))
        return [
            (
                group.table,
                group.fields,
                group.row(values, reading.meter, self._index_of),
            )
            for group in self._groups[reading.meter]
            if any(index in values for index, _ in group.points)
        ]
