"""Damaged rows and files: skipped or set aside, counted, and never in the way."""

import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest
from harness.journals import open_journal

from zerometer.agent.batch import Gap
from zerometer.agent.journal import Commit, Journal, SealedBatch
from zerometer.core.errors import JournalError

READINGS = "readings-000001.db"


def filled(folder: Path) -> tuple[bytes, bytes]:
    """Leave a journal of five batches and two segments; return source and epoch."""
    with closing(open_journal(folder)) as journal:
        for seq in range(1, 6):
            batch = SealedBatch(
                stream="readings", seq=seq, data=bytes(5000), t0_ms=0, t1_ms=0,
                samples=1,
            )  # fmt: skip
            journal.append(Commit(state=b"state", sealed=[batch])).result()
        journal.append(
            Commit(state=b"state", segments=[("ledger", b"a"), ("ledger", b"b")])
        ).result()
        for batch in journal.oldest("main", 2):
            journal.acknowledge("main", batch)
        return journal.source, journal.epoch


def damage(folder: Path, statement: str, file: str = "journal.db") -> None:
    """Change a row behind the journal's back."""
    with closing(sqlite3.connect(folder / file)) as connection:
        assert connection.execute(statement).rowcount == 1
        connection.commit()


def aside(folder: Path) -> list[Path]:
    found = sorted(folder.glob("journal.db.bad-*"))
    return [path for path in found if not path.name.endswith(("-wal", "-shm"))]


def test_a_damaged_batch_is_skipped_and_declared(tmp_path: Path) -> None:
    filled(tmp_path)
    damage(tmp_path, "UPDATE batch SET data = zeroblob(4999) WHERE seq = 4", READINGS)
    with closing(open_journal(tmp_path)) as journal:
        assert [b.seq for b in journal.oldest("main")] == [3, 5]
        assert journal.gaps("readings") == (Gap(4, 4, "damaged"),)
        assert [b.seq for b in journal.oldest("spare")] == [1, 2, 3, 5]
        journal.acknowledge("main", journal.oldest("main")[0])
    with closing(open_journal(tmp_path)) as journal:
        assert [b.seq for b in journal.oldest("main")] == [5]
        info = journal.info()
        assert (info.damaged, info.uplinks["main"].pending) == (1, 1)
        assert journal.resume().next_seq == {"readings": 6}


def test_damaged_state_and_segments_are_skipped_and_noticed(tmp_path: Path) -> None:
    filled(tmp_path)
    damage(tmp_path, "UPDATE part SET data = x'00' WHERE name = 'state'")
    damage(tmp_path, "UPDATE segment SET data = x'00' WHERE n = 1")
    with closing(open_journal(tmp_path)) as journal:
        resume = journal.resume()
        assert resume.state is None
        assert resume.segments == [("ledger", b"b")]
        assert journal.notices == [
            "journal: the accounting state is damaged, skipped",
            "journal: segment 1 is damaged, skipped",
        ]


def test_a_damaged_cursor_starts_over(tmp_path: Path) -> None:
    filled(tmp_path)
    damage(tmp_path, "UPDATE part SET crc = 0 WHERE name = 'cursors'")
    with closing(open_journal(tmp_path)) as journal:
        assert [b.seq for b in journal.oldest("main")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE part SET crc = 0 WHERE name = 'stream:readings'",
        "UPDATE meta SET value = x'00' WHERE name = 'epoch'",
        "DELETE FROM meta WHERE name = 'source'",
    ],
)
def test_without_its_identity_a_journal_is_set_aside(
    tmp_path: Path, statement: str
) -> None:
    source, epoch = filled(tmp_path)
    damage(tmp_path, statement)
    with closing(open_journal(tmp_path)) as journal:
        assert journal.epoch != epoch
        assert journal.source == source
        assert journal.resume().next_seq == {}
        assert aside(tmp_path)[0].name in journal.notices[0]
    with closing(open_journal(tmp_path)) as again:
        assert again.source == journal.source
        assert again.notices == []


def test_what_is_no_journal_is_set_aside(tmp_path: Path) -> None:
    filled(tmp_path)
    whole = (tmp_path / "journal.db").read_bytes()
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE meta (name TEXT)")
    small_pages = tmp_path / "small.db"
    with closing(sqlite3.connect(small_pages)) as connection:
        connection.execute("PRAGMA page_size = 1024")
        connection.execute("CREATE TABLE meta (name TEXT)")
    contents = [
        b"no journal at all\n" * 500,
        bytes(8192),
        whole[:5000],
        whole[:4096] + bytes(len(whole) - 4096),
        other.read_bytes(),
        small_pages.read_bytes(),
    ]
    for count, content in enumerate(contents, 1):
        (tmp_path / "journal.db").write_bytes(content)
        with closing(open_journal(tmp_path)) as journal:
            assert "not a healthy journal" in journal.notices[0]
            assert len(aside(tmp_path)) == count
            journal.append(Commit(state=b"fresh")).result()


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    with closing(open_journal(tmp_path)) as journal:
        assert journal.notices == []


def test_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    damage(
        tmp_path,
        # The CRC-32 of msgpack's ["format", b"3"], as a later version writes it.
        f"UPDATE meta SET value = x'33', crc = {0xD7F713AD} WHERE name = 'format'",
    )
    with pytest.raises(JournalError, match="format 3; this version reads 2"):
        open_journal(tmp_path)
    assert aside(tmp_path) == []


@pytest.mark.parametrize(
    "change",
    [
        "ordinal = NULL",
        "t1_ms = 'text'",
        "samples = 'text'",
        "seq = 'text'",
        "epoch = NULL",
        "position = 9223372036854775807",
    ],
)
@pytest.mark.parametrize("without_main", [False, True])
def test_a_row_that_says_nonsense_is_in_the_way_of_no_other(
    tmp_path: Path, change: str, without_main: bool
) -> None:
    filled(tmp_path)
    with closing(open_journal(tmp_path)) as journal:
        first = SealedBatch(
            stream="ledger", seq=1, data=b"l", t0_ms=0, t1_ms=0, samples=1
        )
        journal.append(Commit(state=b"", sealed=[first])).result()
    damage(tmp_path, f"UPDATE batch SET {change} WHERE position = 4", READINGS)
    if without_main:
        (tmp_path / "journal.db").unlink()
    for seq in (1, 2):
        with closing(open_journal(tmp_path)) as journal:
            following = journal.resume().next_seq.get("readings", 1)
            assert following == (seq if without_main else seq + 5)
            batch = SealedBatch(
                stream="readings", seq=following, data=b"more", t0_ms=0, t1_ms=0,
                samples=1,
            )  # fmt: skip
            journal.append(Commit(state=b"", sealed=[batch])).result()
            unsent = journal.oldest("spare", 99)
            found = [b.position for b in unsent if b.stream == "readings"]
            assert found == [p for p in range(1, 6 + seq) if p != 4]


def test_the_file_of_another_stream_is_set_aside(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(open_journal(tmp_path)) as journal:
        batch = SealedBatch(
            stream="ledger", seq=1, data=b"l", t0_ms=0, t1_ms=0, samples=1
        )
        journal.append(Commit(state=b"", sealed=[batch])).result()
    (tmp_path / READINGS).replace(tmp_path / "ledger-000001.db")
    with closing(open_journal(tmp_path)) as journal:
        assert journal.oldest("spare") == []
        assert "of another gateway or stream" in journal.notices[-1]
        assert journal.info().damaged == 1


def test_a_main_file_that_lost_commits_takes_no_batch_with_it(tmp_path: Path) -> None:
    """SQLite passes over all that follows the first damaged byte of a WAL."""
    live, cut = tmp_path / "live", tmp_path / "cut"

    def commit(journal: Journal, number: int) -> None:
        seq = journal.resume().next_seq.get("ledger", 1)
        batch = SealedBatch(
            stream="ledger", seq=seq, data=b"batch %d" % number, t0_ms=0, t1_ms=0,
            samples=1,
        )  # fmt: skip
        segments = [("ledger", b"open"), ("readings", b"open")]
        journal.append(
            Commit(number=number, state=b"s", sealed=[batch], segments=segments)
        ).result()

    with closing(open_journal(live)) as journal:
        for number in range(1, 11):
            commit(journal, number)
        before = journal.epoch
        copytree(live, cut)
    wal = cut / "journal.db-wal"
    content = bytearray(wal.read_bytes())
    content[len(content) // 2] ^= 1
    wal.write_bytes(content)
    for number in (11, 12):
        with closing(open_journal(cut)) as journal:
            assert journal.epoch > before
            found = [b.data for b in journal.oldest("spare", 99)]
            assert found == [b"batch %d" % n for n in range(1, number)]
            assert ("lacks commits" in "".join(journal.notices)) == (number == 11)
            resume = journal.resume()
            assert resume.number == number - 1
            if number == 11:
                assert {stream for stream, _ in resume.segments} == {"readings"}
            commit(journal, number)


@pytest.mark.parametrize("file", ["journal.db", READINGS])
def test_a_schema_that_is_no_text_is_set_aside(tmp_path: Path, file: str) -> None:
    filled(tmp_path)
    path = tmp_path / file
    content = path.read_bytes()
    at = content.index(b"CREATE TABLE meta")
    path.write_bytes(content[:at] + b"CREATE \xe2\x28" + content[at + 9 :])
    with closing(open_journal(tmp_path)) as journal:
        left = [1, 2, 3, 4, 5] if file == "journal.db" else []
        assert [b.position for b in journal.oldest("spare")] == left
        assert "set aside as" in "".join(journal.notices)
