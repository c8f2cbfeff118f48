"""``zerometer decode``: batches for people and for programs."""

import argparse
import io
import json
import sqlite3
import sys
from array import array
from contextlib import closing
from pathlib import Path

import pytest
from harness.journals import open_journal
from harness.sealed_batches import START_MS, sealed

from zerometer.agent.batch import Column, Gap, Table
from zerometer.agent.cli import decode
from zerometer.agent.journal.model import Commit, SealedBatch
from zerometer.core.errors import FormatError, UsageError

TABLES = [
    Table(
        "readings/press/energy",
        [
            Column("time", "ms", 0, array("q", [START_MS, 1 << 60])),
            Column("energy", "kWh", -2, array("q", [12345, 12345]), b"\0\1"),
            Column("mode", "", 0, ["运行", None]),
        ],
    )
]


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    decode.add_parser(parser.add_subparsers())
    options = parser.parse_args(["decode", *arguments])
    return int(options.run(options))


def test_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.batch"
    file.write_bytes(sealed(7, tables=TABLES, gaps=(Gap(3, 5, "evicted"),)))
    assert run(str(file)) == 0
    header, gap, table, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("batch 000102030405060708090a0b0c0d0e0f/0001020304050607")
    assert "/readings/7 of demo: 2 rows, 2 samples, " in header
    assert gap == "  gap: 3 to 5: evicted"
    assert table == "  readings/press/energy"
    assert [row.split() for row in rows] == [
        ["time", "[ms]", "energy", "[kWh]", "mode"],
        ["2026-01-01T00:00:00.000Z", "123.45", "运行"],
        ["1152921504606846976", "ms", "-", "-"],
    ]


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.batch"
    file.write_bytes(sealed(7, tables=TABLES))
    assert run("--json", str(file)) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["header"]["seq"] == 7
    assert document["header"]["epoch"] == "0001020304050607"
    assert document["skipped_columns"] == 0
    assert document["tables"] == [
        {
            "name": "readings/press/energy",
            "columns": [
                {"name": "time", "unit": "ms", "values": [START_MS, 1 << 60]},
                {"name": "energy", "unit": "kWh", "values": [123.45, None]},
                {"name": "mode", "unit": "", "values": ["运行", None]},
            ],
        }
    ]


def test_several_in_a_file_and_a_folder_of_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_bytes(sealed(1) + sealed(2))
    (tmp_path / "b").write_bytes(sealed(3))
    (tmp_path / "folder").mkdir()
    assert run("--json", str(tmp_path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["header"]["seq"] for line in lines] == [1, 2, 3]


def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(sealed(4)))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run("-", "--json") == 0
    assert json.loads(capsys.readouterr().out)["header"]["seq"] == 4


def test_faults_are_named_and_the_rest_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = bytearray(sealed(1))
    bad[40] ^= 1
    file = tmp_path / "three.batch"
    file.write_bytes(bytes(bad) + sealed(2) + sealed(3)[:-9])
    assert run("--json", str(file)) == FormatError.exit_code
    captured = capsys.readouterr()
    assert json.loads(captured.out)["header"]["seq"] == 2
    first, second = captured.err.splitlines()
    assert first.startswith(f"{file}: byte 0: bad-crc: batch: ")
    assert second.startswith(f"{file}: byte {2 * len(bad)}: truncated: ")


@pytest.mark.parametrize(
    "data", [b"\xc1", b"hello", "能源\n".encode() * 99, b"\x93\x81\xa1a", b"\x93" * 50]
)
def test_what_is_no_batch_is_one_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    file = tmp_path / "none.batch"
    file.write_bytes(data)
    assert run(str(file)) == FormatError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{file}: byte 0: ")
    assert line.endswith(f"; {len(data)} bytes skipped")


@pytest.mark.parametrize("before", [b"", b"text "])
@pytest.mark.parametrize("cut", [1, 40, 200])
def test_after_damage_the_next_whole_batch_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: bytes, cut: int
) -> None:
    file = tmp_path / "damaged.batch"
    file.write_bytes(before + sealed(1)[:cut] + sealed(2) + b"more")
    assert run("--json", str(file)) == FormatError.exit_code
    captured = capsys.readouterr()
    assert json.loads(captured.out)["header"]["seq"] == 2
    first, second = captured.err.splitlines()
    assert first.endswith(f"; {len(before) + cut} bytes skipped")
    assert second.endswith("; 4 bytes skipped")


def test_an_empty_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none.batch"
    file.touch()
    assert run(str(file)) == FormatError.exit_code
    assert capsys.readouterr().err == f"{file}: empty\n"


def test_a_journal_in_use_is_read_as_folder_and_as_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = open_journal(tmp_path)
    batches = [
        SealedBatch(
            stream="readings", seq=n, data=sealed(n), t0_ms=0, t1_ms=1, samples=1
        )
        for n in (1, 2)
    ]
    journal.append(Commit(state=b"", sealed=batches)).result()
    try:
        for source in (tmp_path, tmp_path / "journal.db"):
            assert run("--json", str(source)) == 0
            lines = capsys.readouterr().out.splitlines()
            assert [json.loads(line)["header"]["seq"] for line in lines] == [1, 2]
    finally:
        journal.close()


def test_another_database_is_no_journal(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (a)")
    with pytest.raises(UsageError, match=r"other\.sqlite: not a readable journal"):
        run(str(file))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none: No such file"):
        run(str(tmp_path / "none"))
