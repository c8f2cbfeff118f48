"""Kills, full disks and failing flushes: what was committed stays, once."""

import errno
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from harness import journal_writer
from harness.failing_disk import FailingDisk
from harness.full_disk import files_end_at
from harness.journals import open_journal

from zerometer.agent.journal import Commit, SealedBatch
from zerometer.agent.journal.faults import explain, unusable
from zerometer.core.errors import JournalError


def sealed(seq: int, size: int = 20_000) -> SealedBatch:
    return SealedBatch(
        stream="readings", seq=seq, data=bytes(size), t0_ms=0, t1_ms=0, samples=1
    )


@pytest.mark.system
@pytest.mark.timeout(60)
def test_kills_tear_no_commit(tmp_path: Path) -> None:
    chance = random.Random(20)
    last = 0
    for _ in range(8):
        last = max(last, _write_and_kill(tmp_path, chance.randrange(1, 40)))
        with closing(open_journal(tmp_path)) as journal:
            assert journal.notices == []
            resume = journal.resume()
            n = int(resume.state or b"0")
            assert n >= last
            assert resume.next_seq.get("readings", 1) == n // 3 + 1
            batches = journal.oldest("reader", 10_000)
            assert [batch.seq for batch in batches] == list(range(1, n // 3 + 1))
            rows = [row for batch in batches for row in batch.data.split()]
            rows += [data for _, data in resume.segments]
            assert [int(row) for row in rows] == list(range(1, n + 1))
            last = n


def _write_and_kill(folder: Path, commits: int) -> int:
    """Let a process commit, kill it in the middle; return what it said was durable."""
    with subprocess.Popen(
        [sys.executable, journal_writer.__file__, str(folder)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as writer:
        assert writer.stdout is not None
        for _ in range(commits):
            assert writer.stdout.readline()
        writer.kill()
        said = writer.stdout.read().split(b"\n")[:-1]
    return int(said[-1]) if said else 0


def test_a_commit_that_cannot_be_written_can_be_tried_again(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        journal.append(Commit(state=b"1", sealed=[sealed(1)])).result()
        commit = Commit(
            number=2, state=b"2", segments=[("ledger", b"x")], sealed=[sealed(2)]
        )
        with files_end_at(1 << 14):
            for _ in range(2):
                with pytest.raises(JournalError):
                    journal.append(commit).result()
            assert journal.info().last_error.startswith("journal: ")
            assert len(journal.oldest("main")) == 1
            assert journal.resume().state == b"1"
        journal.append(commit).result()
        info = journal.info()
        assert (info.last_error, info.sealed_batches, info.commits) == ("", 2, 2)
        journal.append(commit).result()
        assert journal.info().sealed_batches == 2
    with closing(open_journal(tmp_path)) as journal:
        assert journal.resume().segments == [("ledger", b"x")]
        assert journal.resume().number == 2
        assert [batch.seq for batch in journal.oldest("main")] == [1, 2]


def test_an_acknowledgement_needs_no_room(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        journal.append(Commit(state=b"1", sealed=[sealed(1), sealed(2)])).result()
        with files_end_at(0):
            journal.acknowledge("main", journal.oldest("main")[0])
            assert [batch.seq for batch in journal.oldest("main")] == [2]
    with closing(open_journal(tmp_path)) as journal:
        assert [batch.seq for batch in journal.oldest("main")] == [2]


def test_a_fault_says_where_what_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"file: a file is in the way: name a "):
        open_journal(tmp_path / "file")
    with pytest.raises(JournalError, match=r"file/journal: a file is in the way"):
        open_journal(tmp_path / "file" / "journal")
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(JournalError, match=r"unable to .*: a folder is in its place"):
        open_journal(tmp_path)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "disk is full: free space there or set [journal] max"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "cannot be written: mount its disk"),
        (sqlite3.SQLITE_IOERR_READ, "disk I/O error: check its disk"),
        (sqlite3.SQLITE_LOCKED, "disk I/O error"),
    ],
)
def test_sqlite_errors_in_words(tmp_path: Path, code: int, words: str) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    assert explain(error, tmp_path / "journal.db").startswith(words)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "permission denied: let "),
        (errno.ENOSPC, "disk is full: free "),
        (errno.EROFS, "cannot be written: mount "),
        (errno.ELOOP, "Too many levels of symbolic links: check [journal] path"),
    ],
)
def test_folder_errors_in_words(number: int, words: str) -> None:
    error = OSError(number, os.strerror(number))
    assert unusable(error).startswith(words)


SYNC_SCRIPT = """
import os, pathlib, sys
from harness.journals import open_journal
from zerometer.agent.journal import Commit, SealedBatch
from zerometer.core.errors import JournalError

def batch(seq):
    return SealedBatch(
        stream="readings", seq=seq, data=bytes(9999), t0_ms=0, t1_ms=0, samples=1
    )

journal = open_journal(pathlib.Path(sys.argv[1]))
journal.append(Commit(number=1, state=b"1", sealed=[batch(1)])).result()
fail = pathlib.Path(os.environ["FAIL_AS"])
for number, sealed in (2, [batch(2)]), (3, []):
    commit = Commit(number=number, state=b"%d" % number, sealed=sealed)
    fail.write_text("sync 5")
    for _ in range(2):
        try:
            journal.append(commit).result()
        except JournalError as error:
            print(error)
    fail.unlink()
    journal.append(commit).result()
print(*journal.notices, sep="\\n")
journal.close()
"""


@pytest.mark.system
@pytest.mark.timeout(60)
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc to make flushes fail")
def test_after_a_failed_flush_files_are_made_anew(tmp_path: Path) -> None:
    """First the one of a stream, then the main one; nothing is lost, or there twice."""
    folder = tmp_path / "journal"
    done = subprocess.run(
        [sys.executable, "-c", SYNC_SCRIPT, str(folder)],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        | FailingDisk(tmp_path, under=folder).environment,
        capture_output=True,
        text=True,
        check=True,
    )
    *failures, first, second = done.stdout.splitlines()
    assert len(failures) == 4
    assert all("disk I/O error" in failure for failure in failures)
    assert "readings-000001.db: a flush to the disk failed; written anew" in first
    assert "journal.db: disk I/O error; set aside as journal.db.bad-" in second
    assert list(folder.glob("readings-000001.db.bad-*"))
    with closing(open_journal(folder)) as journal:
        assert journal.notices == []
        assert journal.resume().state == b"3"
        assert [batch.seq for batch in journal.oldest("main")] == [1, 2]
