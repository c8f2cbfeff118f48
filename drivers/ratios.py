"""Multipliers that stand in registers of the meter (CT and PT ratios)."""

import math
from collections.abc import Iterable, Sequence

from zerometer.core.errors import UsageError
from zerometer.core.points import Point

#: How often ratio registers are read; they change when somebody sets up the meter.
RATIO_PERIOD_NS = 600_000_000_000

#: Ratios that differ by this part of them are the same, rounded.
_NEAR = 1e-3


OTHER_RATIO = (
    "ratio {} is {:g}, but {:g} by the nameplate that the site file states: the "
    "meter's own is used; set the meter, or correct the site file"
)


class Ratios:
    """The ratios of one meter, as far as they were read.

    UsageError when a point is multiplied by one that is not polled.
    """

    def __init__(self, meter: str, points: Sequence[Point]) -> None:
        self._points = points
        self._values: dict[str, float] = {}
        self._read: set[str] = set()
        polled = {point.name for point in points}
        for point in points:
            for name in point.times:
                if name not in polled:
                    raise UsageError(
                        f"meter {meter}: point {point.name}: multiplied by "
                        f'"{name}", which is not polled'
                    )
        self._names = {name for point in points for name in point.times}

    def is_ratio(self, index: int) -> bool:
        """Whether point *index* is one that others are multiplied by."""
        point = self._points[index]
        return point.group == "ratio" or point.name in self._names

    def depends(self, index: int) -> bool:
        """Whether point *index* is multiplied by ratios."""
        return bool(self._points[index].times)

    def times(self, index: int) -> float:
        """Return what multiplies point *index*; NaN while a ratio of it is unknown."""
        names = self._points[index].times
        return math.prod(self._values.get(name, math.nan) for name in names)

    def update(self, indices: Iterable[int], values: Iterable[float]) -> bool:
        """Take over the ratios among what was read; return whether one changed.

        A ratio that is not a positive number is unknown.
        """
        before = dict(self._values)
        for index, value in zip(indices, values, strict=True):
            name = self._points[index].name
            if name not in self._names:
                continue
            self._read.add(name)
            if value > 0:
                self._values[name] = value
            else:
                self._values.pop(name, None)
        return self._values != before

    def unknown(self, indices: Iterable[int]) -> list[str]:
        """Return the names of the ratios among *indices* that are not known."""
        names = {self._points[index].name for index in indices}
        return sorted((names & self._names) - self._values.keys())

    def otherwise(self, name: str, stated: float) -> float | None:
        """Return ratio *name* if the meter tells another one than *stated*.

        None if it is the same, as far as its register can tell, or not known.
        """
        told = self._values.get(name)
        if told is None:
            return None
        step = next(point.step for point in self._points if point.name == name)
        near = max(step / 2, stated * _NEAR)
        return None if abs(told - stated) <= near else told

    @property
    def unread(self) -> bool:
        """Whether the meter has not told all of its ratios yet, whatever they are."""
        return self._read != self._names

    def forget(self) -> None:
        """Regard all ratios as unknown: the meter may be another one now."""
        self._values.clear()
        self._read.clear()
