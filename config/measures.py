"""How a flow is measured: the words "meter" or "meter:point", resolved.

Meters are known first by what they could read; which points a site polls
follows from what its graph asks for here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from zerometer.config import keys
from zerometer.config.problems import near
from zerometer.config.table import Table, shown
from zerometer.core.points import Point
from zerometer.core.site import Measure
from zerometer.core.units import UNITS, factor

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


class Measures:
    """Turns the measures of a site file into core.site.Measure."""

    def __init__(self, meters: Mapping[str, Readable]) -> None:
        self._meters = meters

    def read(
        self, table: Table, key: str, unit: str, default: str | None = None
    ) -> Measure | None:
        """Return the measure at *key*, in *unit*; None when it does not hold.

        Without a *unit*, the meter and its counter are checked all the same.
        *default* is the counter meant when the file names only a meter;
        without it, the meter's own default is.
        """
        value = table.values.get(key)
        if not isinstance(value, dict):
            if key not in table:
                table.missing(key, 'give a measure: "meter" or "meter:point"')
                return None
            return self._resolve(table, key, unit, default, None)
        inner = table.table(key, f"{table.where}: {key}", keys.MEASURE)
        times = inner.positive("times") if "times" in inner else None
        return self._resolve(inner, "meter", unit, default, times)

    def _resolve(
        self,
        table: Table,
        key: str,
        unit: str,
        default: str | None,
        times: float | None,
    ) -> Measure | None:
        meter_id, _, name = table.text(key).partition(":")
        meter = self._meters.get(meter_id)
        if meter is None:
            if meter_id:
                message = f"no meter named {shown(meter_id)}"
                table.error(key, message + near(meter_id, self._meters))
            return None
        counter = self._counter(table, key, meter, name or default)
        if counter is None:
            return None
        if times is None:
            times = _conversion(counter.unit, unit)
        if times is None:
            message = f'"{counter.name}" counts in {shown(counter.unit)}, not in {unit}'
            example = f'{{ meter = "{meter_id}", times = ... }}'
            table.error(key, f"{message}; give the factor: {example}")
            return None
        return _measure(meter_id, meter, counter, times)

    def _counter(
        self, table: Table, key: str, meter: Readable, name: str | None
    ) -> Point | None:
        if not meter.known:
            return None
        name = name or meter.default_counter()
        if name is None:
            message = 'name a counter, as "meter:counter"'
            table.error(key, message + near("", meter.counters()))
            return None
        point = meter.points.get(name)
        if point is None:
            message = f"the meter has no point {shown(name)}"
            table.error(key, message + near(name, meter.counters()))
            return None
        if point.kind != "counter":
            message = f"{shown(name)} is no counter, and only counters measure a flow"
            table.error(key, message + near(name, meter.counters()))
            return None
        return point


def _conversion(source: str, target: str) -> float | None:
    if not target:
        return 1.0
    if UNITS[source].dimension != UNITS[target].dimension:
        return None
    return factor(source, target)


def _measure(meter_id: str, meter: Readable, counter: Point, times: float) -> Measure:
    meter.needed.add(counter.name)
    power = meter.power_of(counter)
    if power is None:
        return Measure(meter=meter_id, counter=counter.name, times=times)
    meter.needed.add(power.name)
    # What the power counts up in one hour, in the counter's unit.
    hourly = UNITS[power.unit].to_base / UNITS[counter.unit].to_base
    return Measure(
        meter=meter_id,
        counter=counter.name,
        power=power.name,
        sign=_sign(counter.name),
        times=times,
        power_times=hourly * times,
    )


def _is_rate(point: Point, counter: Point) -> bool:
    """Tell whether a point is how fast *counter* counts."""
    rate = RATE_OF.get(UNITS[counter.unit].dimension)
    return point.kind == "gauge" and UNITS[point.unit].dimension == rate


def _sign(counter: str) -> Literal[1, -1]:
    match = _ENERGY.fullmatch(counter)
    return -1 if match and match[2] == "export" else 1


def _phase(suffix: str | None) -> str:
    return suffix if suffix and suffix.startswith("_l") else ""
