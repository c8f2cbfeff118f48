"""What goes first: by worth, by age, and for others who fill the disk."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from zerometer.agent.batch import Gap, Missing
from zerometer.agent.journal import Commit, Journal, SealedBatch
from zerometer.core.site import STREAMS, JournalSettings

SIZE = 10_000
DAY_MS = 86_400_000
DAY_NS = DAY_MS * 1_000_000
SETTINGS = JournalSettings(max_bytes=2 << 20, min_free_bytes=0)


class Keeping:
    """A journal, its clock and its disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.day = 0
        self.free = 1 << 40
        self.declared: dict[tuple[str, int], tuple[Gap, ...]] = {}

    def open(
        self, settings: JournalSettings = SETTINGS, uplinks: tuple[str, ...] = ("up",)
    ) -> Journal:
        """Open it; *uplinks* want all streams."""
        return Journal.open(
            self.folder,
            settings,
            uplinks=dict.fromkeys(uplinks, STREAMS),
            free_bytes=lambda: self.free,
            wall_ns=lambda: self.day * DAY_NS,
        )

    def seal(self, journal: Journal, stream: str, count: int = 1) -> None:
        """Seal batches of today, a commit each."""
        first = journal.resume().next_seq.get(stream, 1)
        for seq in range(first, first + count):
            batch = SealedBatch(
                stream=stream,
                seq=seq,
                data=bytes(SIZE),
                t0_ms=self.day * DAY_MS,
                t1_ms=self.day * DAY_MS,
                samples=1,
                gaps=journal.gaps(stream),
            )
            self.declared[stream, seq] = batch.gaps
            journal.append(Commit(state=b"", sealed=[batch])).result()

    def lost(self, journal: Journal, stream: str) -> list[int]:
        """Return what kept batches declare, and what the next one would."""
        told = [journal.gaps(stream)]
        told += [self.declared[stream, seq] for seq in seqs(journal, stream)]
        return sorted(
            {n for gaps in told for gap in gaps for n in range(gap.first, gap.last + 1)}
        )


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    return Keeping(tmp_path)


def acknowledge(journal: Journal, *streams: str, uplink: str = "up") -> None:
    """Let *uplink* have everything of *streams*."""
    for batch in journal.oldest(uplink, 10**6):
        if batch.stream in streams:
            journal.acknowledge(uplink, batch)


def seqs(journal: Journal, stream: str, uplink: str = "up") -> list[int]:
    """Return what *uplink* has still to send."""
    return [b.seq for b in journal.oldest(uplink, 10**6) if b.stream == stream]


def kept(journal: Journal) -> dict[str, int]:
    """Return how many batches of each stream are kept."""
    return {name: info.batches for name, info in journal.info().streams.items()}


def full(keeping: Keeping, journal: Journal) -> None:
    """Fill the journal with all streams alike, but for a little."""
    for _ in range(10):
        for stream in STREAMS:
            keeping.seal(journal, stream, 1)
    assert set(kept(journal).values()) == {10}


#: Which stream is sealed on, and what goes for it, first to last.
ORDERS = [
    ((), ["readings", "minutes", "state", "ledger"]),
    (("readings", "minutes", "state"), ["readings", "minutes", "state", "ledger"]),
    (("minutes", "ledger"), ["minutes", "readings", "state", "ledger"]),
    (STREAMS, ["readings", "minutes", "state", "ledger"]),
]


@pytest.mark.parametrize(("acknowledged", "order"), ORDERS)
def test_what_is_worth_least_goes_first(
    keeping: Keeping, acknowledged: tuple[str, ...], order: list[str]
) -> None:
    with closing(keeping.open()) as journal:
        full(keeping, journal)
        acknowledge(journal, *acknowledged)
        gone: list[str] = []
        for _ in range(200):
            keeping.seal(journal, "ledger")
            left = kept(journal)
            gone += [s for s in order[:-1] if not left[s] and s not in gone]
            if left["ledger"] < journal.resume().next_seq["ledger"] - 1:
                break
        else:
            raise AssertionError("nothing of the ledger was given up")
        assert sorted(gone, key=order.index) == order[:-1]
        ranks = [order.index(s) for s in gone]
        assert ranks == sorted(ranks) or acknowledged != ()
        for stream in STREAMS[1:]:
            expected = () if stream in acknowledged else (Gap(1, 10, "evicted"),)
            assert journal.gaps(stream) == expected
        assert journal.info().bytes <= SETTINGS.max_bytes


def test_what_was_acknowledged_goes_when_it_is_old(keeping: Keeping) -> None:
    with closing(keeping.open()) as journal:
        for _ in range(40):
            for stream in ("ledger", "readings"):
                keeping.seal(journal, stream)
            acknowledge(journal, "ledger", "readings")
            keeping.day += 10
        info = journal.info()
        readings, ledger = info.streams["readings"], info.streams["ledger"]
        assert readings.t0_ms is not None
        assert ledger.t0_ms is not None
        now_ms = keeping.day * DAY_MS
        # A file spans a quarter of the time, or a month.
        assert 31 * DAY_MS <= now_ms - readings.t0_ms <= (31 + 8 + 20) * DAY_MS
        assert 184 * DAY_MS <= now_ms - ledger.t0_ms <= (184 + 30 + 20) * DAY_MS
        assert (info.evicted, journal.gaps("readings")) == (0, ())


def test_what_one_uplink_lacks_does_not_grow_old(keeping: Keeping) -> None:
    with closing(keeping.open(uplinks=("up", "down"))) as journal:
        for _ in range(20):
            keeping.seal(journal, "readings")
            keeping.day += 10
        acknowledge(journal, "readings")
        keeping.seal(journal, "readings")
        assert kept(journal) == {"readings": 21}
        acknowledge(journal, "readings", uplink="down")
        keeping.seal(journal, "readings")
        assert kept(journal)["readings"] < 21


def test_without_uplinks_all_grows_old_and_a_later_one_is_told(
    keeping: Keeping,
) -> None:
    with closing(keeping.open(uplinks=())) as journal:
        for _ in range(20):
            keeping.seal(journal, "readings")
            keeping.day += 10
        assert kept(journal)["readings"] < 20
    with closing(keeping.open()) as journal:
        first, *_ = seqs(journal, "readings")
        assert keeping.lost(journal, "readings") == list(range(1, first))


class TestFreeSpace:
    """Others fill the disk: the journal makes way, but not to the end."""

    SETTINGS = replace(SETTINGS, max_bytes=4 << 20, min_free_bytes=1 << 20)

    @pytest.fixture
    def journal(self, keeping: Keeping) -> Iterator[Journal]:
        with closing(keeping.open(self.SETTINGS)) as journal:
            keeping.seal(journal, "ledger", 60)
            keeping.seal(journal, "readings", 100)
            yield journal

    def test_it_makes_way(self, keeping: Keeping, journal: Journal) -> None:
        before = journal.info().bytes
        keeping.free = (1 << 20) - (1 << 18)
        keeping.seal(journal, "ledger")
        freed = before - journal.info().bytes
        assert 1 << 18 <= freed <= 1 << 20
        assert kept(journal)["ledger"] == 61
        lost = 100 - kept(journal)["readings"]
        assert journal.gaps("readings") == (Gap(1, lost, "evicted"),)

    def test_it_does_not_shrink_to_nothing(
        self, keeping: Keeping, journal: Journal
    ) -> None:
        keeping.free = 0
        for _ in range(10):
            keeping.seal(journal, "ledger")
            keeping.seal(journal, "readings")
        assert kept(journal)["ledger"] == 70
        assert seqs(journal, "ledger") == list(range(1, 71))

    def test_what_was_sent_of_the_ledger_goes_down_to_an_eighth(
        self, keeping: Keeping, journal: Journal
    ) -> None:
        acknowledge(journal, *STREAMS)
        keeping.free = 0
        for _ in range(10):
            keeping.seal(journal, "state")
        least = self.SETTINGS.max_bytes // 8
        assert least - (1 << 18) < journal.info().bytes < least + (1 << 18)


def test_a_gap_is_declared_once_and_again_if_that_is_lost(keeping: Keeping) -> None:
    with closing(keeping.open()) as journal:
        while not journal.gaps("readings"):
            keeping.seal(journal, "readings")
        told = journal.gaps("readings")
        keeping.seal(journal, "readings")  # declares it
        assert not set(told) & set(journal.gaps("readings"))
    with closing(keeping.open()) as journal:
        assert not set(told) & set(journal.gaps("readings"))
        for _ in range(100):
            keeping.seal(journal, "readings")
            first, *_ = seqs(journal, "readings")
            assert keeping.lost(journal, "readings") == list(range(1, first))


def test_what_is_asked_for_again_is_sent_or_declared(keeping: Keeping) -> None:
    with closing(keeping.open()) as journal:
        keeping.seal(journal, "readings", 10)
        acknowledge(journal, "readings")
        assert journal.oldest("up") == []
        journal.resend("up", Missing(journal.epoch, "readings", 3, 4))
        journal.resend("up", Missing(journal.epoch, "readings", 4, 5))
        journal.resend("up", Missing(bytes(8), "readings", 1, 10))
        journal.resend("up", Missing(journal.epoch, "nothing", 1, 10))
        assert seqs(journal, "readings") == [3, 4, 5]
        acknowledge(journal, "readings")
        for _ in range(20):
            keeping.seal(journal, "readings", 15)
            acknowledge(journal, "readings")
        first = 310 - kept(journal)["readings"] + 1
        assert first > 5
        assert journal.gaps("readings") == ()
        journal.resend("up", Missing(journal.epoch, "readings", first - 3, 10**9))
        assert journal.gaps("readings") == (Gap(first - 3, first - 1, "evicted"),)
        assert seqs(journal, "readings") == list(range(first, 311))
        keeping.seal(journal, "readings")
        assert journal.gaps("readings") == ()
        journal.resend("up", Missing(journal.epoch, "readings", first - 2, first - 2))
        assert journal.gaps("readings") == (Gap(first - 3, first - 1, "evicted"),)
