"""Meters of a site file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from zerometer.config import keys
from zerometer.config.map_library import MapLibrary
from zerometer.config.own_points import read_own_points
from zerometer.config.problems import near
from zerometer.config.readable import Readable
from zerometer.config.site_factors import uncertainty
from zerometer.config.site_points import Asked, polled, read_points
from zerometer.config.table import Table, shown
from zerometer.core.meter_map import MeterMap
from zerometer.core.site import Bus, Meter
from zerometer.core.units import UNITS, factor


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A meter before it is known which of its points the site's graph needs."""

    meter: Meter
    readable: Readable
    asked: Asked

    def finished(self) -> Meter:
        """Return the meter with the points that are polled, and how often."""
        return replace(self.meter, points=polled(self.readable, self.asked))


#: A meter with one of these is read over a bus.
OF_A_BUS = ("bus", "unit", "map", "channel")

#: Stands for a map that is not known, so that reading goes on, and for none.
_NO_MAP = MeterMap(id="", vendor="", model="", category="", confidence="low", points=())


def read_meters(
    top: Table, buses: Mapping[str, Bus], library: MapLibrary
) -> dict[str, Draft]:
    """Return the meters by id."""
    drafts: dict[str, Draft] = {}
    taken: dict[tuple[str, int], list[Meter]] = {}
    for table in top.listed("meter", keys.METER):
        draft = _draft(table, buses, library)
        meter = draft.meter
        if meter.id in drafts:
            table.error("id", f"{shown(meter.id)} is the id of another meter already")
        place = (meter.bus, meter.unit)
        stated = (table.values.get("unit"), table.values.get("channel", 0))
        holds = stated == (meter.unit, meter.channel) and meter.bus in buses
        other = next((m for m in taken.get(place, ()) if _same(m, meter)), None)
        if holds and other:
            _report_same(table, meter, other)
        drafts.setdefault(meter.id, draft)
        taken.setdefault(place, []).append(meter)
    if "meter" not in top:
        top.missing("meter", "a site has at least one [[meter]]")
    used = {draft.meter.bus for draft in drafts.values()}
    if "bus" not in top and any(used):
        top.missing("bus", "a meter that is read is on a [[bus]]")
    _warn_of_idle(top, buses, used)
    if any(used):
        _warn_of_unread(top, drafts)
    return drafts


def _same(one: Meter, other: Meter) -> bool:
    """Whether two meters of one unit are the same load, not two of its channels."""
    if not (one.channel and other.channel):
        return True
    return one.channel == other.channel or one.map.id != other.map.id


def _report_same(table: Table, meter: Meter, other: Meter) -> None:
    on_bus = f"on bus {shown(meter.bus)}"
    if meter.channel and meter.channel == other.channel and meter.map == other.map:
        message = f"{meter.channel} is the channel of meter {shown(other.id)}"
        table.error("channel", f"{message}, unit {meter.unit} {on_bus}, already")
    else:
        message = f"{meter.unit} is the unit of meter {shown(other.id)}"
        table.error("unit", f"{message} {on_bus} already")


def _draft(table: Table, buses: Mapping[str, Bus], library: MapLibrary) -> Draft:
    meter = Meter(
        id=table.identifier("id"),
        name=table.text("name", ""),
        bus="",
        unit=0,
        map=_NO_MAP,
        points=(),
        serial=table.text("serial", ""),
        accuracy_class=_accuracy_class(table),
        uncertainty_percent=uncertainty(table),
    )
    if not any(key in table for key in OF_A_BUS):
        return _without_bus(table, meter)
    map_, channel = _map(table, library)
    ct, pt = _ratio(table, "ct"), _ratio(table, "pt")
    readable, asked = read_points(table, map_ or _NO_MAP, ct, pt)
    readable.known = map_ is not None
    bus = _bus(table, buses)
    meter = replace(
        meter,
        bus=bus,
        unit=table.integer("unit", *(buses[bus].units if bus in buses else (0, 255))),
        channel=channel,
        map=map_ or _NO_MAP,
        ct=ct,
        pt=pt,
        max_rate=_max_rate(table, readable),
    )
    return Draft(meter=meter, readable=readable, asked=asked)


def _without_bus(table: Table, meter: Meter) -> Draft:
    """Return a meter that is read by nobody: its own points are all it has."""
    for key in ("ct", "pt"):
        if key in table:
            table.error(key, "multiplies what is read; a meter without a bus is not")
    readable, asked = read_own_points(table)
    own = replace(_NO_MAP, points=tuple(readable.points.values()))
    meter = replace(meter, map=own, max_rate=_max_rate(table, readable))
    return Draft(meter=meter, readable=readable, asked=asked)


def _bus(table: Table, buses: Mapping[str, Bus]) -> str:
    bus = table.text("bus")
    # When no bus could be read at all, that has been said already.
    if bus and buses and bus not in buses:
        table.error("bus", f"no bus named {shown(bus)}{near(bus, buses)}")
    return bus


def _map(table: Table, library: MapLibrary) -> tuple[MeterMap | None, int]:
    """Return the map, that of one channel where it has several, and the channel."""
    name = table.text("map")
    if name and name not in library.names():
        others = library.sold_as(name) or library.names()
        table.error("map", f"no map named {shown(name)}{near(name, others)}")
    found = library.find(name)
    if found is None or not found.channels:
        if found and "channel" in table:
            table.error("channel", f"map {shown(name)} has no channels")
        return found, 0
    if "channel" not in table:
        table.missing("channel", f"map {shown(name)} has 1 to {len(found.channels)}")
    channel = table.integer("channel", 1, len(found.channels), 1)
    return found.on_channel(channel), channel


def _ratio(table: Table, key: str) -> tuple[float, float] | None:
    pair = table.numbers(key, 2)
    if pair is None:
        return None
    if min(pair) <= 0:
        table.error(key, "both numbers must be above 0, as in ct = [600, 5]")
        return None
    return pair[0], pair[1]


def _max_rate(table: Table, readable: Readable) -> dict[str, float]:
    """Return the fastest that counters can count, in their units an hour.

    ``max_power`` is that of all that count energy, unless they have their own.
    """
    rates: dict[str, float] = {}
    points = readable.points
    if "max_power" in table:
        power_kw = table.positive("max_power")
        for name in readable.counters():
            if UNITS[points[name].unit].dimension == "energy":
                rates[name] = power_kw * factor("kWh", points[name].unit)
    inner = table.table("max_rate", f"{table.where}: max_rate")
    for name in inner.values:
        rates[name] = inner.positive(name)
        if readable.known and name not in readable.counters():
            message = f"the meter has no counter {shown(name)}"
            inner.error(name, message + near(name, readable.counters()), of_key=True)
    return rates


def _accuracy_class(table: Table) -> str:
    """Return the class as text: meters are of class 0.5 as well as 0.5S."""
    value = table.values.get("class", "")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        table.error("class", f'{shown(value)} is not a class such as 0.5 or "0.5S"')
    return str(value)


def _warn_of_unread(top: Table, drafts: Mapping[str, Draft]) -> None:
    for index, draft in enumerate(drafts.values()):
        if not draft.meter.bus:
            message = "has no bus: only a replay knows what it counts, no running agent"
            top.warn("meter", f"{shown(draft.meter.id)} {message}", index)


def _warn_of_idle(top: Table, buses: Mapping[str, Bus], used: set[str]) -> None:
    for index, bus in enumerate(buses):
        if bus not in used:
            top.warn("bus", f"no meter is on {shown(bus)}", index)
