"""Transformer ratios of a simulated meter: in its registers, or only on its plate."""

from collections.abc import Iterable
from math import prod

from zerometer.core.errors import UsageError
from zerometer.core.points import Point
from zerometer.core.units import UNITS
from zerometer.drivers.simulator.encoding import raw_of, shown

#: Dimensions that a meter behind transformers sees divided by both ratios.
_BOTH = ("power", "energy")


class Ratios:
    """CT and PT of one meter, primary by secondary, as its points see them."""

    def __init__(self, points: Iterable[Point], ct: float, pt: float) -> None:
        self._ct = ct
        self._pt = pt
        self._registers = {p.name: p for p in points if p.group == "ratio"}

    def value(self, point: Point) -> float | None:
        """Return the ratio that *point* is, or None when it is no ratio."""
        if point.group != "ratio":
            return None
        if point.name.startswith(("pt", "voltage")):
            return self._pt
        return self._ct

    def of(self, point: Point) -> float:
        """Return what a reading of *point* is multiplied by, besides its scale."""
        if point.times:
            return prod(self._shown(name, point) for name in point.times)
        if point.ratio != "secondary" or point.unit not in UNITS:
            return 1.0
        dimension = UNITS[point.unit].dimension
        if dimension.endswith(_BOTH):
            return self._ct * self._pt
        return {"current": self._ct, "voltage": self._pt}.get(dimension, 1.0)

    def _shown(self, name: str, point: Point) -> float:
        register = self._registers.get(name)
        if register is None:
            raise UsageError(
                f'map: point "{point.name}": times: "{name}" is no ratio of the '
                f"map; known: {', '.join(sorted(self._registers)) or 'none'}"
            )
        ratio = self.value(register) or 1.0
        return shown(register, raw_of(register, ratio - register.offset)) + (
            register.offset
        )
