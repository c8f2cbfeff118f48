"""Readings from CSV files: what is taken, and what is told."""

import random
from itertools import groupby
from pathlib import Path

import pytest
from harness.replays import command, kinds, replay

from zerometer.agent.replay import run as replay_run

SITE = """
format = 1
[site]
id = "two"
timezone = "Europe/Berlin"
[[meter]]
id = "grid"
points = { energy = "kWh", voltage = "V" }
[[meter]]
id = "线一"
points = { energy = "kWh" }
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "grid:energy"
factor = 0.5
[sink.line]
from = { lv = "线一:energy" }
[sink.rest]
remainder_of = "lv"
""".replace("线一", "line-1")
START = 1_767_225_600


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


def rows(hours: int = 4) -> list[tuple[int, str, str, float]]:
    """Return quarter-hourly rows of both counters: 4 kWh and 1 kWh an hour."""
    return [
        (START + 900 * i, meter, "energy", 100 + step * i)
        for i in range(4 * hours + 1)
        for meter, step in (("grid", 1.0), ("line-1", 0.25))
    ]


def written(path: Path, lines: list[tuple[int, str, str, float]]) -> Path:
    text = "".join(",".join(map(str, line)) + "\n" for line in lines)
    path.write_text("time,meter,point,value\n" + text)
    return path


def test_what_two_counters_say(site: Path, tmp_path: Path) -> None:
    found = replay(site, written(tmp_path / "r.csv", rows()))
    assert found["start"] == "2026-01-01T00:00:00Z"
    assert found["end"] == "2026-01-01T04:00:00Z"
    assert found["covered_s"] == 4 * 3600
    assert found["sources"]["grid"]["quantity"] == pytest.approx(16.0, rel=1e-12)
    assert found["sinks"]["line"]["emissions_kg"]["location"] == pytest.approx(2.0)
    assert found["sinks"]["rest"]["sources"] == {"grid": pytest.approx(12.0)}
    assert found["readings"]["used"] == 34
    assert found["windows"] == []


@pytest.mark.parametrize("piece", [100, 2000, 1 << 20])
def test_files_sorted_by_time_and_by_meter_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """By meter, or by meter and point: powers after all that counters say."""
    monkeypatch.setattr("zerometer.agent.replay.csv_readings.PIECE_BYTES", piece)
    path = tmp_path / "site.toml"
    path.write_text(SITE.replace('voltage = "V"', 'active_power = "kW"'))
    chance = random.Random(3)
    powers = [
        (START + 450 * i, "grid", "active_power", chance.choice((2.0, 6.0)))
        for i in range(33)
    ]
    lines = sorted([*rows(), *powers])
    found = [
        replay(path, written(tmp_path / f"{i}.csv", its), "--window", "1h")
        for i, its in enumerate(
            (
                lines,
                sorted(lines, key=lambda row: row[1]),
                sorted(lines, key=lambda row: row[1:3], reverse=True),
                sorted(lines, key=lambda row: row[1:3]),
            )
        )
    ]
    assert found[1:] == found[:1] * 3
    assert len(found[0]["windows"]) == 4


def test_other_columns_are_told(site: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("time,meter,point,value,note\n0,grid,energy,1,a\n9,grid,energy,2,b")
    code, _, messages = command(site, path)
    assert code == 0
    assert f"warning: {path}:1: not used: 'note'" in messages


def test_points_that_are_not_used_are_counted(site: Path, tmp_path: Path) -> None:
    more = [*rows(), (START + 99_999, "grid", "voltage", 231.0)]
    found = replay(site, written(tmp_path / "r.csv", more))
    assert found["readings"]["skipped"] == 1


def test_the_first_row_of_a_time_counts(site: Path, tmp_path: Path) -> None:
    lines = rows()
    lines.insert(3, (lines[2][0], "grid", "energy", 5000.0))
    found = replay(site, written(tmp_path / "r.csv", lines))
    assert found["sources"]["grid"]["quantity"] == pytest.approx(16.0)
    assert ("repeated", "grid") in kinds(found)
    assert found["readings"]["repeated"] == 1


def test_missing_values_change_nothing(site: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "r.csv", rows())
    whole = replay(site, path)
    with path.open("a") as file:
        file.write(f"{START + 14400},line-1,energy,\n{START + 14400},grid,energy,\n")
    found = replay(site, path)
    assert found["readings"].pop("missing") == 2
    assert whole["readings"].pop("missing") == 0
    assert found == whole


def test_faults_are_told_with_their_lines(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.csv").write_text(
        "time,meter,point,value\n"
        "2026-01-01T00:00:00+08:00,grid,energy,1\n"
        "2026-01-01T00:15:00,grid,energy,2\n"
        "yesterday,grid,energy,2\n"
        "2026-01-01T00:15:00+08:00,gird,energy,2\n"
        "2026-01-01T00:15:00+08:00,grid,enrgy,2\n"
        "\n"
        '2026-01-01T00:15:00+08:00,grid,energy,"1,5"\n'
        "2026-01-01T00:15:00+08:00,grid,energy,inf\n"
        "2025-12-31T00:15:00+08:00,grid,energy,2\n"
        "2026-01-01T00:15:00+08:00,grid,energy\n"
        '2026-01-01T00:15:00+08:00,"grid,energy,3\n'
        "1767225600000,grid,energy,3\n"
        "2026-01-01T00:15:00+08:00,grid,energy,1e999\n",
        encoding="utf-8",
    )
    code, _, messages = command(site, "r.csv")
    assert code == 5
    told = messages.splitlines()
    assert [line.split(": ")[0] for line in told[:-1]] == [
        f"r.csv:{line}" for line in (3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14)
    ]
    assert told[0].startswith('r.csv:3: time: "2026-01-01T00:15:00" has no offset')
    assert "2026-01-31T08:00:00+08:00" in told[0]
    assert 'no meter named "gird"; near: "grid"' in told[2]
    assert 'meter "grid" has no point "enrgy"; near: "energy"' in told[3]
    assert 'value: "1,5" is no number' in told[4]
    assert "is before the row of this point above" in told[6]
    assert "has 3 fields, the first line has 4" in told[7]
    assert told[-1] == "11 problems"


def test_no_more_than_twenty_faults_are_told(site: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "r.csv", [(1, "grid", "energy", float("nan"))] * 30)
    code, out, messages = command(site, path)
    assert (code, out) == (5, "")
    assert messages.splitlines()[-1] == "20 problems, the rest was not read"
    assert len(messages.splitlines()) == 21


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns: time, meter, point, value are not there once"),
        ("time,meter,point\n", "columns: value is not there once"),
        ("time;meter;point;value\n", "they are separated by commas"),
        ("time,meter,point,value,value\n", "columns: value is not there once"),
        ("time,meter,point,value\n", "readings: none of a point that the site uses"),
        ("time,meter,point,value\n0,grid,energy,\n", "1 without a value"),
        ("time,meter,point,value\n0,grid,voltage,1\n", "1 of other points"),
        ("time,meter,point,value\n0,grid,energy,1\n", "all are of one moment"),
        ("time,meter,point,value\n" + "x" * 100_000, "is longer than"),
        ("\0\1\2\3", "the file is in UTF-8"),
    ],
)
def test_what_is_no_file_of_readings(
    site: Path, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(text)
    code, _, messages = command(site, path)
    assert code == 5
    assert said in messages


def test_a_file_that_is_not_there(site: Path, tmp_path: Path) -> None:
    code, _, messages = command(site, tmp_path / "none.csv")
    assert code == 2
    assert messages == f"{tmp_path / 'none.csv'}: No such file or directory\n"


def test_a_long_file_sorted_by_meter_is_refused(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is bounded: here by 300 000 readings instead of four million."""
    monkeypatch.setattr(replay_run, "HELD_READINGS", 300_000)
    lines = [(START + i, "grid", "energy", 1.0 * i) for i in range(600_000)]
    lines.append((START, "line-1", "energy", 0.0))
    code, _, messages = command(site, written(tmp_path / "r.csv", lines))
    assert code == 5
    assert "r.csv:600002: time:" in messages
    assert "has been accounted for already" in messages


def test_any_form_of_the_file(site: Path, tmp_path: Path) -> None:
    plain = replay(site, written(tmp_path / "plain.csv", rows()))
    text = "".join(
        f'{value} , "{point}",{meter},2026-01-01T{(t - START) // 3600 + 8:02d}:'
        f"{(t - START) % 3600 // 60:02d}:00+08:00\r\n\r\n"
        for t, meter, point, value in rows()
    )
    other = tmp_path / "other.csv"
    other.write_bytes(f"\ufeffValue,point,meter, time \r\n{text}".encode().rstrip())
    assert replay(site, other) == plain


def test_pieces_of_the_file_do_not_matter(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "r.csv", rows(24))
    whole = replay(site, path, "--window", "15min")
    chance = random.Random(7)
    for _ in range(5):
        monkeypatch.setattr(
            "zerometer.agent.replay.csv_readings.PIECE_BYTES", chance.randint(10, 900)
        )
        assert replay(site, path, "--window", "15min") == whole


def test_rows_of_a_time_may_come_in_any_order(site: Path, tmp_path: Path) -> None:
    plain = replay(site, written(tmp_path / "a.csv", rows()))
    chance = random.Random(1)
    mixed = []
    for _, group in groupby(rows(), key=lambda row: row[0]):
        its = list(group)
        mixed += chance.sample(its, len(its))
    assert replay(site, written(tmp_path / "b.csv", mixed)) == plain
