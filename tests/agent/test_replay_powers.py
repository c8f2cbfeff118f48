"""Flows of which only a power is read, and periods that nobody states."""

from pathlib import Path
from typing import Any

import pytest
from harness.replays import differences, kinds, replay
from harness.scenarios import START, iso, site

EXACT = 1e-9
MINUTE = 60
CASES = Path(__file__).parent / "cases" / "replay"
LV = """
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "grid"
factor = 0.6
"""


def meters(points: str, *names: str) -> str:
    """Return meters of which nothing is said but what points they have."""
    return "\n".join(f'[[meter]]\nid = "{n}"\npoints = {{ {points} }}' for n in names)


def written(path: Path, *rows: tuple[float, str, str, float]) -> Path:
    """Write readings: minute, meter, point and value."""
    lines = [f"{iso(START + t * MINUTE)},{m},{p},{v!r}" for t, m, p, v in rows]
    path.write_text("\n".join(["time,meter,point,value", *lines]) + "\n")
    return path


@pytest.mark.parametrize("every", [5, 30, 60])
def test_a_published_network_given_as_powers(tmp_path: Path, every: int) -> None:
    """Bialek's four buses: an hour of steady powers is what counters count in it."""
    case = CASES / "bialek4-sink"
    powers = tmp_path / "site.toml"
    text = (case / "site.toml").read_text(encoding="utf-8")
    powers.write_text(text.replace('{ unit = "kWh", period = "1h" }', '"kW"'), "utf-8")
    assert "kWh" not in powers.read_text(encoding="utf-8")
    lines = (case / "readings.csv").read_text(encoding="utf-8").splitlines()
    last = [line.split(",") for line in lines if "T09:00" in line]
    rows = [
        (minute, meter, point, float(value))
        for minute in range(0, 61, every)
        for _, meter, point, value in last
    ]
    found = replay(powers, written(tmp_path / "r.csv", *rows))
    counted = replay(case / "site.toml", case / "readings.csv")
    told = ("pools", "sources", "sinks", "processes", "emissions_kg", "unmeasured")
    expected = {name: counted[name] for name in told}
    assert differences(expected, found, EXACT) == []
    assert found["measured_share"] == 1.0
    assert kinds(found) == set()


def test_powers_that_change_are_followed_by_the_minute(tmp_path: Path) -> None:
    """PV feeds the line while it runs: what the grid feeds later is not the line's."""
    path = site(
        tmp_path / "site.toml",
        meters('power = "MW"', "grid", "pv", "line"),
        LV,
        '[source.pv]\ninto = "lv"\nmeter = "pv:power"\nfactor = 0\nkind = "own"',
        '[virtual.shop]\nunit = "kWh"\nplus = ["grid", "pv"]\nminus = ["line"]',
        '[sink.line]\nfrom = { lv = "line" }\n[sink.shop]\nfrom = { lv = "shop" }',
    )
    rows = [
        (minute, meter, "power", kw / 1000)
        for minute in range(0, 61, 10)
        for meter, kw in (
            ("grid", 0.0 if minute < 30 else 200.0),
            ("pv", 200.0 if minute < 30 else -0.1),
            ("line", 200.0 if minute < 30 else 0.0),
        )
    ]
    found = replay(path, written(tmp_path / "r.csv", *rows))
    quantities = {name: its["quantity"] for name, its in found["sinks"].items()}
    assert quantities["line"] == pytest.approx(100.0, rel=EXACT)
    assert quantities["shop"] == pytest.approx(100.0, rel=EXACT)
    assert found["sinks"]["line"]["emissions_kg"]["physical"] == 0
    assert found["sinks"]["shop"]["emissions_kg"]["physical"] == pytest.approx(
        60.0, rel=EXACT
    )
    assert found["sources"]["pv"]["quantity"] == pytest.approx(100.0, rel=EXACT)


def test_a_hole_in_powers_is_nobodys(tmp_path: Path) -> None:
    """Held for three periods, then not seen; one that never came is told."""
    path = site(
        tmp_path / "site.toml",
        meters('power = "kW"', "grid", "fan"),
        LV,
        '[sink.fan]\nfrom = { lv = "fan" }\n[sink.rest]\nremainder_of = "lv"',
    )
    rows = [(t, "grid", "power", 60.0) for t in range(61) if not 10 < t < 50]
    found = replay(path, written(tmp_path / "r.csv", *rows))
    # Of 11:00 to 49:59 the value of 10:00 says two minutes more.
    assert found["sources"]["grid"]["quantity"] == pytest.approx(23.0, rel=EXACT)
    assert found["measured_share"] == pytest.approx(23 / 60 / 2, rel=EXACT)
    assert kinds(found) == {("no-reading", "fan"), ("unseen", "grid")}
    fan, grid = sorted(flag["text"] for flag in found["flags"])
    assert fan == "power: no reading: what flowed counts as 0 in sink.fan"
    assert grid == (
        "power: no value in 2220 s: what flowed then counts as 0 in source.grid"
    )


def test_a_counter_that_never_came_leaves_its_power(tmp_path: Path) -> None:
    path = site(
        tmp_path / "site.toml",
        meters('energy = "kWh", power = "kW"', "grid"),
        LV,
        '[sink.rest]\nremainder_of = "lv"',
    )
    rows = [(t, "grid", "power", 60.0) for t in range(61)]
    found = replay(path, written(tmp_path / "r.csv", *rows))
    assert found["sources"]["grid"]["quantity"] == pytest.approx(60.0, rel=EXACT)
    (flag,) = found["flags"]
    assert flag["text"] == (
        "energy: no reading: what flowed stands on power alone in source.grid"
    )


def counts(tmp_path: Path, minutes: list[int]) -> dict[str, Any]:
    """Return what comes out of a counter that was read at *minutes*, all steady."""
    path = site(
        tmp_path / "site.toml",
        meters('energy = "kWh"', "grid"),
        LV,
        '[sink.rest]\nremainder_of = "lv"',
    )
    rows = [(t, "grid", "energy", 500.0 + t / 4) for t in minutes]
    found = replay(path, written(tmp_path / "r.csv", *rows))
    total = (minutes[-1] - minutes[0]) / 4
    assert found["sources"]["grid"]["quantity"] == pytest.approx(total, rel=EXACT)
    return found


def test_hourly_readings_without_a_period_are_measured(tmp_path: Path) -> None:
    found = counts(tmp_path, list(range(0, 1441, 60)))
    assert found["measured_share"] == 1.0


def test_a_hole_without_a_period_is_estimated(tmp_path: Path) -> None:
    minutes = [t for t in range(121) if not 60 < t < 100]
    found = counts(tmp_path, minutes)
    assert found["measured_share"] == pytest.approx(80 / 120, rel=EXACT)
