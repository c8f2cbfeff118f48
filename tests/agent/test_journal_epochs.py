"""Identity: epochs, what is sent first, quarantine, what is sealed anew."""

from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import closing
from pathlib import Path

import pytest
from harness.journals import open_journal, unsent

from zerometer.agent.batch import Gap, Missing
from zerometer.agent.journal import Commit, Journal, SealedBatch, main_file
from zerometer.agent.journal.folder import MAIN
from zerometer.agent.journal_tools.read_only import reading
from zerometer.core.site import JournalSettings


def sealed(seq: int, stream: str = "readings") -> SealedBatch:
    return SealedBatch(
        stream=stream, seq=seq, data=b"%s %d" % (stream.encode(), seq), t0_ms=seq,
        t1_ms=seq, samples=1,
    )  # fmt: skip


def commit(journal: Journal, *batches: SealedBatch) -> None:
    journal.append(Commit(state=b"", sealed=list(batches))).result()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(open_journal(tmp_path)) as journal:
        yield journal


def test_a_new_epoch_begins_with_number_1(journal: Journal, tmp_path: Path) -> None:
    commit(journal, sealed(1), sealed(2), sealed(1, "ledger"))
    before = journal.epoch
    future = journal.begin_epoch("a test wants it")
    wait([future])
    assert journal.epoch == future.result() != before
    assert journal.take_notices() == ["journal: a test wants it: a new epoch was begun"]
    assert journal.notices == []
    assert (journal.resume().next_seq, journal.resume().last_hash) == ({}, {})
    commit(journal, sealed(1))
    journal.close()
    with closing(open_journal(tmp_path)) as again:
        assert again.epoch == future.result()
        assert again.resume().next_seq == {"readings": 2}
        found = [(b.stream, b.position, b.epoch, b.seq) for b in unsent(again)]
        assert found == [
            ("readings", 1, before, 1),
            ("readings", 2, before, 2),
            ("ledger", 1, before, 1),
            ("readings", 3, again.epoch, 1),
        ]


def test_numbers_of_an_old_epoch_are_sent_again_but_declared_nowhere(
    journal: Journal,
) -> None:
    commit(journal, sealed(1), sealed(2))
    before = journal.epoch
    journal.begin_epoch("a test wants it").result()
    commit(journal, sealed(1))
    for batch in unsent(journal):
        journal.acknowledge("up", batch)
    journal.resend("up", Missing(before, "readings", 2, 9))
    assert [b.position for b in unsent(journal)] == [2]
    journal.resend("up", Missing(journal.epoch, "readings", 1, 1))
    assert [b.position for b in unsent(journal)] == [2, 3]
    commit_reissue = Commit(state=b"", reissued=[("readings", 2)])
    journal.append(commit_reissue).result()
    assert [b.position for b in unsent(journal)] == [3]
    assert journal.gaps("readings") == ()


def test_other_hardware_begins_an_epoch(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)) as journal:
        commit(journal, sealed(1))
        source, first = journal.source, journal.epoch
    with closing(open_journal(tmp_path, hardware=b"one")) as journal:
        assert (journal.epoch, journal.notices) == (first, [])
    with closing(open_journal(tmp_path, hardware=b"one")) as journal:
        assert (journal.epoch, journal.notices) == (first, [])
    with closing(open_journal(tmp_path, hardware=b"other")) as journal:
        assert (journal.source, journal.epoch != first) == (source, True)
        assert journal.notices == [
            "journal: it was written on other hardware: a new epoch was begun"
        ]
        second = journal.epoch
    for hardware in (b"other", b""):  # that it is not known proves nothing
        with closing(open_journal(tmp_path, hardware=hardware)) as journal:
            assert (journal.epoch, journal.notices) == (second, [])


def test_the_newest_of_each_stream_comes_first(journal: Journal) -> None:
    assert journal.newest("up") == []
    commit(journal, *(sealed(n) for n in range(1, 30)), sealed(1, "ledger"))
    readings, ledger = journal.newest("up")
    assert (readings.stream, readings.seq) == ("readings", 29)
    assert (ledger.stream, ledger.seq) == ("ledger", 1)
    journal.acknowledge("up", readings)
    assert journal.newest("up") == [ledger]
    assert [b.seq for b in journal.oldest("up", 100)] == [*range(1, 29), 1]
    commit(journal, sealed(30))
    assert [b.seq for b in journal.newest("up")] == [30, 1]
    assert [b.seq for b in journal.oldest("up", 3)] == [1, 2, 3]


def test_an_uplink_has_the_streams_that_it_wants(tmp_path: Path) -> None:
    settings = JournalSettings(min_free_bytes=0)
    wanted = {"few": ("ledger",), "all": ("ledger", "readings")}
    with closing(Journal.open(tmp_path, settings, uplinks=wanted)) as journal:
        commit(journal, sealed(1), sealed(1, "ledger"))
        assert [b.stream for b in journal.oldest("few")] == ["ledger"]
        assert [b.stream for b in journal.newest("few")] == ["ledger"]
        assert len(journal.oldest("all")) == 2
        assert journal.info().uplinks["few"].pending == 1


def test_what_a_receiver_never_takes_is_put_aside(
    journal: Journal, tmp_path: Path
) -> None:
    commit(journal, sealed(1), sealed(2))
    bad, good = unsent(journal)
    assert len(unsent(journal, "other")) == 2
    journal.quarantine("up", bad, "bad-table", "of no known kind")
    assert unsent(journal) == [good]
    assert journal.gaps("readings") == (Gap(1, 1, "quarantined"),)
    assert len(unsent(journal, "other")) == 2, "others may take it"
    assert journal.info().quarantined == 1
    journal.resend("up", Missing(journal.epoch, "readings", 1, 2))
    assert unsent(journal) == [good], "it would only be refused again"
    with reading(tmp_path / MAIN) as connection:
        ((*row,),) = connection.execute(
            "SELECT uplink, stream, seq, code, message, data FROM quarantine"
        )
    assert row == ["up", "readings", 1, "bad-table", "of no known kind", bad.data]


def test_quarantine_is_bounded(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_file, "QUARANTINE_BYTES", 40)
    commit(journal, *map(sealed, range(1, 9)))
    for batch in unsent(journal):
        journal.quarantine("up", batch, "bad-table", "")
    with reading(tmp_path / MAIN) as connection:
        kept = [seq for (seq,) in connection.execute("SELECT seq FROM quarantine")]
    assert kept == [5, 6, 7, 8]
    assert unsent(journal) == []


def test_what_is_sealed_anew_is_declared_as_reissued(journal: Journal) -> None:
    commit(journal, sealed(1), sealed(2))
    reissue = Commit(
        number=1, state=b"", sealed=[sealed(3)], reissued=[("readings", 1)]
    )
    journal.append(reissue).result()
    assert [b.seq for b in unsent(journal)] == [2, 3]
    assert journal.gaps("readings") == (Gap(1, 1, "reissued"),)
    declared = SealedBatch(
        stream="readings", seq=4, data=b"4", t0_ms=0, t1_ms=0, samples=0,
        gaps=journal.gaps("readings"),
    )  # fmt: skip
    commit(journal, declared)
    assert journal.gaps("readings") == ()


def test_a_commit_is_done_once(journal: Journal, tmp_path: Path) -> None:
    first = Commit(
        number=7, state=b"7", segments=[("ledger", b"x")], sealed=[sealed(1)]
    )
    for _ in range(3):
        journal.append(first).result()
    journal.append(Commit(number=6, state=b"6")).result()
    assert journal.resume().state == b"7"
    assert journal.resume().segments == [("ledger", b"x")]
    assert journal.resume().number == 7
    journal.close()
    with closing(open_journal(tmp_path)) as again:
        again.append(first).result()
        assert (again.resume().number, len(unsent(again))) == (7, 1)
