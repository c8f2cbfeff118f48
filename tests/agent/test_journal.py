"""The journal: all of a commit or nothing, and cursors that only go forward."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.journals import open_journal

from zerometer.agent.batch import batch_hash
from zerometer.agent.journal import Commit, Journal, SealedBatch, UplinkInfo
from zerometer.core.errors import JournalError, UsageError


def sealed(seq: int, stream: str = "readings", size: int = 100) -> SealedBatch:
    """Return a stand-in for a batch; the journal does not look inside."""
    data = b"%s %d " % (stream.encode(), seq)
    return SealedBatch(
        stream=stream, seq=seq, data=data.ljust(size), t0_ms=seq, t1_ms=seq, samples=10
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(open_journal(tmp_path / "deep" / "journal")) as it:
        yield it


def reopened(journal: Journal, folder: Path) -> Journal:
    journal.close()
    return open_journal(folder / "deep" / "journal")


def commit(journal: Journal, *batches: SealedBatch) -> None:
    journal.append(Commit(state=b"state", sealed=list(batches))).result()


def test_a_new_journal_is_empty(journal: Journal) -> None:
    resume = journal.resume()
    assert (resume.state, resume.segments) == (None, [])
    assert (resume.next_seq, resume.last_hash) == ({}, {})
    assert (len(journal.source), len(journal.epoch)) == (16, 8)
    assert journal.oldest("main") == []
    assert journal.notices == []


def test_a_commit_is_there_after_a_start(journal: Journal, tmp_path: Path) -> None:
    journal.append(
        Commit(state=b"one", segments=[("readings", b"a"), ("ledger", b"b")])
    ).result()
    journal.append(Commit(state=b"two", segments=[("readings", b"c")])).result()
    with closing(reopened(journal, tmp_path)) as again:
        resume = again.resume()
        assert resume.state == b"two"
        assert resume.segments == [
            ("readings", b"a"),
            ("ledger", b"b"),
            ("readings", b"c"),
        ]
        assert (again.source, again.epoch) == (journal.source, journal.epoch)


def test_sealing_replaces_the_segments_of_its_stream(journal: Journal) -> None:
    journal.append(
        Commit(state=b"", segments=[("readings", b"old"), ("ledger", b"kept")])
    ).result()
    batch = sealed(1)
    journal.append(
        Commit(state=b"", segments=[("readings", b"new")], sealed=[batch])
    ).result()
    resume = journal.resume()
    assert resume.segments == [("ledger", b"kept"), ("readings", b"new")]
    assert resume.next_seq == {"readings": 2}
    assert resume.last_hash == {"readings": batch_hash(batch.data)}


@pytest.mark.parametrize("seqs", [(2,), (1, 3), (1, 1), (0,)])
def test_numbers_follow_each_other_or_nothing_is_written(
    journal: Journal, seqs: tuple[int, ...]
) -> None:
    batches = [sealed(seq) for seq in seqs]
    with pytest.raises(UsageError, match="seq is"):
        journal.append(Commit(state=b"no", sealed=batches)).result()
    assert journal.resume().state is None
    assert journal.oldest("main") == []
    assert "seq is" in journal.info().last_error
    commit(journal, sealed(1))
    assert journal.info().last_error == ""


def test_each_uplink_has_a_cursor_of_its_own(journal: Journal, tmp_path: Path) -> None:
    commit(journal, sealed(1), sealed(1, "ledger"), sealed(2))
    first, second, third = journal.oldest("main")
    assert (first.stream, first.seq, first.samples) == ("readings", 1, 10)
    assert first.data == sealed(1).data
    assert (second.stream, third.seq) == ("ledger", 2)
    assert journal.oldest("main", limit=1) == [first]
    journal.acknowledge("main", second)
    assert journal.oldest("main") == [first, third]
    journal.acknowledge("main", first)
    journal.acknowledge("main", first)
    assert journal.oldest("main") == [third]
    assert journal.oldest("spare") == [first, second, third]
    with closing(reopened(journal, tmp_path)) as again:
        assert again.oldest("main") == [third]
        assert again.info().uplinks == {
            "main": UplinkInfo(acknowledged=2, pending=1),
            "spare": UplinkInfo(acknowledged=0, pending=3),
        }


def test_only_what_was_sealed_can_be_acknowledged(journal: Journal) -> None:
    commit(journal, sealed(1))
    (batch,) = journal.oldest("main")
    with pytest.raises(UsageError, match="readings 2 acknowledged, the last one is 1"):
        journal.acknowledge("main", replace(batch, position=2))


def test_listeners_hear_of_sealed_batches_only(journal: Journal) -> None:
    heard: list[str] = []

    def fail() -> None:
        raise ValueError("of no concern to the journal")

    journal.on_durable(fail)
    journal.on_durable(lambda: heard.append(threading.current_thread().name))
    journal.append(Commit(state=b"")).result()
    assert heard == []
    commit(journal, sealed(1), sealed(2))
    assert heard == ["journal_0"]


def test_figures(journal: Journal) -> None:
    commit(journal, sealed(1), sealed(1, "ledger"))
    commit(journal, sealed(2))
    info = journal.info()
    assert (info.batches, info.sealed_batches, info.sealed_samples) == (3, 3, 30)
    assert (info.evicted, info.damaged, info.commits) == (0, 0, 2)
    assert 0 < info.bytes < info.max_bytes
    assert info.last_commit_ms is not None


def test_closing_finishes_what_is_queued(journal: Journal, tmp_path: Path) -> None:
    futures = [
        journal.append(Commit(state=b"%d" % n, sealed=[sealed(n)]))
        for n in range(1, 50)
    ]
    with closing(reopened(journal, tmp_path)) as again:
        assert all(future.done() for future in futures)
        assert again.resume().state == b"49"
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append(Commit(state=b""))


def test_many_threads_may_call(journal: Journal) -> None:
    commit(journal, sealed(1))

    def work(uplink: str) -> None:
        for batch in journal.oldest(uplink):
            journal.acknowledge(uplink, batch)

    threads = [threading.Thread(target=work, args=(f"u{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {u.acknowledged for u in journal.info().uplinks.values()} == {1}


def test_a_folder_has_one_journal_open(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="in use by another agent"):
        open_journal(tmp_path / "deep" / "journal")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(JournalError, match="a file is in the way"):
        open_journal(tmp_path / "file" / "journal")


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(JournalError, match="unable to open"):
        open_journal(tmp_path)
    (tmp_path / "journal.db").rmdir()
    open_journal(tmp_path).close()
