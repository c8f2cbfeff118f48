"""Batteries through the command: tanks, factors that vary, revisions forward."""

import random
from fractions import Fraction
from pathlib import Path

import pytest
from harness.replays import kinds, replay
from harness.scenarios import START, counted, iso, meters, site

EXACT = 1e-9
HOUR = 3600
SITE = """
[[meter]]
id = "battery"
points = { active_energy_import = { unit = "kWh", period = "1h" }, active_energy_export = { unit = "kWh", period = "1h" } }
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "grid"
factor = { series = "grid", fallback = 0.9 }
[source.pv]
into = "lv"
meter = "pv"
factor = 0
kind = "own"
[storage.battery]
pool = "lv"
meter = "battery"
efficiency = [0.95, 0.9]
[sink.line]
from = { lv = "line" }
[sink.rest]
remainder_of = "lv"
"""  # noqa: E501
EFFICIENCY = Fraction("0.95") * Fraction("0.9")
BOTH = """
tick = "1min"
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "grid"
factor = 0.6
[source.pv]
into = "lv"
meter = "pv"
factor = 0
[storage.battery]
pool = "lv"
charge = "in"
discharge = "out"
[sink.line]
from = { lv = "line" }
"""


def hours(seed: int, count: int) -> list[dict[str, Fraction]]:
    """Return what flowed in each hour: the battery charges or discharges."""
    chance = random.Random(seed)
    held, found = Fraction(0), []
    for _ in range(count):
        flows = {name: Fraction(0) for name in ("grid", "pv", "line", "in", "out")}
        flows["pv"] = Fraction(chance.randint(0, 40), 4)
        if held > 3 and chance.random() < 0.5:
            flows["out"] = min(held, Fraction(chance.randint(1, 40), 4))
            held -= flows["out"]
        elif chance.random() < 0.8:
            flows["in"] = Fraction(chance.randint(1, 40), 4)
            held += flows["in"] * EFFICIENCY
        flows["line"] = Fraction(chance.randint(4, 60), 4)
        flows["grid"] = Fraction(chance.randint(1, 8)) + max(
            Fraction(0), flows["line"] + flows["in"] - flows["pv"] - flows["out"]
        )
        found.append(flows)
    return found


def plain(
    flows: list[dict[str, Fraction]], factors: list[Fraction]
) -> tuple[list[Fraction], Fraction, Fraction]:
    """Return the line's kg by hour, and energy and kg in the tank at the end."""
    energy = kg = Fraction(0)
    line = []
    for its, factor in zip(flows, factors, strict=True):
        given = its["out"] * kg / energy if energy else Fraction(0)
        total = its["grid"] + its["pv"] + its["out"]
        mix = (its["grid"] * factor + given) / total
        energy, kg = energy - its["out"], kg - given
        energy, kg = energy + its["in"] * EFFICIENCY, kg + its["in"] * mix
        line.append(its["line"] * mix)
    return line, energy, kg


def steps(flows: list[dict[str, Fraction]]) -> list[tuple[float, dict[str, Fraction]]]:
    return [
        (
            HOUR,
            {
                "grid": its["grid"],
                "pv": its["pv"],
                "line": its["line"],
                "battery:active_energy_import": its["in"],
                "battery:active_energy_export": its["out"],
            },
        )
        for its in flows
    ]


def series(path: Path, *editions: tuple[str, list[Fraction]]) -> Path:
    """Write a table of factors by hour; an edition has a status."""
    lines = ["series,t0,t1,value,unit,status"]
    for status, values in editions:
        for i, value in enumerate(values):
            t0, t1 = iso(START + HOUR * i), iso(START + HOUR * (i + 1))
            lines.append(f"grid,{t0},{t1},{float(value)!r},kg/kWh,{status}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("seed", range(4))
def test_a_battery_under_factors_that_vary(tmp_path: Path, seed: int) -> None:
    flows = hours(seed, 60)
    chance = random.Random(seed)
    factors = [Fraction(chance.randint(100, 900), 1000) for _ in flows]
    path = site(tmp_path / "site.toml", meters("1h", "kWh", "grid", "pv", "line"), SITE)
    found = replay(
        path,
        counted(tmp_path / "r.csv", steps(flows)),
        "--factors",
        series(tmp_path / "f.csv", ("measured", factors)),
        "--window",
        "1h",
    )
    line, energy, kg = plain(flows, factors)
    for window, expected in zip(found["windows"], line, strict=True):
        its = window["sinks"]["line"]["emissions_kg"]["physical"]
        assert its == pytest.approx(float(expected), rel=EXACT)
    held = found["storages"]["battery"]
    assert held["deliverable"] == pytest.approx(float(energy), rel=EXACT, abs=1e-9)
    assert held["energy"] == pytest.approx(float(energy) / 0.9, rel=EXACT, abs=1e-9)
    assert held["emissions_kg"]["physical"] == pytest.approx(
        float(kg), rel=EXACT, abs=1e-9
    )
    assert sum(held["sources"].values()) * float(EFFICIENCY) == pytest.approx(
        float(energy), rel=EXACT, abs=1e-9
    )
    assert kinds(found) == set()


def test_a_revision_goes_forward_through_the_battery(tmp_path: Path) -> None:
    """The first hours were cleaner than thought: what is discharged later is too."""
    flows = hours(3, 40)
    first = [Fraction("0.6")] * 40
    revised = [Fraction("0.2")] * 6 + first[6:]
    path = site(tmp_path / "site.toml", meters("1h", "kWh", "grid", "pv", "line"), SITE)
    readings = counted(tmp_path / "r.csv", steps(flows))
    found = replay(
        path,
        readings,
        "--factors",
        series(
            tmp_path / "f.csv",
            ("final", revised[:6]),
            ("measured", first),
            ("forecast", [Fraction("0.1")] * 40),
        ),
        "--window",
        "1h",
    )
    line, energy, kg = plain(flows, revised)
    before, _, _ = plain(flows, first)
    later = [i for i in range(6, 40) if line[i] != before[i]]
    assert later, "nothing was discharged after the revision"
    for window, expected in zip(found["windows"], line, strict=True):
        its = window["sinks"]["line"]["emissions_kg"]["physical"]
        assert its == pytest.approx(float(expected), rel=EXACT)
    held = found["storages"]["battery"]
    assert held["factor"]["physical"] == pytest.approx(float(kg / energy), rel=EXACT)


def test_what_a_battery_held_before_is_of_unknown_origin(tmp_path: Path) -> None:
    path = site(tmp_path / "site.toml", meters("1h", "kWh", "grid", "pv", "line"), SITE)
    flows = {
        "battery:active_energy_import": Fraction(0),
        "battery:active_energy_export": Fraction(5),
    }
    more = {"grid": Fraction(5), "pv": Fraction(0), "line": Fraction(10)}
    found = replay(path, counted(tmp_path / "r.csv", [(HOUR, flows | more)]))
    line = found["sinks"]["line"]
    assert line["sources"] == {
        "grid": pytest.approx(5.0),
        "unknown-start.battery": pytest.approx(5.0),
    }
    assert line["emissions_kg"]["physical"] == pytest.approx(9.0)
    assert kinds(found) == {("unknown-start", "battery"), ("factor-fallback", "grid")}
    assert found["storages"]["battery"]["factor"]["physical"] is None


@pytest.mark.parametrize("window", ["1min", "15min", "1h"])
def test_a_battery_that_does_both_gives_tick_by_tick(
    tmp_path: Path, window: str
) -> None:
    """It is charged and discharged within the same hours; a tick is a minute."""
    of_hours = [
        {"grid": 60, "pv": 0, "in": 30, "out": 0, "line": 30},
        {"grid": 30, "pv": 60, "in": 40, "out": 20, "line": 70},
        {"grid": 40, "pv": 10, "in": 10, "out": 30, "line": 70},
    ]
    held, held_kg, line_kg = 0.0, 0.0, 0.0
    for hour in of_hours:
        grid, pv, into, out, line = (hour[name] / 60 for name in hour)
        for _ in range(60):
            out_kg = held_kg * out / held if out else 0.0
            factor = (grid * 0.6 + out_kg) / (grid + pv + out)
            held += into - out
            held_kg += into * factor - out_kg
            line_kg += line * factor
    tick, graph = BOTH.split("\n", 2)[1:]
    path = site(
        tmp_path / "site.toml", tick,
        meters("1h", "kWh", "grid", "pv", "in", "out", "line"), graph,
    )  # fmt: skip
    readings = counted(tmp_path / "r.csv", [(HOUR, hour) for hour in of_hours])
    found = replay(path, readings, "--window", window)
    battery = found["storages"]["battery"]
    assert battery["energy"] == pytest.approx(held, rel=EXACT)
    assert battery["emissions_kg"]["physical"] == pytest.approx(held_kg, rel=EXACT)
    line_found = found["sinks"]["line"]["emissions_kg"]["physical"]
    assert line_found == pytest.approx(line_kg, rel=EXACT)


def test_a_factor_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    graph = """
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "grid"
factor = { series = "cn-east", fallback = 0.5 }
[sink.rest]
remainder_of = "lv"
"""
    path = site(tmp_path / "site.toml", meters("1h", "kWh", "grid"), graph)
    time = f"{iso(START)},{iso(START + HOUR)}"
    bad = f"cn-east,{time},9,kg/kWh"
    factors = tmp_path / "f.csv"
    factors.write_text(f"series,t0,t1,value,unit\n{bad}\ncn-west,{time},0.4,kg/kWh\n")
    readings = counted(tmp_path / "r.csv", [(HOUR, {"grid": 10})])
    found = replay(path, readings, "--factors", factors)
    assert kinds(found) == {
        ("factor-rejected", bad),
        ("factor-rejected", "cn-west"),
        ("factor-fallback", "cn-east"),
    }
    assert found["emissions_kg"]["physical"] == pytest.approx(5.0)
