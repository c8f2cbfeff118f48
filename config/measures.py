"""How a flow is measured: the words "meter" or "meter:point", resolved.

Meters are known first by what they could read; which points a site polls
follows from what its graph asks for here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from zerometer.config import keys
from zerometer.config.problems import near
from zerometer.config.table import Table, shown
from zerometer.core.points import Point
from zerometer.core.site import Measure
from zerometer.core.units import UNITS, factor

IMPORT = "active_energy_import"
EXPORT = "active_energy_export"

# The power that belongs to a counter: of the same phase and the same copy.
_ENERGY = re.compile(r"(primary_)?active_energy_(import|export)(_l[123]|_alt)?")


@dataclass(kw_only=True)
class Readable:
    """What a meter could read, by point name; ``derived`` the site file made.

    ``needed`` grows by the points that the graph asks for. A meter whose map is
    not known has no points and ``known`` is false: nothing is said of them.
    """

    points: Mapping[str, Point]
    derived: tuple[str, ...] = ()
    known: bool = True
    needed: set[str] = field(default_factory=set)

    def counters(self) -> list[str]:
        """Return the names of all counters."""
        return [p.name for p in self.points.values() if p.kind == "counter"]

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
    match = _ENERGY.fullmatch(counter.name)
    power = match and meter.points.get(
        f"{match[1] or ''}active_power{_phase(match[3])}"
    )
    if match is None or power is None or UNITS[power.unit].dimension != "power":
        return Measure(meter=meter_id, counter=counter.name, times=times)
    meter.needed.add(power.name)
    # What the power counts up in one hour, in the counter's unit.
    hourly = factor(power.unit, "kW") * factor("kWh", counter.unit)
    return Measure(
        meter=meter_id,
        counter=counter.name,
        power=power.name,
        sign=-1 if match[2] == "export" else 1,
        times=times,
        power_times=hourly * times,
    )


def _phase(suffix: str | None) -> str:
    return suffix if suffix and suffix.startswith("_l") else ""
