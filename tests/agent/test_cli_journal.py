"""``zerometer journal info``, ``export`` and ``prune``."""

import builtins
import csv
import io
import json
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from harness.journals import open_journal, unsent
from harness.sealed_batches import START_MS
from harness.sealing import MINUTE_MS, Sealing

from zerometer.agent.batch import Gap, peek
from zerometer.agent.cli.main import main
from zerometer.agent.journal.journal import Journal
from zerometer.agent.journal_tools import read_only
from zerometer.agent.journal_tools.verify import verify
from zerometer.core.errors import ConfigError
from zerometer.core.site import STREAMS, JournalSettings

MINUTES = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a journal of MINUTES minutes, two acknowledged."""
    path = tmp_path / "journal"
    with closing(open_journal(path, uplinks=["up"])) as journal:
        Sealing(journal).minutes(range(MINUTES))
        for batch in journal.oldest("up", 6):
            journal.acknowledge("up", batch)
        refused = journal.oldest("up", 1)[0]
        journal.quarantine("up", refused, "bad-body", "counts do not fit")
    return path


def printed(capsys: pytest.CaptureFixture[str], *call: str, code: int = 0) -> str:
    assert main(["journal", *call]) == code
    return str(capsys.readouterr().out)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_info_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info = json.loads(printed(capsys, "info", str(folder), "--json"))
    files = [path for path in folder.iterdir() if path.suffix == ".db"]
    assert info["files"] == len(files) == 4
    assert info["bytes"] >= sum(path.stat().st_size for path in files)
    assert [
        (s["stream"], s["batches"], s["sealed_batches"], s["t0_ms"], s["t1_ms"])
        for s in info["streams"]
    ] == [
        ("ledger", 4, 4, START_MS, START_MS + 3 * MINUTE_MS + 1),
        ("minutes", 4, 4, START_MS, START_MS + 3 * MINUTE_MS),
        ("readings", 4, 4, START_MS, START_MS + 3 * MINUTE_MS + 2000),
    ]
    assert {s["epochs"][0]["epoch"] for s in info["streams"]} == {info["epoch"]}
    ups = {u["stream"]: (u["acknowledged"], u["pending"]) for u in info["uplinks"]}
    assert sum(done for done, _ in ups.values()) == 7  # the refused one, too
    assert sum(waiting for _, waiting in ups.values()) == 5
    (refused,) = info["quarantine"]
    assert (refused["uplink"], refused["code"]) == ("up", "bad-body")
    (gap,) = info["gaps"]
    assert (gap["stream"], gap["first"], gap["reason"], gap["declared"]) == (
        refused["stream"], refused["seq"], "quarantined", False,
    )  # fmt: skip


def test_info_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "info", str(folder))
    assert text.startswith(f"journal {folder}: format 2, 0.")
    lines = [line.split() for line in text.splitlines()]
    assert ["readings", "1"] in [line[:2] for line in lines]
    assert ["up", "minutes"] in [line[:2] for line in lines]
    assert "bad-body  counts do not fit" in text
    assert "quarantined  no" in text


def test_info_beside_an_agent_and_from_a_medium_that_cannot_be_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(open_journal(tmp_path / "journal")) as journal:
        Sealing(journal).minutes(range(2))
        beside = json.loads(
            printed(capsys, "info", str(tmp_path / "journal"), "--json")
        )
        shutil.copytree(tmp_path / "journal", tmp_path / "copy")
    opened = read_only._open

    def on_the_medium(path: Path) -> sqlite3.Connection:
        if path.parent.name == "copy":
            raise sqlite3.OperationalError("unable to open database file")
        return opened(path)

    monkeypatch.setattr(read_only, "_open", on_the_medium)
    copied = json.loads(printed(capsys, "info", str(tmp_path / "copy"), "--json"))
    assert copied["streams"][0]["batches"] == 2
    for info in (beside, copied):
        del info["folder"], info["bytes"]
        for stream in info["streams"]:
            del stream["bytes"]
    assert beside == copied


def test_what_is_no_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "journal.db").write_bytes(b"x" * 5000)
    assert main(["journal", "info", str(tmp_path)]) == 6
    assert "not a database" in capsys.readouterr().err
    assert main(["journal", "info", str(tmp_path / "none")]) == 6
    assert "No such file" in capsys.readouterr().err


def test_readings_as_csv(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(printed(capsys, "export", str(folder)))
    assert len(rows) == MINUTES * (2 + 3)  # a power is missing in each minute
    assert rows[0] == {
        "time": "2026-01-01T00:00:01Z", "meter": "press", "point": "power",
        "value": "0.6", "index": "", "unit": "kW",
    }  # fmt: skip
    assert rows[2] == {
        "time": "2026-01-01T00:00:00Z", "meter": "press", "point": "energy",
        "value": "7.5", "index": "8.0", "unit": "kWh",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stream", "length"), [("minutes", "1min"), ("ledger", "15min")]
)
def test_windows_as_csv(
    folder: Path, capsys: pytest.CaptureFixture[str], stream: str, length: str
) -> None:
    rows = rows_of(printed(capsys, "export", str(folder), "--stream", stream))
    assert len(rows) == 2 * MINUTES
    assert rows[1] == {
        "time": "2026-01-01T00:00:00Z", "window": length, "revision": "0",
        "covered_s": "60.0", "measured_share": "0.99", "place": "sink.line",
        "quantity": "from:source.grid", "value": "1.25", "unit": "kWh",
    }  # fmt: skip


def test_events_as_csv(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(printed(capsys, "export", str(folder), "--stream", "events"))
    assert rows[3] == {
        "time": "2026-01-01T00:03:00.001Z", "kind": "down", "subject": "press",
        "text": "没有回答, 3",
    }  # fmt: skip


def test_a_part_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    span = ("--from", "2026-01-01T08:01:00+08:00", "--to", "2026-01-01T00:02:00Z")
    rows = rows_of(printed(capsys, "export", str(folder), *span, "--meter", "press"))
    assert {row["time"][:16] for row in rows} == {"2026-01-01T00:01"}
    assert len(rows) == 5
    assert rows_of(printed(capsys, "export", str(folder), "--meter", "saw")) == []
    call = ("export", str(folder), "--stream", "ledger", "--meter", "press")
    assert main(["journal", *call]) == 2
    assert "of no meter" in capsys.readouterr().err


@pytest.mark.parametrize("stream", ["readings", "minutes", "ledger", "events"])
def test_parquet_holds_what_csv_holds(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], stream: str
) -> None:
    call = ("export", str(folder), "--stream", stream)
    rows = rows_of(printed(capsys, *call))
    file = tmp_path / "rows.parquet"
    printed(capsys, *call, "--format", "parquet", "--out", str(file))
    table = pyarrow.parquet.read_table(file).to_pylist()
    assert len(table) == len(rows) > 0
    for found, row in zip(table, rows, strict=True):
        assert list(found) == list(row)
        for name, value in found.items():
            assert same(value, row[name]), (name, value, row[name])


def same(value: Any, text: str) -> bool:
    """Tell whether a Parquet value is what CSV has."""
    if value is None:
        return text == ""
    if isinstance(value, datetime):
        return value.astimezone(UTC) == datetime.fromisoformat(text)
    return value == (text if isinstance(value, str) else float(text))


def test_parquet_without_pyarrow(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    file = str(tmp_path / "rows.parquet")
    call = ["journal", "export", str(folder), "--format", "parquet", "--out", file]
    assert main(call) == ConfigError.exit_code
    assert 'pip install "zerometer[parquet]"' in capsys.readouterr().err


def test_batches_are_those_that_were_sealed(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path / "journal")) as journal:
        sealing = Sealing(journal)
        sealing.minutes(range(3))
    out = tmp_path / "out"
    call = ["journal", "export", str(tmp_path / "journal"), "--format", "batches"]
    for stream in ("readings", "minutes", "ledger"):
        assert main([*call, "--stream", stream, "--out", str(out)]) == 0
    found = {path.read_bytes() for path in out.iterdir()}
    assert found == set(sealing.sealed)
    # Once more changes nothing; another journal's do not go on top of them.
    assert main([*call, "--out", str(out)]) == 0
    (next(out.glob("readings-*"))).write_bytes(b"other")
    assert main([*call, "--out", str(out)]) == 2


def test_a_batch_that_is_damaged_is_told_and_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(folder / "readings-000001.db")) as connection:
        connection.execute("UPDATE batch SET data = x'93' WHERE position = 2")
        connection.commit()
    assert main(["journal", "export", str(folder)]) == 5
    output = capsys.readouterr()
    assert len(rows_of(output.out)) == (MINUTES - 1) * 5
    assert "readings/2: byte 0: " in output.err
    assert "left out" in output.err


def test_a_file_that_cannot_be_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("csv", "parquet", "batches"):
        out = str(tmp_path / "none" / "x") if form != "batches" else str(folder / "x.y")
        if form == "batches":
            Path(out).touch()
        call = ["journal", "export", str(folder), "--format", form, "--out", out]
        assert main(call) == 2, form
        assert out in capsys.readouterr().err


# What is pruned: a journal with a file for each minute or two.


def small(path: Path) -> Journal:
    """Open a journal that begins a file each hour of its clock."""
    hours = iter(range(100_000))
    return Journal.open(
        path,
        JournalSettings(min_free_bytes=0, keep_readings_ns=1),
        uplinks={"up": STREAMS},
        wall_ns=lambda: (START_MS + 4_000_000 * next(hours)) * 1_000_000,
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return the folder of a journal of several files of readings, none sent."""
    path = tmp_path / "journal"
    with closing(small(path)) as journal:
        Sealing(journal).minutes(range(MINUTES))
    assert len(list(path.glob("readings-*"))) == MINUTES
    return path


def age(minutes: int) -> str:
    """Return the age of what happened so many minutes after START_MS."""
    hours = (time.time_ns() // 1_000_000 - START_MS - minutes * MINUTE_MS) / 3_600_000
    return f"{int(hours)}h"


def test_what_was_not_sent_is_not_pruned(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ("prune", str(files), "--keep", "1h", "--stream", "readings")
    text = printed(capsys, *call, "--dry-run")
    assert text.count("1 batches not acknowledged by up") == MINUTES - 1
    assert main(["journal", *call]) == 6
    assert "were not acknowledged by up: nothing was deleted" in capsys.readouterr().err
    assert len(list(files.glob("readings-*"))) == MINUTES


def test_what_was_sent_goes_without_a_gap(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(open_journal(files, uplinks=["up"])) as journal:
        for batch in unsent(journal):
            if batch.stream == "readings" and batch.seq <= 2:
                journal.acknowledge("up", batch)
    call = ("prune", str(files), "--keep", "1h", "--stream", "readings")
    assert main(["journal", *call]) == 6  # the third was not sent
    third = START_MS + 2 * MINUTE_MS
    keep_ms = time.time_ns() // 1_000_000 - third
    assert keep_ms > 0
    with closing(open_journal(files, uplinks=["up"])) as journal:
        (batch,) = [b for b in unsent(journal) if (b.stream, b.seq) == ("readings", 3)]
        journal.acknowledge("up", batch)
    text = printed(capsys, *call)
    assert [line.split(":")[0] for line in text.splitlines()] == [
        f"readings-{number:06d}" for number in range(1, MINUTES)
    ]
    assert len(list(files.glob("readings-*"))) == 1
    assert verify(files).findings == []
    with closing(open_journal(files, uplinks=["up"])) as journal:
        assert journal.notices == []
        assert journal.gaps("readings") == ()
        left = [b.seq for b in unsent(journal) if b.stream == "readings"]
        assert left == [MINUTES]


def test_by_force_it_becomes_a_gap(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed(capsys, "prune", str(files), "--keep", "1h", "--force")
    for stream in ("readings", "minutes", "ledger"):
        assert len(list(files.glob(f"{stream}-*.db"))) in (1, MINUTES)
    with closing(open_journal(files, uplinks=["up"])) as journal:
        assert journal.gaps("readings") == (Gap(1, MINUTES - 1, "evicted"),)
        sealing = Sealing(journal)
        sealing.minutes([MINUTES])
        assert peek(sealing.sealed[0]).gaps == (Gap(1, MINUTES - 1, "evicted"),)
    assert verify(files).findings == []


def test_not_under_an_agent(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(open_journal(files)):
        call = ["journal", "prune", str(files), "--keep", "1h", "--force"]
        assert main(call) == 6
    assert "in use by another agent" in capsys.readouterr().err
    assert len(list(files.glob("readings-*"))) == MINUTES


def test_what_is_young_stays(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep = f"{(time.time_ns() // 1_000_000 - START_MS) // 3_600_000 + 1}h"
    call = ("prune", str(files), "--keep", keep, "--force")
    assert printed(capsys, *call) == ""
    with pytest.raises(SystemExit):
        main(["journal", "prune", str(files), "--keep", "10"])
