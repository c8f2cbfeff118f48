"""Which points of a meter a site reads, and how often.

Always: active power, imported and exported energy, as far as the map has them;
what the graph measures flows by; what ``points`` names; and the ratio registers
that any of these need. A period for the electrical or the state group adds the
usual points of that group.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from zerometer.config import keys
from zerometer.config.problems import near
from zerometer.config.readable import EXPORT, IMPORT, Readable
from zerometer.config.table import Table, shown
from zerometer.core.meter_map import MeterMap
from zerometer.core.points import Point, PolledPoint
from zerometer.core.units import UNITS

USUAL = ("active_power", IMPORT, EXPORT)

#: What a period for the electrical group adds.
ELECTRICAL = (
    "voltage_l1n", "voltage_l2n", "voltage_l3n", "voltage_l1l2", "voltage_l2l3",
    "voltage_l3l1", "current_l1", "current_l2", "current_l3", "current_n",
    "power_factor", "frequency",
)  # fmt: skip

#: Periods of the groups that the site file gives none for, in nanoseconds.
DEFAULT_PERIOD_NS = {
    "power": 1_000_000_000,
    "energy": 10_000_000_000,
    "electrical": 60_000_000_000,
    "state": 60_000_000_000,
    "ratio": 600_000_000_000,
}
SHORTEST = "100ms"
LONGEST = "1d"

Ratio = tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the site file asks of a meter: periods by group and by point."""

    groups: Mapping[str, int]
    points: Mapping[str, int] = field(default_factory=dict)
    named: tuple[str, ...] = ()


def polled(readable: Readable, asked: Asked) -> tuple[PolledPoint, ...]:
    """Return the points to poll, in the order of the map."""
    chosen = {*USUAL, *asked.named, *readable.needed}
    if "electrical" in asked.groups:
        chosen.update(ELECTRICAL)
    if "state" in asked.groups:
        chosen.update(p.name for p in readable.points.values() if p.group == "state")
    points = readable.points
    chosen.update([r for n in chosen & points.keys() for r in points[n].times])
    return tuple(
        PolledPoint(point=point, period_ns=_period_ns(point, asked))
        for name, point in points.items()
        if name in chosen
    )


def _period_ns(point: Point, asked: Asked) -> int:
    by_group = asked.groups.get(point.group, DEFAULT_PERIOD_NS[point.group])
    return asked.points.get(point.name, by_group)


def read_points(
    meter: Table, map_: MeterMap, ct: Ratio, pt: Ratio
) -> tuple[Readable, Asked]:
    """Return what a meter of this map could read, and what the file asks of it."""
    groups = read_periods(meter)
    points = {point.name: _primary(point, ct, pt) for point in map_.points}
    _check_ratios(meter, map_, ct, pt)
    own = meter.table("points", f"{meter.where}: points")
    derived: list[str] = []
    named: list[str] = []
    periods: dict[str, int] = {}
    for name in own.values:
        table = own.table(name, f"{meter.where}: points: {name}", keys.METER_POINT)
        if not isinstance(own.values[name], dict):
            continue
        if "period" in table:
            periods[name] = read_period(table, "period")
        if "from" in table:
            _derive(table, name, points)
            derived.append(name)
        elif map_.points and name not in points:
            message = f"the map has no such point{near(name, points)}"
            own.error(name, message, of_key=True)
        named.append(name)
    readable = Readable(points=points, derived=tuple(derived))
    return readable, Asked(groups=groups, points=periods, named=tuple(named))


def read_periods(meter: Table) -> dict[str, int]:
    """Return the periods that the file states for groups of points."""
    period = meter.table("period", f"{meter.where}: period", keys.PERIOD)
    return {key: read_period(period, key) for key in keys.PERIOD if key in period}


def read_period(table: Table, key: str) -> int:
    """Return how often something is read, in nanoseconds."""
    return table.duration_ns(key, SHORTEST, LONGEST, DEFAULT_PERIOD_NS["power"])


def _derive(table: Table, name: str, points: dict[str, Point]) -> None:
    """Add a counter that the site file makes from one of the map's."""
    source_name = table.text("from")
    times = table.positive("times", 1.0)
    unit = table.text("unit")
    if unit and unit not in UNITS:
        table.error("unit", f"no unit named {shown(unit)}{near(unit, UNITS)}")
        return
    if not points:
        return
    counters = [p.name for p in points.values() if p.kind == "counter"]
    source = points.get(source_name)
    if source is None or source.kind != "counter":
        message = f"the map has no counter named {shown(source_name)}"
        table.error("from", message + near(source_name, counters))
        return
    if name in points:
        table.error("from", f"the map has a point named {shown(name)} already")
        return
    points[name] = replace(_scaled(source, times), name=name, unit=unit, group="energy")


def _scaled(point: Point, times: float) -> Point:
    modulus, resolution = point.modulus, point.resolution
    return replace(
        point,
        scale=point.scale * times,
        plus=tuple(replace(part, scale=part.scale * times) for part in point.plus),
        offset=point.offset * times,
        modulus=None if modulus is None else modulus * times,
        resolution=None if resolution is None else resolution * times,
    )


def _primary(point: Point, ct: Ratio, pt: Ratio) -> Point:
    """Return the point with the nameplate's ratios in it, where the map asks so."""
    if point.ratio != "secondary":
        return point
    times = 1.0
    dimension = UNITS[point.unit].dimension
    if ct and (dimension == "current" or dimension.endswith(("power", "energy"))):
        times *= ct[0] / ct[1]
    if pt and (dimension == "voltage" or dimension.endswith(("power", "energy"))):
        times *= pt[0] / pt[1]
    return _scaled(point, times)


def _check_ratios(meter: Table, map_: MeterMap, ct: Ratio, pt: Ratio) -> None:
    ratios = {point.ratio for point in map_.points}
    if "secondary" in ratios and ct is None:
        meter.warn("map", "gives secondary values and no ct is stated: taken as 1")
    for key, ratio in (("ct", ct), ("pt", pt)):
        if ratio and map_.points and ratios == {"primary"}:
            meter.warn(key, f"has no effect: map {shown(map_.id)} gives primary values")
