"""What a point's name says it measures, and its value in a simulated meter.

Names follow the vocabulary of the meter maps: a quantity (``active_power``,
``voltage_l1n``, ``active_energy_import``), perhaps of one phase or tariff, perhaps
a copy, a demand, or the primary side of the same.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from zerometer.core.points import Point
from zerometer.core.units import UNITS, factor

#: How a load divides over the phases.
PHASE_SHARE = {"1": 0.34, "2": 0.335, "3": 0.325}
COS_PHI = 0.95
TAN_PHI = math.tan(math.acos(COS_PHI))
VOLTAGE_V = 230.0

_COPY = re.compile(r"^(primary_|max_demand_|demand_)+|_(resettable|hires|alt|net|wh)$")
_PART = re.compile(r"(?P<quantity>.+?)_(?P<kind>[lt])(?P<number>\d)")
_CHANNEL = re.compile(r"pulse_counter_(?P<number>\d+)")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state behind a meter at one instant.

    Power and indices are in kW and kWh, or in the unit of what flows; ``run_h``
    is the time since boot.
    """

    power: float
    imported: float
    exported: float
    run_h: float

    @property
    def voltage(self) -> float:
        """Volts from phase to neutral: a slow swing, and a drop under load."""
        swing = 1.5 * math.sin(self.run_h * 97)
        return VOLTAGE_V + swing - 2.0 * math.tanh(self.power / 500)


Value = Callable[[Snapshot], float]

#: Quantities of a whole meter: the unit of the number, and the number.
_TOTALS: dict[str, tuple[str, Value]] = {
    "active_power": ("kW", lambda s: s.power),
    "reactive_power": ("kvar", lambda s: abs(s.power) * TAN_PHI),
    "apparent_power": ("kVA", lambda s: abs(s.power) / COS_PHI),
    "active_energy_import": ("kWh", lambda s: s.imported),
    "active_energy_export": ("kWh", lambda s: s.exported),
    "active_energy_total": ("kWh", lambda s: s.imported + s.exported),
    "reactive_energy_import": ("kvarh", lambda s: s.imported * TAN_PHI),
    "reactive_energy_export": ("kvarh", lambda s: s.exported * TAN_PHI),
    "reactive_energy_total": ("kvarh", lambda s: (s.imported + s.exported) * TAN_PHI),
    "apparent_energy": ("kVAh", lambda s: (s.imported + s.exported) / COS_PHI),
    "charge": ("Ah", lambda s: (s.imported + s.exported) * 1e3 / VOLTAGE_V / COS_PHI),
    "current": ("A", lambda s: abs(s.power) * 1e3 / s.voltage / COS_PHI),
}
_TOTALS["current_sum"] = _TOTALS["current"]

#: Quantities that do not add up over phases.
_INTENSIVE: dict[str, tuple[str, Value]] = {
    "power_factor": ("", lambda s: math.copysign(COS_PHI, s.power)),
    "cos_phi": ("", lambda _s: COS_PHI),
    "phase_angle": ("deg", lambda _s: math.degrees(math.acos(COS_PHI))),
    "frequency": ("Hz", lambda s: 50.0 + 0.02 * math.sin(s.run_h * 211)),
    "current_avg": ("A", lambda s: _TOTALS["current"][1](s) / 3),
    "current_n": ("A", lambda s: 0.04 * _TOTALS["current"][1](s)),
    "thd_voltage": ("%", lambda _s: 1.8),
    "thd_voltage_avg": ("%", lambda _s: 1.8),
    "thd_current": ("%", lambda _s: 4.5),
    "thd_current_avg": ("%", lambda _s: 4.5),
    "flow": ("", lambda s: s.power),
    "heat_power": ("kW", lambda s: s.power),
    "operating_hours": ("h", lambda s: s.run_h),
    "temperature": ("degC", lambda _s: 20.0),
    "pressure": ("bar", lambda _s: 6.5),
    "soc": ("%", lambda _s: 55.0),
}


def value_of(point: Point, unit: str, pulse: float) -> Value:
    """Return how to get *point*'s value, in its unit, from a snapshot.

    ``unit`` is that of the snapshot's indices; ``pulse`` is how much of it one
    pulse stands for.
    """
    channel = _CHANNEL.fullmatch(point.name)
    if channel:
        if channel["number"] == "1":
            return _scaled(lambda s: s.imported, 1.0 if unit == "pulses" else 1 / pulse)
        return lambda _s: 0.0
    found, value = _resolve(_COPY.sub("", point.name)) or _by_group(point, unit)
    if point.unit == found or not _convertible(found, point.unit):
        return value
    return _scaled(value, factor(found, point.unit))


def derived_value_of(point: Point, source: Point, unit: str) -> Value:
    """Return the same for a *point* that a site made from *source* of the map.

    A pulse counter says nothing of what it counts: that is what the meter is for.
    """
    if _CHANNEL.fullmatch(source.name):
        return value_of(point, unit, 1.0)
    return _scaled(value_of(source, unit, 1.0), point.scale / source.scale)


def _scaled(value: Value, times: float) -> Value:
    return lambda s: value(s) * times


def _resolve(name: str) -> tuple[str, Value] | None:
    if name.startswith("voltage_"):
        between = math.sqrt(3) if re.search(r"l\dl\d|ll", name) else 1.0
        return "V", lambda s: s.voltage * between
    if name in _TOTALS or name in _INTENSIVE:
        return _TOTALS.get(name) or _INTENSIVE[name]
    part = _PART.fullmatch(name)
    if part is None:
        return None
    if part["quantity"] in _INTENSIVE:
        return _INTENSIVE[part["quantity"]]
    if part["quantity"] not in _TOTALS:
        return None
    unit, total = _TOTALS[part["quantity"]]
    if part["kind"] == "l":
        share = PHASE_SHARE.get(part["number"], 0.0)
    else:
        share = 1.0 if part["number"] == "1" else 0.0
    return unit, lambda s: total(s) * share


def _by_group(point: Point, unit: str) -> tuple[str, Value]:
    """Points of no known name: counters count what flows, powers show its rate."""
    if point.kind == "counter":
        return unit, lambda s: s.imported
    if point.group == "power":
        # The rate has no name that every unit shares; it converts as its amount.
        return "", lambda s: s.power
    return "", lambda _s: 0.0


def _convertible(source: str, target: str) -> bool:
    if source not in UNITS or target not in UNITS:
        return False
    return UNITS[source].dimension == UNITS[target].dimension
