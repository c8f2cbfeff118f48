"""Products, lots and dated events through the command."""

from pathlib import Path
from typing import Any

import pytest
from harness.replays import command, kinds, replay

SITE = """
format = 1
[site]
id = "plant"
timezone = "Asia/Shanghai"
views = ["physical", "location", "upstream"]
gwp = "AR5"
events = "events.csv"

[[meter]]
id = "main"
points = { energy = { unit = "kWh", period = "1min" } }
uncertainty = 2
[[meter]]
id = "press"
[meter.points]
energy = { unit = "kWh", period = "1min" }
doors = { unit = "pcs", period = "1min" }
[[meter]]
id = "paint"
[meter.points]
energy = { unit = "kWh", period = "1min" }
gates = { unit = "pcs", period = "1min" }
[[meter]]
id = "light"
points = { energy = { unit = "kWh", period = "1min" } }

[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "main"
factor = { physical = { value = 0.5, uncertainty = 5 }, location = 0.5, upstream = 0.1 }
[sink.press]
from = { lv = "press:energy" }
product = "door"
[sink.paint]
from = { lv = "paint:energy" }
product = "gate"
[sink.light]
from = { lv = "light" }
kind = "shared"
drivers = { door = "press:energy", gate = "paint:energy" }
[sink.rest]
remainder_of = "lv"
[product.door]
good = "press:doors"
[product.gate]
good = "paint:gates"
"""
START = 1_769_817_600  # 2026-01-31T08:00:00+08:00
EVENTS = f"""\
time,kind,subject,quantity,unit,permanent,text
{START + 900},lot-start,door,,,,L1
{START + 1800},lot-end,door,,,,L1
{START + 60},refrigerant,R-410A,2,kg,,top-up
{START + 60},emission,stove,7,kg biogenic CO2,,
{START + 2000},waste,sludge,3,t,,
{START + 9999},emission,later,1000,kg,,
"""


@pytest.fixture
def plant(tmp_path: Path) -> list[Path]:
    """Return a site and an hour of readings.

    60 kW for the presses, 30 for paint, 30 for light, 150 in all; 60 doors in the
    second half, and no gate.
    """
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    rows = ["time,meter,point,value"]
    for minute in range(61):
        doors = 2 * max(minute - 30, 0)
        values = {
            ("main", "energy"): 2.5 * minute, ("press", "energy"): 1.0 * minute,
            ("paint", "energy"): 0.5 * minute, ("light", "energy"): 0.5 * minute,
            ("press", "doors"): doors, ("paint", "gates"): 100,
        }  # fmt: skip
        rows += [
            f"{START + 60 * minute},{meter},{point},{value}"
            for (meter, point), value in values.items()
        ]
    (tmp_path / "readings.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return [tmp_path / "site.toml", tmp_path / "readings.csv"]


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-9)


def test_products_bear_their_own_and_their_part_of_the_light(plant: list[Path]) -> None:
    found = replay(*plant, "--window", "15min")
    door, gate = found["products"]["door"], found["products"]["gate"]
    # 60 kWh of its own, and 60 of 90 parts of 30 kWh of light, at 0.5.
    assert door["emissions_kg"]["physical"] == close(30 + 10)
    assert door["good"] == close(60)
    assert door["kg_per_unit"]["physical"] == close(40 / 60)
    assert door["kg_per_unit"]["upstream"] == close(8 / 60)
    assert gate["emissions_kg"]["physical"] == close(15 + 5)
    assert gate["good"] == 0
    assert gate["kg_per_unit"]["physical"] is None
    first, *_, last = [w["products"]["door"] for w in found["windows"]]
    assert first["kg_per_unit"]["physical"] is None
    assert first["emissions_kg"]["physical"] == close(10)
    assert last["kg_per_unit"]["physical"] == close(10 / 30)
    assert "shared-unassigned" not in {kind for kind, _ in kinds(found)}


def test_a_lot_bears_its_time(plant: list[Path]) -> None:
    (lot,) = replay(*plant)["products"]["door"]["lots"]
    assert (lot["lot"], lot["start"], lot["end"]) == (
        "L1", "2026-01-31T00:15:00Z", "2026-01-31T00:30:00Z",
    )  # fmt: skip
    assert lot["emissions_kg"]["physical"] == close(10)
    assert lot["kg_per_unit"]["physical"] is None


def test_events_count_at_their_time_and_in_the_total(plant: list[Path]) -> None:
    found = replay(*plant, "--window", "15min")
    leak_kg = 2 * 1923.5
    events = found["events"]
    assert events["emissions_kg"] == {
        "physical": close(leak_kg), "location": close(leak_kg), "upstream": 0,
    }  # fmt: skip
    assert events["biogenic_kg"] == 7
    assert found["emissions_kg"]["location"] == close(150 * 0.5 + leak_kg)
    assert found["emissions_kg"]["upstream"] == close(15)
    first, second, *_ = found["windows"]
    assert first["emissions_kg"]["physical"] == close(37.5 / 2 + leak_kg)
    assert second["emissions_kg"]["physical"] == close(37.5 / 2)
    leak = next(e for e in events["emitting"] if e["kind"] == "refrigerant")
    assert leak["category"]["location"] == {"scope": 1, "ghg": "fugitive", "iso": 1}
    assert leak["category"]["upstream"] is None
    assert ("event-unquantified", "sludge") in kinds(found)
    # Rates are those of the meters: no spike.
    assert found["demand"]["grid"]["sliding"]["kw"] == close(150)


def test_events_of_another_file_are_added(plant: list[Path], tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    more.write_text(
        "time,kind,subject,quantity,unit,permanent\n"
        f"{START + 60},emission,flare,1,t,\n"
        f"{START + 90},emission,flare,0.5,t,\n",
        encoding="utf-8",
    )
    found = replay(*plant, "--events", more)
    assert found["events"]["emissions_kg"]["physical"] == close(2 * 1923.5 + 1500)
    capture = found["events"]["capture"]["physical"]
    assert capture == {
        "gross_kg": close(5347), "captured_kg": 0, "net_kg": close(5347),
    }  # fmt: skip
    more.write_text("time,kind,subject\n1,party,x\n", encoding="utf-8")
    code, _, messages = command(*plant, "--events", more)
    assert code == 78
    assert f"{more}:2:1: event: kind" in messages


def test_a_figure_says_what_it_rests_on(plant: list[Path]) -> None:
    found = replay(*plant)["uncertainty"]
    assert found["physical"]["percent"] == pytest.approx(5.385165, abs=5e-7)
    assert found["physical"]["sources"]["grid"]["measured_share"] == close(1)
    assert found["location"]["percent"] is None
    assert found["location"]["missing"] == ["factor source.grid:location"]


def test_every_amount_says_which_part_meters_saw(plant: list[Path]) -> None:
    lines = plant[1].read_text(encoding="utf-8").splitlines()
    # Half an hour without the main meter: what it counted then, nobody saw.
    gap = {f"{START + 60 * minute},main" for minute in range(11, 40)}
    kept = [line for line in lines if ",".join(line.split(",")[:2]) not in gap]
    plant[1].write_text("\n".join(kept) + "\n", encoding="utf-8")
    found = replay(*plant)
    assert found["sources"]["grid"]["measured_share"] == close(0.5)
    assert found["pools"]["lv"]["measured_share"] == close(0.5)
    assert found["sinks"]["press"]["measured_share"] == close(1)
    assert found["sources"]["unmeasured.lv"]["measured_share"] is None


def test_people_are_told_of_events_and_products_too(plant: list[Path]) -> None:
    _, out, _ = command(*plant)
    lines = out.splitlines()
    assert lines[1].startswith("emissions: physical 3922 kg, ")
    assert lines[2].startswith("of which events: physical 3847 kg, ")
    rows = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert rows["door"][:3] == ["60", "pcs", "0.666667"]
    assert rows["L1"][:3] == ["0", "pcs", "-"]
    assert rows["gate"][:3] == ["0", "pcs", "-"]
    assert rows["grid"][-1] == "100.0%"


def test_more_out_than_in_beyond_what_meters_may_err_is_told(
    plant: list[Path],
) -> None:
    site, readings = plant
    sure = site.read_text(encoding="utf-8")
    for meter in ("press", "paint", "light"):
        sure = sure.replace(f'id = "{meter}"\n', f'id = "{meter}"\nuncertainty = 1\n')
    site.write_text(sure, encoding="utf-8")
    good = replay(*plant)
    assert "balance-negative" not in {kind for kind, _ in kinds(good)}
    balance = good["balances"]["lv"]["measured"]
    assert balance["in"] == {"grid": close(150)}
    assert balance["remainder"] == close(30)
    assert balance["half_width"] == close((3**2 + 0.6**2 + 0.3**2 + 0.3**2) ** 0.5)
    text = readings.read_text(encoding="utf-8").splitlines()
    less = [
        f"{head},{float(value) / 2}" if ",main," in line else line
        for line in text
        for head, _, value in (line.rpartition(","),)
    ]
    readings.write_text("\n".join(less) + "\n", encoding="utf-8")
    assert ("balance-negative", "lv") in kinds(replay(*plant))


def test_what_no_driver_counted_for_is_told(plant: list[Path]) -> None:
    site, readings = plant
    text = site.read_text(encoding="utf-8")
    drivers = 'drivers = { door = "press:energy", gate = "paint:energy" }'
    assert drivers in text
    site.write_text(
        text.replace(drivers, 'drivers = { gate = "paint:gates" }'), encoding="utf-8"
    )
    found = replay(site, readings)
    assert ("shared-unassigned", "light") in kinds(found)
    assert found["products"]["gate"]["emissions_kg"]["physical"] == close(15)


def test_a_lot_that_begins_within_a_quarter_bears_what_came_after(
    plant: list[Path],
) -> None:
    site, readings = plant
    (site.parent / "events.csv").write_text(
        f"time,kind,subject,text\n{START + 1200},lot-start,door,L1\n", encoding="utf-8"
    )
    rows = ["time,meter,point,value"]
    for minute in range(61):
        pressed = max(minute - 20, 0)
        rows += [
            f"{START + 60 * minute},{name},{value}"
            for name, value in (
                ("main,energy", 1.5 * minute + pressed), ("press,energy", pressed),
                ("paint,energy", 0.5 * minute), ("light,energy", 0.0),
                ("press,doors", pressed), ("paint,gates", 0),
            )
        ]  # fmt: skip
    readings.write_text("\n".join(rows) + "\n", encoding="utf-8")
    door = replay(*plant)["products"]["door"]
    (lot,) = door["lots"]
    assert lot["good"] == door["good"] == close(40)
    assert lot["emissions_kg"]["physical"] == close(20)
    assert lot["kg_per_unit"]["physical"] == close(0.5)
