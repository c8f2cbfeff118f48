"""Odd readings: each a flag or a message, never a silent zero, never NaN."""

from pathlib import Path

import pytest
from harness.replays import kinds, replay
from harness.scenarios import START, counted, iso, meters, site

MINUTE = 60
HOUR = 3600
ONE = """
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "grid"
factor = 0.5
[sink.line]
from = { lv = "line" }
[sink.rest]
remainder_of = "lv"
"""
#: kWh: what a float of an index, and a share of it, may be off.
EXACT = 1e-9


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Return a site with a main meter and a submeter, both counted each minute."""
    return site(tmp_path / "site.toml", meters("1min", "kWh", "grid", "line"), ONE)


def written(path: Path, *lines: str) -> Path:
    path.write_text("time,meter,point,value\n" + "".join(f"{x}\n" for x in lines))
    return path


def minutes(count: int, **energies: float) -> list[tuple[float, dict[str, float]]]:
    return [(MINUTE, dict(energies)) for _ in range(count)]


def test_a_meter_that_dies_and_comes_back_loses_nothing(
    two: Path, tmp_path: Path
) -> None:
    path = counted(tmp_path / "r.csv", minutes(180, grid=2.0, line=1.0))
    dead = range(START + 40 * MINUTE, START + 130 * MINUTE)
    names = {iso(second) for second in dead}
    lines = path.read_text().splitlines()[1:]
    kept = [x for x in lines if ",line," not in x or x.split(",")[0] not in names]
    found = replay(two, written(path, *kept), "--window", "1h")
    line = found["sinks"]["line"]
    assert line["quantity"] == pytest.approx(180.0, rel=EXACT)
    assert line["emissions_kg"]["physical"] == pytest.approx(90.0, rel=EXACT)
    assert line["measured_share"] == pytest.approx(89 / 180, rel=1e-6)
    by_hour = [w["sinks"]["line"]["quantity"] for w in found["windows"]]
    assert by_hour == [pytest.approx(60.0, rel=EXACT)] * 3
    shares = [w["sinks"]["line"]["measured_share"] for w in found["windows"]]
    assert shares[1] == 0
    assert 0 < shares[0] < 1
    assert 0 < shares[2] < 1
    assert found["sources"]["grid"]["quantity"] == pytest.approx(360.0, rel=EXACT)


def test_a_meter_that_never_speaks(two: Path, tmp_path: Path) -> None:
    path = counted(tmp_path / "r.csv", minutes(60, grid=2.0))
    found = replay(two, path)
    assert found["sinks"]["line"]["quantity"] == 0
    assert found["sinks"]["rest"]["quantity"] == pytest.approx(120.0, rel=EXACT)
    assert ("no-reading", "line") in kinds(found)
    assert found["measured_share"] is None or found["measured_share"] < 1


@pytest.mark.parametrize(("first", "last"), [(0, 40), (20, 60)])
def test_a_meter_that_begins_late_or_ends_early_is_told(
    two: Path, tmp_path: Path, first: int, last: int
) -> None:
    readings = counted(tmp_path / "r.csv", minutes(60, grid=2.0, line=1.0))
    times = {iso(START + MINUTE * i) for i in range(first, last + 1)}
    lines = readings.read_text().splitlines()[1:]
    kept = [x for x in lines if ",line," not in x or x.split(",")[0] in times]
    found = replay(two, written(readings, *kept))
    assert found["sinks"]["line"]["quantity"] == pytest.approx(40.0, rel=EXACT)
    assert kinds(found) == {("unseen", "line")}
    # Not so for less than what lies between its readings.
    kept = [x for x in lines if x != lines[1]]
    assert kinds(replay(two, written(readings, *kept))) == set()


def test_a_meter_that_speaks_once(two: Path, tmp_path: Path) -> None:
    path = counted(tmp_path / "r.csv", minutes(60, grid=2.0))
    lines = [*path.read_text().splitlines()[1:], f"{iso(START + 60)},line,energy,5"]
    found = replay(two, written(path, *lines))
    assert ("one-reading", "line") in kinds(found)
    assert found["sinks"]["line"]["quantity"] == 0


def test_meters_that_speak_once_each(two: Path, tmp_path: Path) -> None:
    readings = written(
        tmp_path / "r.csv", f"{START},grid,energy,5", f"{START + 60},line,energy,7"
    )
    found = replay(two, readings)
    assert kinds(found) == {("one-reading", "grid"), ("one-reading", "line")}
    assert found["pools"]["lv"]["factor"]["physical"] is None
    assert found["covered_s"] == 60


def test_a_counter_that_is_reset(two: Path, tmp_path: Path) -> None:
    """It falls to 0: three readings on the new level, and what they count is booked."""
    values = [100.0 + i for i in range(11)] + [float(i) for i in range(20)]
    lines = [
        f"{iso(START + MINUTE * i)},{name},energy,{value}"
        for i in range(31)
        for name, value in (("grid", 1000.0 + 2 * i), ("line", values[i]))
    ]
    found = replay(two, written(tmp_path / "r.csv", *lines))
    assert ("counter-reset", "line") in kinds(found)
    # Ten minutes to the reset, nineteen since; what was counted between is not known.
    assert found["sinks"]["line"]["quantity"] == pytest.approx(29.0, rel=0.05)
    assert found["sources"]["grid"]["quantity"] == pytest.approx(60.0, rel=EXACT)


def test_missing_values_in_between(two: Path, tmp_path: Path) -> None:
    path = counted(tmp_path / "r.csv", minutes(120, grid=2.0, line=1.0))
    lines = path.read_text().splitlines()[1:]
    thinned = [
        ",".join([*line.split(",")[:3], ""]) if i % 7 in (2, 5) else line
        for i, line in enumerate(lines[:-2])
    ]
    found = replay(two, written(path, *thinned, *lines[-2:]))
    assert found["sinks"]["line"]["quantity"] == pytest.approx(120.0, rel=EXACT)
    assert found["readings"]["missing"] > 30


def test_more_out_than_in_is_unmeasured(two: Path, tmp_path: Path) -> None:
    path = counted(tmp_path / "r.csv", minutes(60, grid=1.0, line=3.0))
    found = replay(two, path)
    assert found["unmeasured"] == {"lv": pytest.approx(120.0, rel=EXACT)}
    assert ("unmeasured", "lv") in kinds(found)
    assert found["sinks"]["line"]["emissions_kg"]["physical"] == pytest.approx(90.0)
    assert found["sinks"]["line"]["sources"]["unmeasured.lv"] == pytest.approx(120.0)


def test_nothing_flows(two: Path, tmp_path: Path) -> None:
    path = counted(tmp_path / "r.csv", minutes(60, grid=0.0, line=0.0))
    found = replay(two, path)
    assert found["pools"]["lv"]["factor"]["physical"] is None
    assert found["measured_share"] is None or found["measured_share"] == 1
    assert found["emissions_kg"]["physical"] == 0


def test_a_rate_that_no_meter_has_is_held(two: Path, tmp_path: Path) -> None:
    steps = minutes(60, grid=2.0, line=1.0)
    steps[30] = (MINUTE, {"grid": 1e12, "line": 1.0})
    found = replay(two, counted(tmp_path / "r.csv", steps))
    assert ("counter-held", "grid") in kinds(found)
    assert found["sources"]["grid"]["quantity"] < 200


def test_negative_power_at_night_of_an_import_counter(tmp_path: Path) -> None:
    """A PV inverter draws a little at night: that is no negative import."""
    path = site(
        tmp_path / "site.toml",
        '[[meter]]\nid = "pv"\npoints = { energy = { unit = "kWh", period = "1min" }, '
        'active_power = { unit = "kW", period = "1min" } }',
        ONE.replace('meter = "grid"', 'meter = "pv"').replace(
            '[sink.line]\nfrom = { lv = "line" }\n', ""
        ),
    )
    lines = []
    for i in range(121):
        count = 10.0 + max(0, i - 60) / 60 * 6.0
        lines.append(f"{iso(START + MINUTE * i)},pv,energy,{count!r}")
        power = -0.02 if i <= 60 else 6.0
        lines.append(f"{iso(START + MINUTE * i)},pv,active_power,{power}")
    found = replay(path, written(tmp_path / "r.csv", *lines), "--window", "1h")
    night, day = found["windows"]
    assert night["sources"]["grid"]["quantity"] == pytest.approx(0, abs=1e-9)
    assert day["sources"]["grid"]["quantity"] == pytest.approx(6.0, rel=1e-3)
    assert found["sources"]["grid"]["quantity"] == pytest.approx(6.0, rel=EXACT)


def test_a_coarse_counter_is_shaped_by_its_power(tmp_path: Path) -> None:
    """Steps of 1 kWh, and a power that says when: the counter wins on the total."""
    path = site(
        tmp_path / "site.toml",
        '[[meter]]\nid = "grid"\npoints = { energy = { unit = "kWh", period = "1min", '
        'resolution = 1 }, active_power = { unit = "kW", period = "1min" } }',
        ONE.replace('[sink.line]\nfrom = { lv = "line" }\n', ""),
    )
    lines = []
    total = 0.0
    for i in range(481):
        power = 30.0 if (i // 60) % 2 else 90.0
        lines.append(f"{iso(START + MINUTE * i)},grid,energy,{int(total)}")
        lines.append(f"{iso(START + MINUTE * i)},grid,active_power,{power * 0.98}")
        total += power / 60
    found = replay(path, written(tmp_path / "r.csv", *lines), "--window", "1h")
    assert found["sources"]["grid"]["quantity"] == pytest.approx(480, abs=1.0)
    for hour, window in enumerate(found["windows"]):
        expected = 30.0 if hour % 2 else 90.0
        its = window["sources"]["grid"]["quantity"]
        assert its == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("period", [("15min", 900), ("1h", HOUR), ("1d", 24 * HOUR)])
def test_readings_as_rare_as_they_come(tmp_path: Path, period: tuple[str, int]) -> None:
    name, seconds = period
    path = site(tmp_path / "site.toml", meters(name, "kWh", "grid", "line"), ONE)
    count = 20
    steps = [(seconds, {"grid": 3.0 + i, "line": 1.0 + i / 2}) for i in range(count)]
    found = replay(path, counted(tmp_path / "r.csv", steps), "--window", "1d")
    line = sum(1.0 + i / 2 for i in range(count))
    assert found["sinks"]["line"]["quantity"] == pytest.approx(line, rel=EXACT)
    assert found["measured_share"] == pytest.approx(1.0)
    assert found["covered_s"] == count * seconds
    total = sum(w["sinks"]["line"]["quantity"] for w in found["windows"])
    assert total == pytest.approx(line, rel=EXACT)
    assert kinds(found) == set()


def test_meters_read_at_different_times(tmp_path: Path) -> None:
    """One each minute, one each seven: a window is booked when both are known."""
    path = site(
        tmp_path / "site.toml",
        meters("1min", "kWh", "grid"),
        meters("7min", "kWh", "line"),
        ONE,
    )
    lines = [
        (START + MINUTE * i, f"grid,energy,{10 + 2.0 * i}") for i in range(7 * 60 + 1)
    ]
    lines += [(START + 420 * i, f"line,energy,{5 + 7.0 * i}") for i in range(61)]
    rows = [f"{iso(second)},{rest}" for second, rest in sorted(lines)]
    found = replay(path, written(tmp_path / "r.csv", *rows), "--window", "1h")
    for window in found["windows"]:
        assert window["sinks"]["line"]["quantity"] == pytest.approx(60.0, rel=EXACT)
        assert window["sinks"]["rest"]["quantity"] == pytest.approx(60.0, rel=EXACT)


@pytest.mark.parametrize(
    ("first", "hours"), [(1_774_652_400, (24, 23, 24)), (1_792_792_800, (24, 25, 24))]
)
def test_days_of_a_clock_change(
    tmp_path: Path, first: int, hours: tuple[int, ...]
) -> None:
    """From 2026-03-28 and from 2026-10-24, midnight in Berlin."""
    path = site(
        tmp_path / "site.toml",
        meters("15min", "kWh", "grid", "line"),
        ONE,
        timezone="Europe/Berlin",
    )
    steps = [(900, {"grid": 1.0, "line": 0.5})] * (4 * sum(hours))
    readings = counted(tmp_path / "r.csv", steps, start=first)
    days = replay(path, readings, "--window", "1d")["windows"]
    assert [day["covered_s"] / HOUR for day in days] == list(hours)
    for day, length in zip(days, hours, strict=True):
        its = day["sinks"]["line"]["quantity"]
        assert its == pytest.approx(2.0 * length, rel=EXACT)
    by_hour = replay(path, readings, "--window", "1h")["windows"]
    assert len(by_hour) == sum(hours)
    assert {window["covered_s"] for window in by_hour} == {HOUR}


def test_the_output_balances(two: Path, tmp_path: Path) -> None:
    """In every view, what sources emit is what sinks, idle times and tanks have."""
    steps = minutes(200, grid=1.3, line=1.7)
    found = replay(two, counted(tmp_path / "r.csv", steps), "--window", "15min")
    for span in (found, *found["windows"]):
        for view in found["views"]:
            entered = sum(s["emissions_kg"][view] for s in span["sources"].values())
            got = sum(s["emissions_kg"][view] for s in span["sinks"].values())
            assert got == pytest.approx(entered, rel=1e-12)


def test_a_window_that_begins_and_ends_in_between(two: Path, tmp_path: Path) -> None:
    path = counted(
        tmp_path / "r.csv", minutes(70, grid=2.0, line=1.0), start=START + 7 * MINUTE
    )
    found = replay(two, path, "--window", "1h")
    assert [w["covered_s"] for w in found["windows"]] == [53 * MINUTE, 17 * MINUTE]
    assert [w["start"] for w in found["windows"]] == [
        "2026-01-31T00:00:00Z",
        "2026-01-31T01:00:00Z",
    ]
    assert found["start"] == "2026-01-31T00:07:00Z"
    quantities = [w["sinks"]["line"]["quantity"] for w in found["windows"]]
    assert quantities == [
        pytest.approx(53.0, rel=EXACT),
        pytest.approx(17.0, rel=EXACT),
    ]


RING = """
[pool.a]
carrier = "electricity"
[pool.b]
carrier = "electricity"
[source.grid]
into = "a"
meter = "grid"
factor = 0.5
[process.there]
kind = "feeder"
losses = "gross"
takes = { a = "there" }
gives = { b = { meter = "there", times = 1 } }
[process.back]
kind = "feeder"
losses = "gross"
takes = { b = "back" }
gives = { a = { meter = "back", times = 1 } }
[sink.line]
from = { b = "line" }
"""


def test_what_goes_in_a_circle_only_has_no_factor(tmp_path: Path) -> None:
    path = site(
        tmp_path / "site.toml",
        meters("1h", "kWh", "grid", "there", "back", "line"),
        RING,
    )
    closed = {"grid": 0.0, "there": 5.0, "back": 5.0, "line": 0.0}
    open_ = {"grid": 2.0, "there": 7.0, "back": 5.0, "line": 2.0}
    readings = counted(tmp_path / "r.csv", [(HOUR, closed), (HOUR, open_)])
    found = replay(path, readings, "--window", "1h")
    first, second = found["windows"]
    assert first["pools"]["a"]["factor"]["physical"] is None
    assert ("circular", "a") in kinds(first)
    assert second["pools"]["b"]["factor"]["physical"] == pytest.approx(0.5, rel=EXACT)
    assert second["sinks"]["line"]["emissions_kg"]["physical"] == pytest.approx(1.0)
    assert kinds(second) == set()


def test_an_export_that_the_graph_lacks_is_told(tmp_path: Path) -> None:
    path = site(
        tmp_path / "site.toml",
        '[[meter]]\nid = "grid"\npoints = { active_energy_import = "kWh", '
        'active_energy_export = "kWh" }\nperiod = { energy = "1min" }',
        meters("1min", "kWh", "line"),
        ONE,
    )
    steps = [
        (
            MINUTE,
            {"grid:active_energy_import": 1.0, "grid:active_energy_export": 2.0,
             "line": 0.5},
        )
    ] * 60  # fmt: skip
    found = replay(path, counted(tmp_path / "r.csv", steps))
    assert ("negative-flow", "grid") in kinds(found)
    assert found["sources"]["grid"]["quantity"] == pytest.approx(60.0, rel=EXACT)


def test_a_meter_change_that_is_told_loses_nothing(two: Path, tmp_path: Path) -> None:
    """The old meter was taken out at 112, the new one put in at 3."""
    old = [100.0 + i for i in range(13)]
    values = [*old, *(3.0 + i for i in range(1, 30))]
    lines = [
        f"{iso(START + MINUTE * i)},{name},energy,{value}"
        for i, pair in enumerate(values)
        for name, value in (("grid", 1000.0 + 2 * i), ("line", pair))
    ]
    readings = written(tmp_path / "r.csv", *lines)
    events = tmp_path / "events.csv"
    events.write_text(
        "time,kind,subject,quantity,unit,final\n"
        f"{iso(START + 12 * MINUTE)},meter-change,line,3,kWh,112\n"
    )
    found = replay(two, readings, "--events", events)
    assert found["sinks"]["line"]["quantity"] == pytest.approx(41.0, rel=EXACT)
    assert "counter-reset" not in {kind for kind, _ in kinds(found)}
    untold = replay(two, readings)
    assert ("counter-reset", "line") in kinds(untold)


def test_a_jump_without_an_event_is_booked_and_told(tmp_path: Path) -> None:
    """The new meter reads more than the old one, and nobody said so."""
    steps = minutes(60, grid=40.0, line=1.0)
    steps[30] = (MINUTE, {"grid": 40.0, "line": 1800.0})
    readings = counted(tmp_path / "r.csv", steps)
    parts = (meters("1min", "kWh", "grid", "line"), ONE)
    found = replay(site(tmp_path / "site.toml", *parts), readings)
    assert found["sinks"]["line"]["quantity"] == pytest.approx(1859.0, rel=EXACT)
    assert ("counter-jump", "line") in kinds(found)
    assert ("counter-jump", "grid") not in kinds(found)
    last = counted(tmp_path / "last.csv", steps[:31])
    found = replay(tmp_path / "site.toml", last)
    assert ("counter-jump", "line") in kinds(found)
    stated = parts[0].replace('id = "line"', 'id = "line"\nmax_power = 200_000')
    found = replay(site(tmp_path / "stated.toml", stated, ONE), readings)
    assert found["sinks"]["line"]["quantity"] == pytest.approx(1859.0, rel=EXACT)
    assert "counter-jump" not in {kind for kind, _ in kinds(found)}


def test_a_virtual_meter_that_comes_out_negative(tmp_path: Path) -> None:
    path = site(
        tmp_path / "site.toml",
        meters("1min", "kWh", "grid", "line"),
        '[virtual.offices]\nunit = "kWh"\nplus = ["grid"]\nminus = ["line"]',
        ONE.replace("[sink.rest]\nremainder_of", "[sink.rest]\nfrom").replace(
            'from = "lv"', 'from = { lv = "offices" }'
        ),
    )
    steps = [*minutes(30, grid=3.0, line=1.0), *minutes(30, grid=1.0, line=2.0)]
    found = replay(path, counted(tmp_path / "r.csv", steps))
    assert found["sinks"]["rest"]["quantity"] == pytest.approx(60.0, rel=EXACT)
    assert "virtual-negative" in {kind for kind, _ in kinds(found)}
    assert ("unmeasured", "lv") in kinds(found)
