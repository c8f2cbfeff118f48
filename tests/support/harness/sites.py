"""Small sites, built by hand, and readings for them."""

from array import array
from dataclasses import replace
from typing import Literal

from zerometer.core.meter_map import MeterMap
from zerometer.core.points import Point, PolledPoint, Quality, Reading
from zerometer.core.site import (
    Bus,
    Factor,
    Fuel,
    Measure,
    Meter,
    Pool,
    Process,
    Sink,
    Site,
    Source,
    Storage,
    View,
)

SECOND = 10**9

POWER = Point(name="active_power", function=4, address=52, type="f32", unit="W",
              group="power", resolution=1.0)  # fmt: skip
IMPORT = Point(name="active_energy_import", function=4, address=72, type="f32",
               unit="kWh", group="energy", kind="counter",
               resolution=0.001)  # fmt: skip
EXPORT = replace(IMPORT, name="active_energy_export", address=74)
VOLUME = Point(name="volume", function=3, address=52, type="u32", unit="Nm3",
               scale=0.01, group="energy", kind="counter")  # fmt: skip

ELECTRIC = (POWER, IMPORT, EXPORT)


def meter(meter_id: str, unit: int, *points: Point) -> Meter:
    """Return a meter that is polled each second, its counters each five."""
    used = points or ELECTRIC
    return Meter(
        id=meter_id,
        bus="bus",
        unit=unit,
        map=MeterMap(
            id="hand", vendor="", model="", category="electricity", confidence="low",
            points=used,
        ),
        points=tuple(
            PolledPoint(
                point=p, period_ns=(1 if p.group == "power" else 5) * SECOND
            )
            for p in used
        ),
    )  # fmt: skip


def drawn(meter_id: str) -> Measure:
    """Return what a meter counts as import."""
    return Measure(meter=meter_id, counter="active_energy_import",
                   power="active_power", power_times=0.001)  # fmt: skip


def given(meter_id: str) -> Measure:
    """Return what a meter counts as export."""
    return Measure(meter=meter_id, counter="active_energy_export", sign=-1,
                   power="active_power", power_times=0.001)  # fmt: skip


def both(value: float, unit: str = "kg/kWh") -> dict[str, Factor]:
    """Return one factor for all views."""
    factor = Factor(value=value, unit=unit)
    return {"physical": factor, "location": factor}


def small_site() -> Site:
    """Return grid, PV and battery on a busbar; a line, a compressor, a boiler."""
    gas = Measure(meter="gas", counter="volume")
    return Site(
        id="small",
        name="Small",
        timezone="Asia/Shanghai",
        revision="0",
        buses=(Bus(id="bus", port="/dev/null"),),
        meters=(
            meter("grid", 1),
            meter("pv", 2),
            meter("battery", 3),
            meter("compressor", 4),
            meter("line", 5),
            meter("gas", 6, VOLUME),
        ),
        pools=(
            Pool(id="lv", carrier="electricity", unit="kWh"),
            Pool(id="air", carrier="compressed_air", unit="Nm3"),
            Pool(id="heat", carrier="heat", unit="GJ"),
        ),
        sources=(
            Source(id="grid", pool="lv", measure=drawn("grid"), factors=both(0.6)),
            Source(id="pv", pool="lv", measure=drawn("pv"), factors=both(0.0)),
        ),
        processes=(
            Process(
                id="compressors",
                takes={"lv": drawn("compressor")},
                gives={
                    "air": Measure(
                        meter="compressor", counter="active_energy_import",
                        power="active_power", times=8.0, power_times=0.008,
                    )
                },
            ),
            Process(
                id="boiler",
                takes={},
                gives={"heat": Measure(meter="gas", counter="volume", times=0.03)},
                fuels=(
                    Fuel(carrier="natural_gas", unit="Nm3", measure=gas,
                         factors=both(2.0, "kg/Nm3")),
                ),
            ),
        ),
        storages=(
            Storage(id="battery", pool="lv", charge=drawn("battery"),
                    discharge=given("battery"), charge_efficiency=0.9,
                    discharge_efficiency=0.9),
        ),
        sinks=(
            Sink(id="line", pool="lv", measure=drawn("line")),
            Sink(id="export", pool="lv", measure=given("grid"), kind="export"),
            Sink(id="rest", pool="lv", measure=None, kind="remainder"),
            Sink(id="air-users", pool="air", measure=None, kind="remainder"),
        ),
    )  # fmt: skip


def with_series(site: Site, series: str, *, fallback: float, other: float) -> Site:
    """Return *site*, the grid's physical factor by a series, *other* in all views.

    *fallback* counts while the series has no value. All in kg per kWh.
    """
    factor = Factor(value=fallback, unit="kg/kWh", id=series, series=series)
    grid = replace(site.sources[0], factors={**both(other), "physical": factor})
    return replace(site, sources=(grid, *site.sources[1:]))


def market_site(
    site: Site, matching: Literal["15min", "hour", "month", "year"]
) -> Site:
    """Return *site* with the market view, in which its grid has 0.9 kg/kWh."""
    views: tuple[View, ...] = ("location", "market")

    def known(factors: dict[View, Factor], market: float | None) -> dict[View, Factor]:
        location = factors["location"]
        value = location.value if market is None else market
        return {"location": location, "market": replace(location, value=value)}

    return replace(
        site,
        views=views,
        matching=matching,
        sources=tuple(
            replace(s, factors=known(s.factors, 0.9 if s.id == "grid" else None))
            for s in site.sources
        ),
        processes=tuple(
            replace(
                p,
                fuels=tuple(
                    replace(f, factors=known(f.factors, None)) for f in p.fuels
                ),
            )
            for p in site.processes
        ),
    )


def reading(site: Site, meter_id: str, time_ns: int, **values: float) -> Reading:
    """Return a reading of some points of a meter; NaN stands for missing."""
    names = [polled.point.name for polled in site.meter(meter_id).points]
    return Reading(
        meter_id,
        time_ns,
        tuple(names.index(name) for name in values),
        array("d", values.values()),
        bytes(
            Quality.MISSING if value != value else Quality.MEASURED  # noqa: PLR0124
            for value in values.values()
        ),
    )


class World:
    """Meters that measure constant powers exactly, and are read like real ones."""

    def __init__(
        self, site: Site, powers_w: dict[str, float], gas_nm3_h: float
    ) -> None:
        self.site = site
        self.powers_w = powers_w
        self.gas_nm3_h = gas_nm3_h
        self.imports = dict.fromkeys(powers_w, 1000.0)
        self.exports = dict.fromkeys(powers_w, 50.0)
        self.volume = 500.0
        self.dead: set[str] = set()

    def second(self) -> None:
        """Let a second pass."""
        for name, watts in self.powers_w.items():
            self.imports[name] += max(watts, 0.0) / 3.6e6
            self.exports[name] += max(-watts, 0.0) / 3.6e6
        self.volume += self.gas_nm3_h / 3600

    def readings(self, time_ns: int, *, counters: bool) -> list[Reading]:
        """Return what a poll at *time_ns* brings."""
        found = []
        for name, watts in self.powers_w.items():
            if name in self.dead:
                continue
            found.append(reading(self.site, name, time_ns, active_power=watts))
            if counters:
                found.append(
                    reading(
                        self.site,
                        name,
                        time_ns,
                        active_energy_import=self.imports[name],
                        active_energy_export=self.exports[name],
                    )
                )
        if counters and "gas" not in self.dead:
            found.append(reading(self.site, "gas", time_ns, volume=self.volume))
        return found
