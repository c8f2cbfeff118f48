"""The chain of hashes: what was changed, taken out or put elsewhere is found."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.journals import open_journal, unsent
from harness.sealing import Sealing, power

from zerometer.agent.batch import decode, encode
from zerometer.agent.cli.main import main
from zerometer.agent.journal.schema import checksum
from zerometer.agent.journal_tools.verify import verify
from zerometer.agent.uplink.base import Outcome
from zerometer.agent.uplink.file import FileSender

MINUTES = 5
FILE = "readings-000001.db"

Change = Callable[[sqlite3.Connection], None]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return the folder of a journal with two epochs of MINUTES batches a stream."""
    folder = tmp_path / "journal"
    with closing(open_journal(folder)) as opened:
        sealing = Sealing(opened)
        sealing.minutes(range(MINUTES))
        sealing.new_epoch()
        sealing.minutes(range(MINUTES, 2 * MINUTES))
    return folder


def tamper(folder: Path, change: Change, file: str = FILE) -> None:
    """Change rows, and let their checksums be right."""
    with closing(sqlite3.connect(folder / file)) as connection:
        change(connection)
        columns = "position, ordinal, epoch, seq, t0_ms, t1_ms, samples, data"
        for row in connection.execute(f"SELECT {columns} FROM batch").fetchall():
            crc = checksum(*row)
            query = "UPDATE batch SET crc = ? WHERE position = ?"
            connection.execute(query, (crc, row[0]))
        connection.commit()


def found(folder: Path) -> list[tuple[str, str, int, int]]:
    return [(f.kind, f.stream, f.first, f.last) for f in verify(folder).findings]


def data_of(connection: sqlite3.Connection, position: int) -> bytes:
    query = "SELECT data FROM batch WHERE position = ?"
    (data,) = connection.execute(query, (position,)).fetchone()
    assert isinstance(data, bytes)
    return data


def put(connection: sqlite3.Connection, position: int, data: bytes) -> None:
    query = "UPDATE batch SET data = ? WHERE position = ?"
    connection.execute(query, (data, position))


def test_what_was_sealed_is_proved(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = verify(journal)
    assert verdict.findings == []
    assert sorted((p.stream, p.first, p.last, p.batches) for p in verdict.proofs) == [
        (stream, 1, MINUTES, MINUTES)
        for stream in ("ledger", "minutes", "readings")
        for _ in range(2)
    ]
    assert main(["journal", "verify", str(journal)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert all(line.endswith(": proved") for line in lines)


def test_a_journal_that_is_written_is_proved(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as opened:
        Sealing(opened).minutes(range(3))
        assert verify(tmp_path).findings == []


def test_a_copy_without_what_sqlite_keeps_beside_it_is_proved(
    journal: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(journal, copy, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
    assert verify(copy).findings == []


def test_a_flipped_byte_is_found(journal: Path) -> None:
    def flip(connection: sqlite3.Connection) -> None:
        data = bytearray(data_of(connection, 3))
        data[len(data) // 2] ^= 1
        put(connection, 3, bytes(data))

    tamper(journal, flip)
    assert found(journal) == [("changed", "readings", 3, 3)]


def resealed(data: bytes) -> bytes:
    """Return a batch with another value, all its checksums right."""
    batch = decode(data)
    table = power(batch.header.t0_ms)
    table.columns[2].values[0] += 1.0
    return encode(batch.header, [table])


@pytest.mark.parametrize("position", [1, 3, MINUTES, 2 * MINUTES])
def test_a_changed_value_is_found_though_all_checksums_fit(
    journal: Path, position: int
) -> None:
    tamper(journal, lambda c: put(c, position, resealed(data_of(c, position))))
    seq = (position - 1) % MINUTES + 1
    # Nothing follows the last batch of an epoch that is over, to tell of it.
    expected = [] if position == MINUTES else [("changed", "readings", seq, seq)]
    assert found(journal) == expected


def test_a_missing_batch_is_found(journal: Path) -> None:
    tamper(journal, lambda c: c.execute("DELETE FROM batch WHERE position = 3"))
    assert found(journal) == [("missing", "readings", 3, 3)]


@pytest.mark.parametrize(
    ("positions", "missing"),
    [((1,), (1, 1)), ((1, 2), (1, 2)), ((9, 10), (4, 5)), ((4, 5), (4, 5))],
)
def test_missing_ends_are_found(
    journal: Path, positions: tuple[int, ...], missing: tuple[int, int]
) -> None:
    where = f"position IN ({', '.join(map(str, positions))})"
    tamper(journal, lambda c: c.execute(f"DELETE FROM batch WHERE {where}"))
    assert found(journal) == [("missing", "readings", *missing)]


def test_reordered_batches_are_found(journal: Path) -> None:
    def swap(connection: sqlite3.Connection) -> None:
        second, fourth = data_of(connection, 2), data_of(connection, 4)
        put(connection, 2, fourth)
        put(connection, 4, second)

    tamper(journal, swap)
    assert found(journal) == [
        ("misplaced", "readings", 2, 2),
        ("misplaced", "readings", 4, 4),
    ]


def test_a_batch_of_another_journal_in_its_place_is_found(
    journal: Path, tmp_path: Path
) -> None:
    with closing(open_journal(tmp_path / "other")) as other:
        sealing = Sealing(other)
        sealing.minutes(range(3))
        strange = sealing.sealed[6]
    tamper(journal, lambda c: put(c, 3, strange))
    kinds = found(journal)
    assert ("misplaced", "readings", 3, 3) in kinds
    assert ("missing", "readings", 3, 3) in kinds


def test_a_declared_gap_is_none(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path, uplinks=["up"])) as opened:
        sealing = Sealing(opened)
        sealing.minutes(range(3))
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("UPDATE batch SET data = x'00' WHERE position = 2")
        connection.commit()
    with closing(open_journal(tmp_path, uplinks=["up"])) as opened:
        opened.oldest("up")  # finds it, and has it declared
        Sealing(opened).minutes(range(3, 5))
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("DELETE FROM batch WHERE position = 2")
        connection.commit()
    (proof,) = (p for p in verify(tmp_path).proofs if p.stream == "readings")
    assert proof.findings == []
    assert {(gap.first, gap.last, gap.reason) for gap in proof.declared} == {
        (2, 2, "damaged")
    }


def test_a_folder_of_batches(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "batches"
    for stream in ("readings", "ledger"):
        call = ["journal", "export", str(journal), "--format", "batches"]
        assert main([*call, "--stream", stream, "--out", str(folder)]) == 0
    assert verify(folder).findings == []
    files = sorted(folder.glob("readings-*"))
    assert len(files) == 2 * MINUTES
    assert [p.batches for p in verify(folder).proofs] == [MINUTES] * 4
    files[1].unlink()
    files[7].write_bytes(files[7].read_bytes()[:-1])
    assert main(["journal", "verify", str(folder), "--json"]) == 5
    verdict = json.loads(capsys.readouterr().out)
    assert not verdict["ok"]
    kinds = [f["kind"] for p in verdict["proofs"] for f in p["findings"]]
    assert kinds.count("missing") == 2
    assert [f["kind"] for f in verdict["unreadable"]] == ["unreadable"]


def test_two_batches_of_one_number_are_a_conflict(
    journal: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "batches"
    call = ["journal", "export", str(journal), "--format", "batches"]
    assert main([*call, "--out", str(folder)]) == 0
    first = next(iter(sorted(folder.iterdir())))
    (folder / "again").write_bytes(first.read_bytes())
    assert verify(folder).findings == []
    batch = decode(first.read_bytes())
    other = encode(replace(batch.header, site="other"), batch.tables)
    (folder / "zz").write_bytes(other)
    assert [f.kind for f in verify(folder).findings] == ["conflict"]


def test_the_folder_of_an_uplink(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with closing(open_journal(tmp_path / "journal", uplinks=["up"])) as journal:
        Sealing(journal).minutes([3, 1, 2])  # a clock that was set back in between
        sender = FileSender(out, journal.source)
        for batch in unsent(journal):
            assert sender.send(batch, 1.0).outcome is Outcome.ACCEPTED
    assert found(out) == []
    assert sum(proof.batches for proof in verify(out).proofs) == 9
    next(out.rglob("*-readings-*2-*")).unlink()
    assert found(out) == [("missing", "readings", 2, 2)]


def test_batches_of_a_file_in_another_order_are_found(
    journal: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(journal / FILE)) as connection:
        one, two, three = (data_of(connection, n) for n in (1, 2, 3))
    (tmp_path / "file").write_bytes(two + one + three)
    assert found(tmp_path / "file") == [("misplaced", "readings", 1, 1)]


def test_a_file_that_is_damaged_is_named(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = journal / FILE
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)
    assert main(["journal", "verify", str(journal)]) == 5
    output = capsys.readouterr().out
    assert f"unreadable: journal: {path}: cannot be read: " in output
    assert "missing: readings: batches 1 to 5 not there" in output
