"""What multiplies the registers of a simulated meter: transformers, powers of ten.

Ratios of transformers stand in its registers, or only on its plate.
"""

from collections.abc import Iterable
from math import log10, prod

from zerometer.core.errors import UsageError
from zerometer.core.points import Point
from zerometer.core.units import UNITS
from zerometer.drivers.simulator.encoding import shown

#: Dimensions that a meter behind transformers sees divided by both ratios.
_BOTH = ("power", "energy")

#: What a step of registers is worth that a power of ten multiplies: kW, V ... The
#: power of a plant does not fit 16 bits in finer ones.
_STEPS = {"power": 0.1, "voltage": 0.1, "current": 0.1, "frequency": 0.01}
_FINE_STEP = 0.001


class Ratios:
    """CT and PT of one meter, primary by secondary, as its points see them."""

    def __init__(self, points: Iterable[Point], ct: float, pt: float) -> None:
        self._ct = ct
        self._pt = pt
        points = list(points)
        self._registers = {p.name: p for p in points if p.group == "ratio"}
        self._multiplied = {name: p for p in points for name in p.times}

    def value(self, point: Point) -> float | None:
        """Return the ratio that *point* is, or None when it is no ratio."""
        if point.group != "ratio":
            return None
        if point.codes:
            return point.codes[0][1]
        if point.form == "pow10":
            return 10.0 ** self._exponent(point)
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
        return shown(register, self.value(register) or 1.0).said

    def _exponent(self, ratio: Point) -> int:
        """Return a power of ten with which what it multiplies fits its registers."""
        point = self._multiplied.get(ratio.name)
        if point is None or point.unit not in UNITS:
            return 0
        unit = UNITS[point.unit]
        dimension = unit.dimension.rpartition("_")[2]
        step = _STEPS.get(dimension, _FINE_STEP) if point.registers == 1 else _FINE_STEP
        return round(log10(step / (unit.to_base * abs(point.scale))))
