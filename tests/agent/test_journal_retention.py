"""A full journal: the oldest go first, and no number is lost without a word."""

from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import pytest
from harness.journals import open_journal, unsent
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.batch import Gap
from zerometer.agent.journal import Commit, Journal, SealedBatch

MAX_BYTES = 1 << 20


def filled(
    folder: Path, last: int, size: int = 10_000, uplinks: Collection[str] | None = None
) -> Journal:
    """Return a journal with more sealed batches than it can keep."""
    journal = open_journal(folder, MAX_BYTES, uplinks)
    first = journal.resume().next_seq.get("readings", 1)
    for seq in range(first, last + 1):
        batch = SealedBatch(
            stream="readings", seq=seq, data=bytes(size), t0_ms=0, t1_ms=0, samples=1
        )
        journal.append(Commit(state=b"", sealed=[batch])).result()
        assert journal.info().bytes <= MAX_BYTES
    return journal


def kept(journal: Journal) -> list[int]:
    return [batch.seq for batch in journal.oldest("reader", limit=1000)]


def acknowledge(journal: Journal, uplink: str, last: int) -> None:
    """Let *uplink* have all readings up to *last*."""
    for batch in unsent(journal, uplink):
        if batch.seq <= last:
            journal.acknowledge(uplink, batch)


def test_what_no_uplink_has_becomes_one_gap(tmp_path: Path) -> None:
    with closing(filled(tmp_path, 150)) as journal:
        left = kept(journal)
        assert left == list(range(left[0], 151))
        assert len(left) > 30
        assert journal.gaps("readings") == (Gap(1, left[0] - 1, "evicted"),)
        assert journal.gaps("ledger") == ()
        info = journal.info()
        assert info.evicted == left[0] - 1
        assert info.batches == len(left) == info.uplinks["reader"].pending
    with closing(filled(tmp_path, 150)) as journal:
        assert journal.gaps("readings") == (Gap(1, left[0] - 1, "evicted"),)


def test_what_all_uplinks_have_goes_without_a_gap(tmp_path: Path) -> None:
    with closing(filled(tmp_path, 10)) as journal:
        acknowledge(journal, "main", 10)
        acknowledge(journal, "spare", 4)
    with closing(filled(tmp_path, 150)) as journal:
        last_evicted = 150 - journal.info().batches
        assert journal.gaps("readings") == (Gap(5, last_evicted, "evicted"),)


def test_an_uplink_that_is_gone_wants_nothing(tmp_path: Path) -> None:
    with closing(filled(tmp_path, 100)) as journal:
        acknowledge(journal, "main", 100)
        assert len(journal.oldest("gone")) == 8
        evicted = journal.gaps("readings")
    with closing(filled(tmp_path, 120, uplinks={"main"})) as journal:
        assert list(journal.info().uplinks) == ["main"]
        assert 120 - journal.info().batches < 100
        assert journal.gaps("readings") == evicted


def test_a_new_uplink_wants_everything_from_the_start(tmp_path: Path) -> None:
    with closing(filled(tmp_path, 40, uplinks={"main"})) as journal:
        acknowledge(journal, "main", 40)
    with closing(filled(tmp_path, 41, uplinks={"main", "new"})) as journal:
        uplinks = journal.info().uplinks
        assert uplinks["main"].pending == 1
        assert uplinks["new"].pending == journal.info().batches


def test_a_batch_that_never_fits_is_kept_all_the_same(tmp_path: Path) -> None:
    with closing(filled(tmp_path, 3)) as journal:
        batch = SealedBatch(
            stream="readings", seq=4, data=bytes(MAX_BYTES), t0_ms=0, t1_ms=0, samples=1
        )
        journal.append(Commit(state=b"", sealed=[batch])).result()
        assert kept(journal) == [4]
        assert journal.gaps("readings") == (Gap(1, 3, "evicted"),)


@given(
    streams=st.lists(st.sampled_from(["readings", "ledger"]), min_size=1, max_size=80),
    size=st.integers(1, 30_000),
)
@pytest.mark.timeout(60)
def test_every_number_is_kept_or_in_a_gap(
    tmp_path_factory: pytest.TempPathFactory, streams: list[str], size: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    seqs: dict[str, int] = {}
    with closing(open_journal(folder, MAX_BYTES)) as journal:
        for stream in streams:
            seqs[stream] = seqs.get(stream, 0) + 1
            batch = SealedBatch(
                stream=stream, seq=seqs[stream], data=bytes(size), t0_ms=0, t1_ms=0,
                samples=1,
            )  # fmt: skip
            journal.append(Commit(state=b"", sealed=[batch])).result()
        left = journal.oldest("reader", limit=1000)
        for stream, last in seqs.items():
            there = [batch.seq for batch in left if batch.stream == stream]
            lost = [
                seq
                for gap in journal.gaps(stream)
                for seq in range(gap.first, gap.last + 1)
            ]
            assert lost + there == list(range(1, last + 1))


def rows(seq: int, *streams: str, size: int = 100) -> list[SealedBatch]:
    return [
        SealedBatch(
            stream=stream, seq=seq, data=bytes(size), t0_ms=0, t1_ms=0, samples=1
        )
        for stream in streams
    ]


def test_a_lower_bound_makes_the_main_file_smaller_not_the_ledger(
    tmp_path: Path,
) -> None:
    with closing(open_journal(tmp_path, 16 * MAX_BYTES, ["up"])) as journal:
        for seq in range(1, 31):
            quarter = seq * 900 * 10**9, bytes(100_000)
            commit = Commit(state=b"s", sealed=rows(seq, "ledger"), shares=[quarter])
            journal.append(commit).result()
    with closing(open_journal(tmp_path, MAX_BYTES, ["up"])) as journal:
        for seq in (31, 32):
            journal.append(Commit(state=b"s", sealed=rows(seq, "ledger"))).result()
        assert [batch.seq for batch in unsent(journal)] == list(range(1, 33))
        assert journal.info().bytes < MAX_BYTES
        newest = [
            start_ns // (900 * 10**9) for start_ns, _ in journal.shares(0, 99).result()
        ]
        assert newest == [29, 30]
        assert journal.notices == []


def test_quarantine_leaves_the_ledger_its_room(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path, MAX_BYTES, ["up"])) as journal:
        for seq in range(1, 21):
            sealed = rows(seq, "ledger") + rows(seq, "readings", size=100_000)
            journal.append(Commit(state=b"", sealed=sealed)).result()
            refused = [b for b in unsent(journal) if b.stream == "readings"][-1]
            journal.quarantine("up", refused, "bad-crc", "no batch")
        ledger = [b.seq for b in unsent(journal) if b.stream == "ledger"]
        assert ledger == list(range(1, 21))
