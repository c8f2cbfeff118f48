"""How a flow is measured: the words "meter" or "meter:point", resolved.

Meters are known first by what they could read; which points a site polls
follows from what its graph asks for here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from zerometer.config import keys
from zerometer.config.problems import near
from zerometer.config.readable import Readable, sign_of, sum_of
from zerometer.config.table import Table, shown
from zerometer.core.points import Point
from zerometer.core.site import Combination, Measure, Measured
from zerometer.core.units import UNITS, factor

Terms = tuple[tuple[Literal[1, -1], Measure], ...]


@dataclass(frozen=True)
class Virtual:
    """A virtual meter: a sum of measures, all in ``unit``.

    Nothing is said of one that does not hold, which has no unit.
    """

    unit: str
    terms: Terms = ()


class Measures:
    """Turns the measures of a site file into core.site.Measured."""

    def __init__(self, meters: Mapping[str, Readable]) -> None:
        self._meters = meters
        self._virtual: dict[str, Virtual] = {}

    def add(self, name: str, virtual: Virtual) -> None:
        """Let measures name a virtual meter."""
        self._virtual[name] = virtual

    def is_meter(self, name: str) -> bool:
        """Tell whether a real meter has this id."""
        return name in self._meters

    def is_virtual(self, value: object) -> bool:
        """Tell whether *value* names a virtual meter."""
        return isinstance(value, str) and value in self._virtual

    def counts(self, meter: object, counter: str) -> bool:
        """Tell whether *meter* is the id of a meter that has this counter."""
        known = self._meters.get(meter) if isinstance(meter, str) else None
        return known is not None and counter in known.points

    def unit(self, measured: Measured) -> str:
        """Return the unit of a measure's counter, or of what its power adds up to."""
        if isinstance(measured, Combination):
            return self._virtual[measured.id].unit
        point = self._meters[measured.meter].points[measured.point]
        return sum_of(point) or point.unit

    def counted(self, measure: Measure) -> tuple[str, str]:
        """Return the meter and the point that count what *measure* tells of.

        Of a power alone it is the counter whose shape the power is, if there is one.
        """
        meter = self._meters[measure.meter]
        for name in () if measure.counter else meter.counters():
            power = meter.power_of(meter.points[name])
            if power and power.name == measure.power and sign_of(name) == measure.sign:
                return measure.meter, name
        return measure.meter, measure.point

    def read(
        self, table: Table, key: str, unit: str, default: str | None = None
    ) -> Measured | None:
        """Return the measure at *key*, in *unit*; None when it does not hold.

        Without a *unit*, the meter and its counter are checked all the same.
        *default* is the counter meant when the file names only a meter;
        without it, the meter's own default is, or the only rate of one without.
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

    def gauge(self, table: Table, key: str) -> tuple[str, str] | None:
        """Return the meter and the gauge named at *key*, as "meter:point"."""
        meter_id, _, name = table.text(key).partition(":")
        meter = self._meter(table, key, meter_id)
        if meter is None or not meter.known:
            return None
        gauges = [p.name for p in meter.points.values() if p.kind == "gauge"]
        if name not in gauges:
            table.error(key, f'name a gauge, as "meter:point"{near(name, gauges)}')
            return None
        meter.needed.add(name)
        return meter_id, name

    def _meter(self, table: Table, key: str, meter_id: str) -> Readable | None:
        meter = self._meters.get(meter_id)
        if meter is None and meter_id:
            message = f"no meter named {shown(meter_id)}"
            known = chain(self._meters, self._virtual)
            table.error(key, message + near(meter_id, known))
        return meter

    def _resolve(
        self,
        table: Table,
        key: str,
        unit: str,
        default: str | None,
        times: float | None,
    ) -> Measured | None:
        text = table.text(key)
        meter_id, _, name = text.partition(":")
        if meter_id in self._virtual:
            return self._combined(table, key, unit, times)
        meter = self._meter(table, key, meter_id)
        if meter is None:
            return None
        point = self._point(table, key, meter, name or default)
        if point is None:
            return None
        added = sum_of(point)
        what = f'"{point.name}" {"adds up" if added else "counts"}'
        times = _times(table, key, times, what, (added or point.unit, unit))
        if times is None:
            return None
        if added:
            return _alone(meter_id, meter, point, times)
        return _measure(meter_id, meter, point, times)

    def _combined(
        self, table: Table, key: str, unit: str, times: float | None
    ) -> Combination | None:
        meter_id, _, point = table.text(key).partition(":")
        virtual = self._virtual[meter_id]
        if point:
            message = f"{shown(meter_id)} is a virtual meter, which has no points"
            table.error(key, f"{message}; name it alone")
            return None
        if not virtual.unit:
            return None
        what = f"{shown(meter_id)} is"
        times = _times(table, key, times, what, (virtual.unit, unit))
        if times is None:
            return None
        return Combination(id=meter_id, terms=scaled(virtual.terms, times))

    def _point(
        self, table: Table, key: str, meter: Readable, name: str | None
    ) -> Point | None:
        """Return the counter that is meant, or the rate."""
        if not meter.known:
            return None
        name = name or meter.default_counter() or meter.default_rate()
        if name is None:
            message = 'name a counter, as "meter:counter"'
            table.error(key, message + near("", meter.counters()))
            return None
        point = meter.points.get(name)
        if point is None:
            message = f"the meter has no point {shown(name)}"
            table.error(key, message + near(name, meter.counters()))
            return None
        if point.kind != "counter" and not sum_of(point):
            message = f"{shown(name)} is neither a counter nor a rate such as kW"
            table.error(key, message + near(name, meter.counters()))
            return None
        return point


def scaled(terms: Terms, times: float) -> Terms:
    """Return *terms* in another unit."""
    return tuple((sign, _scaled(measure, times)) for sign, measure in terms)


def _scaled(measure: Measure, times: float) -> Measure:
    if measure.power is None:
        return replace(measure, times=measure.times * times)
    hourly = measure.power_times * times
    return replace(measure, times=measure.times * times, power_times=hourly)


def _times(
    table: Table, key: str, stated: float | None, what: str, units: tuple[str, str]
) -> float | None:
    """Return what one of the first unit is in the second: as stated, or as known."""
    source, target = units
    if stated is not None or not target:
        return 1.0 if stated is None else stated
    if UNITS[source].dimension == UNITS[target].dimension:
        return factor(source, target)
    meter = table.text(key).partition(":")[0]
    message = f"{what} in {shown(source)}, not in {target}"
    example = f'{{ meter = "{meter}", times = ... }}'
    table.error(key, f"{message}; give the factor: {example}")
    return None


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
        sign=sign_of(counter.name),
        times=times,
        power_times=hourly * times,
    )


def _alone(meter_id: str, meter: Readable, power: Point, times: float) -> Measure:
    """Return the measure of a flow that only a rate tells of: its positive part."""
    meter.needed.add(power.name)
    return Measure(
        meter=meter_id,
        counter="",
        power=power.name,
        times=times,
        power_times=UNITS[power.unit].to_base * times,
    )
