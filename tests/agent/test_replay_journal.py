"""Readings from a journal and from files of batches: the same as from CSV."""

from math import isnan, nan
from pathlib import Path

import pytest
from harness.recordings import Row, record
from harness.replays import command, kinds, replay
from harness.scenarios import START, meters, site

from zerometer.agent.cli.main import main
from zerometer.agent.journal_tools.contents import read_batches
from zerometer.agent.replay import batch_readings
from zerometer.config.site import load_site

PARTS = """
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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a site file of two counters, one of which is read to 0.01 kWh."""
    grid = (
        '[[meter]]\nid = "grid"\npoints = { energy = { unit = "kWh", '
        'period = "1min", resolution = 0.01 }, voltage = "V" }'
    )
    return site(tmp_path / "site.toml", grid, meters("1min", "kWh", "line"), PARTS)


def rows() -> list[Row]:
    """Return two hours of readings each minute; some are missing."""
    return [
        row
        for i in range(121)
        for row in (
            ((START + 60 * i) * 1000, "grid", "energy", round(700 + 0.25 * i, 2)),
            ((START + 60 * i) * 1000, "grid", "voltage", 230.0),
            (
                (START + 60 * i) * 1000,
                "line",
                "energy",
                nan if i % 11 == 5 else 3 + 0.1 * i,
            ),
        )
    ]


def as_csv(path: Path) -> Path:
    lines = [
        f"{ms / 1000},{meter},{point},{'' if isnan(value) else repr(value)}\n"
        for ms, meter, point, value in rows()
    ]
    path.write_text("time,meter,point,value\n" + "".join(lines))
    return path


@pytest.mark.parametrize("seal_rows", [7, 50, 10_000])
def test_a_journal_is_the_same_as_its_csv(
    path: Path, tmp_path: Path, seal_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_readings, "BLOCK_ROWS", 100)
    folder = tmp_path / "journal"
    record(folder, load_site(path).site, rows(), seal_rows=seal_rows)
    plain = replay(path, as_csv(tmp_path / "r.csv"), "--window", "15min")
    for readings in (folder, folder / "journal.db"):
        found = replay(path, readings, "--window", "15min")
        assert found["readings"].pop("missing") == 11
        assert {**plain["readings"], **found["readings"]} == plain["readings"]
        del found["readings"]
        assert found == {k: v for k, v in plain.items() if k != "readings"}


def test_what_a_journal_exports_is_the_same(path: Path, tmp_path: Path) -> None:
    folder, file = tmp_path / "journal", tmp_path / "exported.csv"
    record(folder, load_site(path).site, rows(), seal_rows=50)
    assert main(["journal", "export", str(folder), "--out", str(file)]) == 0
    exported = replay(path, file, "--window", "15min")
    whole = replay(path, folder, "--window", "15min")
    for found in (exported, whole):
        del found["readings"]
    assert exported == whole


def test_a_folder_of_batches_and_a_damaged_one(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    record(folder, load_site(path).site, rows(), seal_rows=90)
    whole = replay(path, folder)
    batches = tmp_path / "batches"
    batches.mkdir()
    found = list(read_batches(folder))
    assert len(found) == 5
    for kept in found:
        (batches / f"{kept.seq:04d}.batch").write_bytes(kept.data)
    assert replay(path, batches) == whole
    middle = batches / "0003.batch"
    middle.write_bytes(middle.read_bytes()[:-9] + bytes(9))
    code, _, messages = command(path, batches)
    assert code == 0
    assert f"warning: {middle}: byte 0:" in messages
    assert "left out" in messages
    # Counters make up for what the batch would have said.
    found = replay(path, batches)
    quantity = found["sources"]["grid"]["quantity"]
    assert quantity == pytest.approx(whole["sources"]["grid"]["quantity"], rel=1e-12)
    assert found["measured_share"] < 1


def test_a_clock_that_was_set_back(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    again = [(ms - 600_000, *rest) for ms, *rest in rows()[-9:]]
    record(folder, load_site(path).site, [*rows(), *again], seal_rows=60)
    found = replay(path, folder)
    assert ("disordered", "grid") in kinds(found)
    assert ("disordered", "line") in kinds(found)
    assert found["sources"]["grid"]["quantity"] == pytest.approx(30.0)


def test_a_folder_without_readings(path: Path, tmp_path: Path) -> None:
    code, _, messages = command(path, tmp_path / "none")
    assert code == 2
    assert "No such file" in messages
    (tmp_path / "empty").mkdir()
    code, _, messages = command(path, tmp_path / "empty")
    assert code == 5
    assert "none of a point that the site uses" in messages
