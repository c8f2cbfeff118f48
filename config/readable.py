"""What a meter could read: its points, and which of them belong together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from zerometer.core.points import Point
from zerometer.core.units import UNITS, added_up

IMPORT = "active_energy_import"
EXPORT = "active_energy_export"

#: What is summed up, and how fast: by dimension.
RATE_OF = {
    "energy": "power", "volume": "volume_flow", "normal_volume": "normal_volume_flow",
    "mass": "mass_flow", "pieces": "piece_rate",
}  # fmt: skip

# The power that belongs to a counter: of the same phase and the same copy.
_ENERGY = re.compile(r"(primary_)?active_energy_(import|export)(_l[123]|_alt)?")


@dataclass(kw_only=True)
class Readable:
    """What a meter could read, by point name; ``derived`` the site file made.

    ``needed`` grows by the points that the graph asks for. A meter whose map is
    not known has no points and ``known`` is false: nothing is said of them. The
    points of a meter without a bus are the site file's ``own``.
    """

    points: Mapping[str, Point]
    derived: tuple[str, ...] = ()
    known: bool = True
    own: bool = False
    needed: set[str] = field(default_factory=set)

    def counters(self) -> list[str]:
        """Return the names of all counters."""
        return [p.name for p in self.points.values() if p.kind == "counter"]

    def default_rate(self) -> str | None:
        """Return the rate meant when only the meter is named, which counts nothing."""
        rates = [p.name for p in self.points.values() if sum_of(p)]
        return rates[0] if len(rates) == 1 and not self.counters() else None

    def power_of(self, counter: Point) -> Point | None:
        """Return the power that shapes *counter*.

        By their names; for a name of the site's own, the only rate beside the only
        counter of its dimension.
        """
        match = _ENERGY.fullmatch(counter.name)
        if match:
            power = self.points.get(f"{match[1] or ''}active_power{_phase(match[3])}")
            return power if power and _is_rate(power, counter) else None
        if not self.own:
            return None
        dimension = UNITS[counter.unit].dimension
        same = [
            p
            for p in self.points.values()
            if p.kind == "counter" and UNITS[p.unit].dimension == dimension
        ]
        rates = [p for p in self.points.values() if _is_rate(p, counter)]
        return rates[0] if len(same) == len(rates) == 1 else None

    def default_counter(self) -> str | None:
        """Return the counter meant when only the meter is named.

        Imported energy, else the only counter that the site file derived, else
        the only counter that there is.
        """
        if IMPORT in self.points:
            return IMPORT
        for names in (self.derived, self.counters()):
            if len(names) == 1:
                return names[0]
        return None


def sign_of(counter: str) -> Literal[1, -1]:
    """Return which part of the power belongs to *counter*: -1 for what is exported."""
    match = _ENERGY.fullmatch(counter)
    return -1 if match and match[2] == "export" else 1


def sum_of(point: Point) -> str | None:
    """Return the unit of what a rate adds up to; None: it is no rate."""
    return added_up(point.unit) if point.kind == "gauge" else None


def _is_rate(point: Point, counter: Point) -> bool:
    """Tell whether a point is how fast *counter* counts."""
    rate = RATE_OF.get(UNITS[counter.unit].dimension)
    return point.kind == "gauge" and UNITS[point.unit].dimension == rate


def _phase(suffix: str | None) -> str:
    return suffix if suffix and suffix.startswith("_l") else ""
