"""Meters without a bus: what a site file says of their points."""

from pathlib import Path

import pytest

from zerometer.config.site import load_site
from zerometer.core.points import PolledPoint
from zerometer.core.site import Measure, Site

SITE = """
format = 1
[site]
id = "works"
timezone = "Asia/Shanghai"
[[meter]]
id = "pv"
points = { active_energy_import = "kWh", active_power = "kW" }
[[meter]]
id = "m"
POINTS
[pool.lv]
carrier = "electricity"
[pool.gas]
carrier = "natural_gas"
[source.pv]
into = "lv"
meter = "pv"
factor = 0
[source.gas]
into = "gas"
meter = { meter = "pv", times = 0.1 }
factor = 0
[sink.rest]
remainder_of = "lv"
[sink.gas]
SINK
"""


def load(folder: Path, points: str, sink: str = 'remainder_of = "gas"') -> Site:
    path = folder / "site.toml"
    path.write_text(SITE.replace("POINTS", points).replace("SINK", sink), "utf-8")
    loaded = load_site(path)
    assert loaded.warnings == ()
    return loaded.site


def points_of(folder: Path, points: str) -> dict[str, PolledPoint]:
    return {p.point.name: p for p in load(folder, points).meter("m").points}


def test_a_site_of_meters_without_a_bus_has_none(tmp_path: Path) -> None:
    site = load(tmp_path, 'points = { volume = "Nm3" }')
    assert site.buses == ()
    assert {meter.bus for meter in site.meters} == {""}
    assert [p.point.name for p in site.meter("m").points] == ["volume"]


@pytest.mark.parametrize(
    ("unit", "kind", "group"),
    [
        ("kWh", "counter", "energy"),
        ("Nm3", "counter", "energy"),
        ("t", "counter", "energy"),
        ("pcs", "counter", "energy"),
        ("kW", "gauge", "power"),
        ("kg/h", "gauge", "power"),
        ("pcs/h", "gauge", "power"),
        ("V", "gauge", "electrical"),
        ("%", "gauge", "state"),
        ("degC", "gauge", "state"),
    ],
)
def test_units_say_what_is_counted(
    tmp_path: Path, unit: str, kind: str, group: str
) -> None:
    point = points_of(tmp_path, f'points = {{ value = "{unit}" }}')["value"].point
    assert (point.unit, point.kind, point.group) == (unit, kind, group)


def test_what_a_table_says_of_a_point(tmp_path: Path) -> None:
    points = points_of(
        tmp_path,
        'points = { energy = { unit = "MWh", modulus = 1000, resolution = 0.1,'
        ' period = "1h" }, level = { unit = "m3", kind = "gauge" }, power = "kW" }\n'
        'period = { power = "1min" }',
    )
    energy = points["energy"].point
    assert (energy.modulus, energy.resolution, energy.kind) == (1000, 0.1, "counter")
    assert points["level"].point.kind == "gauge"
    periods = {name: p.period_ns // 10**9 for name, p in points.items()}
    assert periods == {"energy": 3600, "level": 0, "power": 60}


def test_standard_names_mean_what_they_mean_on_other_meters(tmp_path: Path) -> None:
    site = load(tmp_path, 'points = { volume = "Nm3" }')
    assert site.sources[0].measure == Measure(
        meter="pv", counter="active_energy_import", power="active_power"
    )


def test_the_only_rate_shapes_the_only_counter(tmp_path: Path) -> None:
    points = 'points = { total = "Nm3", flow = "Nm3/h", power = "kW", dew = "degC" }'
    site = load(tmp_path, points, 'from = { gas = "m" }')
    measure = site.sinks[1].measure
    assert measure == Measure(meter="m", counter="total", power="flow")


def test_a_period_that_nobody_states_is_learnt(tmp_path: Path) -> None:
    points = points_of(tmp_path, 'points = { total = "Nm3", flow = "Nm3/h" }')
    assert {p.period_ns for p in points.values()} == {0}


@pytest.mark.parametrize("meter", ["m", "m:flow"])
def test_a_rate_alone_is_a_measure(tmp_path: Path, meter: str) -> None:
    site = load(
        tmp_path, 'points = { flow = "Nm3/h" }', f'from = {{ gas = "{meter}" }}'
    )
    measure = site.sinks[1].measure
    assert measure == Measure(meter="m", counter="", power="flow")


def test_a_rate_adds_up_in_its_base_unit(tmp_path: Path) -> None:
    sink = 'from = { gas = { meter = "m", times = 0.5 } }'
    site = load(tmp_path, 'points = { flow = "L/h" }', sink)
    assert site.sinks[1].measure == Measure(
        meter="m", counter="", power="flow", times=0.5, power_times=0.0005
    )


def test_a_rate_is_taken_alone_where_it_is_named(tmp_path: Path) -> None:
    points = 'points = { total = "Nm3", flow = "Nm3/h" }'
    site = load(tmp_path, points, 'from = { gas = "m:flow" }')
    measure = site.sinks[1].measure
    assert measure == Measure(meter="m", counter="", power="flow")


def test_of_two_rates_none_is_taken(tmp_path: Path) -> None:
    points = 'points = { total = "Nm3", flow = "Nm3/h", peak = "Nm3/h" }'
    site = load(tmp_path, points, 'from = { gas = "m" }')
    assert site.sinks[1].measure == Measure(meter="m", counter="total")
