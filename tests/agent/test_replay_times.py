"""Meters that are read at times of their own, against sums in fractions."""

import random
from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from harness.replays import kinds, replay
from harness.scenarios import START, iso, meters, site

from zerometer.agent.replay import run as replay_run

EXACT = 1e-9
HOURS = 6
NAMES = ("grid", "pv", "a", "b", "compressor", "air", "line-air")
SITE = """
[pool.lv]
carrier = "electricity"
[pool.air]
carrier = "compressed_air"
[source.grid]
into = "lv"
meter = "grid"
factor = 0.6
[source.pv]
into = "lv"
meter = "pv"
factor = 0.04
kind = "own"
[process.compressor]
kind = "compressor"
takes = { lv = "compressor" }
gives = { air = "air" }
[sink.a]
from = { lv = "a" }
[sink.b]
from = { lv = "b" }
[sink.rest]
remainder_of = "lv"
[sink.line-air]
from = { air = "line-air" }
[sink.air-rest]
remainder_of = "air"
"""
FACTORS = {"grid": Fraction("0.6"), "pv": Fraction("0.04")}

Knots = list[tuple[int, Fraction]]


def knots(chance: random.Random, low: int, high: int) -> Knots:
    """Return what a counter reads, at whole seconds of its own choice."""
    seconds = sorted(chance.sample(range(1, HOURS * 3600), 40))
    seconds = [0, *seconds, HOURS * 3600]
    total, found = Fraction(100), []
    for before, second in zip([0, *seconds], seconds, strict=False):
        rate = Fraction(chance.randint(low, high), 4)
        total += rate * Fraction(second - before, 3600)
        found.append((second, total))
    return found


def rate(its: Knots, second: int) -> Fraction:
    """Return the mean rate an hour between the two readings around a second."""
    i = min(bisect_right([s for s, _ in its], second), len(its) - 1)
    (s0, c0), (s1, c1) = its[i - 1], its[i]
    return (c1 - c0) * 3600 / (s1 - s0)


def plain(read: dict[str, Knots], start: int, end: int) -> dict[str, Fraction]:
    """Return kg of the sinks in [start, end), stretch by stretch."""
    edges = sorted({s for its in read.values() for s, _ in its} | {start, end})
    edges = [edge for edge in edges if start <= edge <= end]
    kg = dict.fromkeys(("a", "b", "line-air"), Fraction(0))
    for t0, t1 in pairwise(edges):
        q = {name: rate(its, t0) * (t1 - t0) / 3600 for name, its in read.items()}
        mix = sum(q[name] * factor for name, factor in FACTORS.items()) / (
            q["grid"] + q["pv"]
        )
        kg["a"] += q["a"] * mix
        kg["b"] += q["b"] * mix
        kg["line-air"] += q["line-air"] * q["compressor"] * mix / q["air"]
    return kg


def ranges(name: str) -> tuple[int, int]:
    return {"grid": (160, 240), "air": (80, 120), "line-air": (10, 70)}.get(
        name, (1, 50)
    )


@pytest.mark.parametrize("seed", range(4))
def test_meters_that_are_read_when_they_are(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    read = {name: knots(chance, *ranges(name)) for name in NAMES}
    electric = [name for name in NAMES if "air" not in name]
    path = site(
        tmp_path / "site.toml",
        meters("1h", "kWh", *electric),
        meters("1h", "Nm3", "air", "line-air"),
        SITE,
    )
    rows = sorted(
        (START + second, name, float(value))
        for name, its in read.items()
        for second, value in its
    )
    readings = tmp_path / "r.csv"
    readings.write_text(
        "time,meter,point,value\n"
        + "".join(f"{iso(t)},{name},energy,{value!r}\n" for t, name, value in rows)
    )
    for window, length in (("1h", 3600), ("15min", 900)):
        found = replay(path, readings, "--window", window)
        for i, its in enumerate(found["windows"]):
            expected = plain(read, length * i, length * (i + 1))
            for name, kg in expected.items():
                got = its["sinks"][name]["emissions_kg"]["physical"]
                assert got == pytest.approx(float(kg), rel=EXACT), (window, i, name)
        assert kinds(found) == set()


def test_minutes_are_parts_of_quarters(tmp_path: Path) -> None:
    chance = random.Random(5)
    read = {name: knots(chance, *ranges(name)) for name in ("grid", "a")}
    path = site(
        tmp_path / "site.toml",
        meters("1h", "kWh", "grid", "a"),
        SITE.partition("[source.pv]")[0].replace(
            '[pool.air]\ncarrier = "compressed_air"\n', ""
        ),
        '[sink.a]\nfrom = { lv = "a" }\n[sink.rest]\nremainder_of = "lv"',
    )
    rows = sorted(
        (START + second, name, float(value))
        for name, its in read.items()
        for second, value in its
    )
    readings = tmp_path / "r.csv"
    readings.write_text(
        "time,meter,point,value\n"
        + "".join(f"{t}.0,{name},energy,{value!r}\n" for t, name, value in rows)
    )
    minutes = replay(path, readings, "--window", "1min")["windows"]
    quarters = replay(path, readings, "--window", "15min")["windows"]
    assert (len(minutes), len(quarters)) == (HOURS * 60, HOURS * 4)
    for i, quarter in enumerate(quarters):
        parts = minutes[15 * i : 15 * i + 15]
        for view in ("physical", "gb32150"):
            kg = sum(part["sinks"]["a"]["emissions_kg"][view] for part in parts)
            its = quarter["sinks"]["a"]["emissions_kg"][view]
            assert kg == pytest.approx(its, rel=1e-12)


def test_a_meter_that_dies_for_days_is_waited_for_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is bounded: here by 2000 readings instead of four million."""
    monkeypatch.setattr(replay_run, "HELD_READINGS", 2000)
    monkeypatch.setattr("zerometer.agent.replay.csv_readings.PIECE_BYTES", 4096)
    path = site(
        tmp_path / "site.toml",
        meters("1min", "kWh", "grid", "a"),
        '[pool.lv]\ncarrier = "electricity"',
        '[source.grid]\ninto = "lv"\nmeter = "grid"\nfactor = 0.5',
        '[sink.a]\nfrom = { lv = "a" }\n[sink.rest]\nremainder_of = "lv"',
    )
    lines = ["time,meter,point,value"]
    for minute in range(6 * 1440 + 1):
        lines.append(f"{START + 60 * minute},grid,energy,{10 + 0.5 * minute}")
        if not 600 <= minute < 7000:
            lines.append(f"{START + 60 * minute},a,energy,{7 + 0.25 * minute}")
    readings = tmp_path / "r.csv"
    readings.write_text("\n".join(lines))
    bounded = replay(path, readings, "--window", "1d")
    monkeypatch.undo()
    whole = replay(path, readings, "--window", "1d")
    for found in (bounded, whole):
        total = found["sinks"]["a"]["quantity"]
        assert total == pytest.approx(0.25 * 6 * 1440, rel=EXACT)
        assert found["sources"]["grid"]["quantity"] == pytest.approx(
            0.5 * 6 * 1440, rel=EXACT
        )
    daily = [window["sinks"]["a"]["quantity"] for window in whole["windows"]]
    assert daily[1:-1] == [pytest.approx(360.0, rel=EXACT)] * 5
    assert bounded["windows"][1]["sinks"]["a"]["quantity"] < 100
