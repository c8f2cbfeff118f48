"""Files of streams: begun anew in time, plain when they are over, and lost ones."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from harness.full_disk import files_end_at
from harness.journals import open_journal, unsent

from zerometer.agent.batch import Gap, Missing
from zerometer.agent.journal import Commit, Journal, SealedBatch
from zerometer.core.errors import JournalError

MAX_BYTES = 4 << 20
SIZE = 60_000


def seal(journal: Journal, count: int, stream: str = "readings") -> None:
    """Seal batches, a commit each."""
    first = journal.resume().next_seq.get(stream, 1)
    for seq in range(first, first + count):
        batch = SealedBatch(
            stream=stream, seq=seq, data=bytes(SIZE), t0_ms=0, t1_ms=0, samples=1,
            gaps=journal.gaps(stream),
        )  # fmt: skip
        journal.append(Commit(state=b"%d" % seq, sealed=[batch])).result()


def seqs(journal: Journal) -> list[int]:
    return [batch.seq for batch in unsent(journal)]


def filled(folder: Path, count: int = 20) -> None:
    """Leave a journal of four files of five batches."""
    with closing(open_journal(folder, MAX_BYTES)) as journal:
        seal(journal, count)


def test_a_file_that_is_over_is_plain(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        seal(journal, 20)
        info = journal.info().streams["readings"]
        assert (info.files, info.batches) == (4, 20)
        names = {path.name for path in tmp_path.iterdir()}
        assert {f"readings-00000{n}.db" for n in range(1, 5)} <= names
        assert "readings-000004.db-wal" in names
        assert not {n for n in names if n.startswith("readings-000001.db-")}
        for number in range(1, 4):
            file = (tmp_path / f"readings-00000{number}.db").read_bytes()
            assert file[18:20] == b"\1\1", "it has no WAL"
        assert seqs(journal) == list(range(1, 21))


def test_few_files_are_open_at_once(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path, 64 << 20)) as journal:
        for stream in ("ledger", "minutes", "state", "readings"):
            seal(journal, 1, stream)
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        assert journal._store._shelf._open == {}
        seal(journal, 60)
        assert len(unsent(journal)) > 40
        assert len(journal._store._shelf._open) <= 6


def test_batches_beyond_the_last_commit_are_not_there(tmp_path: Path) -> None:
    """What a cut left between a stream's file and the main one."""
    filled(tmp_path, 2)
    before = tmp_path / "before"
    before.mkdir()
    shutil.copy(tmp_path / "journal.db", before)
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        seal(journal, 4)
        epoch = journal.epoch
    shutil.copy(before / "journal.db", tmp_path)
    assert (tmp_path / "readings-000002.db").exists()
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        assert journal.notices == []
        assert not (tmp_path / "readings-000002.db").exists()
        assert seqs(journal) == [1, 2]
        assert journal.resume().next_seq == {"readings": 3}
        seal(journal, 1)
        assert seqs(journal) == [1, 2, 3]
        assert journal.epoch == epoch


@pytest.mark.parametrize("content", [b"no database" * 500, b"", None, bytes(4096)])
def test_a_bad_file_is_a_gap(tmp_path: Path, content: bytes | None) -> None:
    filled(tmp_path)
    file = tmp_path / "readings-000002.db"
    lost = list(range(6, 11))
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        left = [n for n in range(1, 21) if n not in lost]
        assert seqs(journal) == left
        assert journal.gaps("readings") == (Gap(6, 10, "damaged"),)
        assert journal.info().damaged == 5
        (notice,) = journal.take_notices()
        assert "readings-000002.db: " in notice
        aside = list(tmp_path.glob("readings-000002.db.bad-*"))
        assert len(aside) == (content is not None)
        seal(journal, 1)
        assert seqs(journal) == [*left, 21]
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        assert journal.notices == []
        assert journal.gaps("readings") == ()


def test_a_bad_file_that_is_written_to_is_a_gap(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    (tmp_path / "readings-000001.db").write_bytes(b"no database" * 500)
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        seal(journal, 1)
        assert seqs(journal) == [4]
        assert journal.gaps("readings") == (Gap(1, 3, "damaged"),)
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        assert (seqs(journal), journal.notices) == ([4], [])


def test_rows_that_are_not_there_are_a_gap(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / "readings-000003.db")) as connection:
        connection.execute("DELETE FROM batch WHERE seq IN (11, 13, 15)")
        connection.commit()
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        assert [n for n in range(1, 21) if n not in seqs(journal)] == [11, 13, 15]
        assert [gap.first for gap in journal.gaps("readings")] == [11, 13, 15]


def test_a_lost_newest_batch_is_not_the_newest(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    with closing(sqlite3.connect(tmp_path / "readings-000001.db")) as connection:
        connection.execute("UPDATE batch SET samples = 9 WHERE seq = 3")
        connection.commit()
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        assert [batch.seq for batch in journal.newest("up")] == [2]
        assert journal.gaps("readings") == (Gap(3, 3, "damaged"),)
        journal.resend("up", Missing(journal.epoch, "readings", 3, 3))
        assert seqs(journal) == [1, 2]


def test_without_a_main_file_batches_are_sent_under_their_old_epoch(
    tmp_path: Path,
) -> None:
    filled(tmp_path)
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        source, old = journal.source, journal.epoch
    (tmp_path / "journal.db").unlink()
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        assert "journal.db: not a healthy journal (it is gone)" in journal.notices[0]
        assert journal.source == source
        assert journal.epoch != old
        assert journal.resume().next_seq == {}
        seal(journal, 1)
        found = [(b.position, b.epoch, b.seq) for b in unsent(journal)]
        assert found[:20] == [(n, old, n) for n in range(1, 21)]
        assert found[20:] == [(21, journal.epoch, 1)]
        epoch = journal.epoch
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        assert (journal.notices, journal.epoch) == ([], epoch)


def test_a_damaged_main_file_keeps_the_state_and_the_cursors(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        for batch in journal.oldest("up", 10):
            journal.acknowledge("up", batch)
        segments = [("ledger", b"open row")]
        shares = [(10, b"quarter")]
        journal.append(
            Commit(number=5, state=b"state", segments=segments, shares=shares)
        ).result()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.execute("UPDATE part SET crc = 0 WHERE name = 'stream:readings'")
        connection.commit()
    (tmp_path / "readings-000004.db").write_bytes(b"")
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        first, second = journal.notices
        assert "part 'stream:readings' is damaged" in first
        assert "readings-000004.db" in second
        resume = journal.resume()
        assert (resume.number, resume.state) == (5, b"state")
        assert resume.segments == segments
        assert journal.shares(0, 9).result() == shares
        assert seqs(journal) == [11, 12, 13, 14, 15]


def test_a_deleted_folder_is_noticed_and_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with closing(open_journal(folder, MAX_BYTES)) as journal:
        seal(journal, 12)
        journal.append(Commit(state=b"s", segments=[("ledger", b"row")])).result()
        source, epoch = journal.source, journal.epoch
        shutil.rmtree(folder)
        seal(journal, 1)
        assert any("journal.db: is gone" in notice for notice in journal.notices)
        assert (journal.source, journal.epoch) == (source, epoch)
        assert seqs(journal) == [13]
        assert journal.gaps("readings") == (Gap(1, 12, "damaged"),)
        with pytest.raises(JournalError, match="in use by another agent"):
            open_journal(folder)
    with closing(open_journal(folder, MAX_BYTES)) as journal:
        assert (journal.source, journal.epoch) == (source, epoch)
        assert journal.notices == []
        assert journal.resume().segments == [("ledger", b"row")]
        assert seqs(journal) == [13]


def test_a_file_that_goes_missing_is_noticed_at_the_next_commit(
    tmp_path: Path,
) -> None:
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        seal(journal, 12)
        (tmp_path / "readings-000002.db").unlink()
        journal.append(Commit(state=b"")).result()
        assert journal.gaps("readings") == (Gap(6, 10, "damaged"),)
        assert seqs(journal) == [1, 2, 3, 4, 5, 11, 12]


def test_a_full_disk_is_left_by_giving_up_the_oldest(tmp_path: Path) -> None:
    """Files are deleted, which needs no room, as deleting rows would."""
    with closing(open_journal(tmp_path, MAX_BYTES)) as journal:
        seal(journal, 60)
        with files_end_at(0):
            with pytest.raises(JournalError):
                seal(journal, 1)
            assert seqs(journal)[-1] == 60
        seal(journal, 1)
        assert seqs(journal)[-1] == 61
        lost = seqs(journal)[0] - 1
        assert sum(gap.last - gap.first + 1 for gap in journal.gaps("readings")) <= lost
