"""A meter is changed while readings go on: told, and not told."""

from pathlib import Path

import pytest
from harness.replays import kinds, replay

SITE = """
format = 1
[site]
id = "plant"
timezone = "UTC"
[[meter]]
id = "main"
points = { energy = { unit = "kWh", period = "1min" } }
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "main"
factor = 0.5
[sink.rest]
remainder_of = "lv"
"""
START = 1_769_817_600
#: After half an hour another meter counts on from 3.
CHANGE = START + 1800


@pytest.fixture
def plant(tmp_path: Path) -> list[Path]:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    rows = ["time,meter,point,value"]
    for minute in range(61):
        value = 5000.0 + minute if minute <= 30 else 3.0 + (minute - 30)
        rows.append(f"{START + 60 * minute},main,energy,{value}")
    (tmp_path / "readings.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return [tmp_path / "site.toml", tmp_path / "readings.csv"]


def test_a_change_that_is_told_costs_nothing(plant: list[Path], tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text(
        f"time,kind,subject,quantity,final\n{CHANGE + 1},meter-change,main,3,5030\n",
        encoding="utf-8",
    )
    found = replay(*plant, "--events", events)
    assert found["emissions_kg"]["location"] == pytest.approx(30, rel=1e-9)
    assert kinds(found) == set()


def test_a_change_that_nobody_told_is_flagged(plant: list[Path]) -> None:
    assert ("counter-reset", "main") in kinds(replay(*plant))


def test_a_change_before_all_readings_changes_nothing(
    plant: list[Path], tmp_path: Path
) -> None:
    events = tmp_path / "events.csv"
    events.write_text(
        "time,kind,subject,quantity,final\n"
        f"{START - 9000},meter-change,main,7,4000\n"
        f"{CHANGE + 1},meter-change,main,3,5030\n",
        encoding="utf-8",
    )
    found = replay(*plant, "--events", events)
    assert found["emissions_kg"]["location"] == pytest.approx(30, rel=1e-9)
    assert kinds(found) == set()
