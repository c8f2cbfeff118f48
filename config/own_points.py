"""Points of a meter without a bus: what a file or an interface brings of it.

Nothing is read, so a point is no more than a name and a unit: what can be summed
up is a counter, all else a gauge.
"""

import re
from dataclasses import replace
from typing import cast

from zerometer.config import keys
from zerometer.config.problems import near
from zerometer.config.readable import Readable
from zerometer.config.site_points import Asked, read_period, read_periods
from zerometer.config.table import Table, shown
from zerometer.core.points import Group, Kind, Point
from zerometer.core.units import UNITS

#: Dimensions of what meters count; their rates, and all else, are gauges.
COUNTED = (
    "energy", "reactive_energy", "apparent_energy", "charge", "volume",
    "normal_volume", "mass", "duration", "count", "pieces",
)  # fmt: skip
_RATES = ("power", "_flow", "_rate")
_ELECTRICAL = ("voltage", "current", "frequency", "angle")

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def read_own_points(meter: Table) -> tuple[Readable, Asked]:
    """Return the points that the file states of a meter without a bus."""
    own = meter.table("points", f"{meter.where}: points")
    if not own.values:
        meter.missing("points", 'without a bus, say what it has: { volume = "Nm3" }')
    points: dict[str, Point] = {}
    periods: dict[str, int] = {}
    groups = read_periods(meter)
    for name in own.values:
        point, period_ns = _point(own, name)
        if point:
            points[name] = point
            # 0: as often as its readings turn out to come.
            periods[name] = period_ns or groups.get(point.group, 0)
    # Of points that do not hold, nothing more is said.
    known = bool(points) and len(points) == len(own.values)
    readable = Readable(points=points, known=known, own=True)
    return readable, Asked(groups={}, points=periods, named=tuple(points))


def _point(own: Table, name: str) -> tuple[Point | None, int]:
    """Return a point and how often it comes, 0 when that is not stated."""
    if not _NAME.fullmatch(name):
        message = "a point's name is of lower-case letters, digits and underscores"
        own.error(name, message, of_key=True)
        return None, 0
    if not isinstance(own.values[name], dict):
        unit = _unit(own, name)
        return (_made(name, unit, _kind(unit)) if unit else None), 0
    table = own.table(name, f"{own.where}: {name}", keys.OWN_POINT)
    unit = _unit(table, "unit")
    period_ns = read_period(table, "period") if "period" in table else 0
    return (_stated(table, name, unit) if unit else None), period_ns


def _unit(table: Table, key: str) -> str:
    unit = table.text(key)
    if unit and unit not in UNITS:
        table.error(key, f"no unit named {shown(unit)}{near(unit, UNITS)}")
        return ""
    return unit


def _kind(unit: str) -> str:
    return "counter" if UNITS[unit].dimension in COUNTED else "gauge"


def _stated(table: Table, name: str, unit: str) -> Point:
    usual = _kind(unit)
    kind = table.choice("kind", ("counter", "gauge"), usual)
    if kind == "counter" and usual == "gauge":
        table.error("kind", f"{shown(unit)} cannot be summed up; leave kind out")
    if "modulus" in table and kind == "gauge":
        table.error("modulus", "only a counter rolls over")
    return replace(
        _made(name, unit, kind),
        modulus=table.positive("modulus") if "modulus" in table else None,
        resolution=table.positive("resolution") if "resolution" in table else None,
    )


def _made(name: str, unit: str, kind: str) -> Point:
    return Point(
        name=name,
        function=0,
        address=0,
        type="f64",
        unit=unit,
        group=_group(unit, kind),
        kind=cast(Kind, kind),
    )


def _group(unit: str, kind: str) -> Group:
    dimension = UNITS[unit].dimension
    if kind == "counter":
        return "energy"
    if dimension.endswith(_RATES):
        return "power"
    return "electrical" if dimension in _ELECTRICAL else "state"
