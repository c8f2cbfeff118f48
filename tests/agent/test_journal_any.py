"""Any way of using a journal, beside a plain model of what it must know."""

import shutil
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from zerometer.agent.batch import Gap, Missing
from zerometer.agent.journal import Commit, Journal, SealedBatch, StoredBatch
from zerometer.core.site import JournalSettings

STREAMS = ("ledger", "readings")
UPLINKS = {"one": STREAMS, "two": ("ledger",)}
SETTINGS = JournalSettings(max_bytes=600_000, min_free_bytes=0)
SIZE = 9_000
ALL = 10**6
#: Epoch, stream, seq.
Name = tuple[bytes, str, int]


class Journalled(RuleBasedStateMachine):
    """``batches`` are all that was sealed durably, with what each declares."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="journal"))
        self.batches: dict[Name, tuple[bytes, tuple[Gap, ...]]] = {}
        self.order: list[Name] = []
        self.acknowledged: dict[str, set[Name]] = {uplink: set() for uplink in UPLINKS}
        self.quarantined: dict[str, set[Name]] = {uplink: set() for uplink in UPLINKS}
        #: Acknowledged since the last commit.
        self.fresh: dict[str, set[Name]] = {uplink: set() for uplink in UPLINKS}
        #: Whether something was asked for again since.
        self.recalled = False
        self.reissued: set[Name] = set()
        self.number = 0
        self.free = 1 << 40

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self.open(self.folder)
        self.source = self.journal.source

    def open(self, folder: Path) -> None:
        self.journal = Journal.open(
            folder,
            SETTINGS,
            uplinks=UPLINKS,
            free_bytes=lambda: self.free,
            wall_ns=lambda: 0,
        )
        assert self.journal.notices == []

    @rule(
        streams=st.lists(st.sampled_from(STREAMS), max_size=6),
        lost=st.integers(0, 2),
        twice=st.booleans(),
        data=st.data(),
    )
    def commit(
        self, streams: list[str], lost: int, twice: bool, data: st.DataObject
    ) -> None:
        epoch = self.journal.epoch
        following = self.journal.resume().next_seq
        sealed, given_up = [], set()
        for stream in streams:
            seq = following.get(stream, 1)
            if stream == "readings" and lost:
                given_up |= {(stream, seq + n) for n in range(lost)}
                seq += lost
                lost = 0
            declared = (
                ()
                if stream in {s.stream for s in sealed}
                else (self.journal.gaps(stream))
            )
            content = b"%s %s %d " % (epoch, stream.encode(), seq)
            sealed.append(
                SealedBatch(
                    stream=stream, seq=seq, data=content.ljust(SIZE), t0_ms=0,
                    t1_ms=0, samples=1, gaps=declared,
                )
            )  # fmt: skip
            following[stream] = seq + 1
        known = self.journal.oldest("one", ALL)
        again = data.draw(st.lists(st.sampled_from(known), max_size=1)) if known else []
        self.number += 1
        commit = Commit(
            number=self.number,
            state=b"%d" % self.number,
            segments=[("readings", b"%d" % self.number)],
            sealed=sealed,
            lost=frozenset(given_up),
            reissued=[(batch.stream, batch.position) for batch in again],
        )
        for _ in range(1 + twice):
            self.journal.append(commit).result()
        self.settle()
        self.reissued |= {name_of(batch) for batch in again}
        for batch in sealed:
            name = (epoch, batch.stream, batch.seq)
            self.batches[name] = batch.data, batch.gaps
            self.order.append(name)

    @rule(uplink=st.sampled_from(list(UPLINKS)), data=st.data())
    def acknowledge(self, uplink: str, data: st.DataObject) -> None:
        """Out of order, as two lanes do."""
        pending = self.journal.oldest(uplink, 5) + self.journal.newest(uplink)
        if pending:
            for batch in data.draw(st.lists(st.sampled_from(pending), max_size=5)):
                self.journal.acknowledge(uplink, batch)
                self.acknowledged[uplink].add(name_of(batch))
                self.fresh[uplink].add(name_of(batch))

    @rule(uplink=st.sampled_from(list(UPLINKS)))
    def acknowledge_all(self, uplink: str) -> None:
        for batch in self.journal.oldest(uplink, ALL):
            self.journal.acknowledge(uplink, batch)
            self.acknowledged[uplink].add(name_of(batch))
            self.fresh[uplink].add(name_of(batch))

    @rule(uplink=st.sampled_from(list(UPLINKS)))
    def quarantine(self, uplink: str) -> None:
        for batch in self.journal.oldest(uplink, 1):
            self.journal.quarantine(uplink, batch, "bad-table", "no")
            self.acknowledged[uplink].add(name_of(batch))
            self.fresh[uplink].add(name_of(batch))
            self.quarantined[uplink].add(name_of(batch))

    @rule(
        uplink=st.sampled_from(list(UPLINKS)),
        stream=st.sampled_from(STREAMS),
        first=st.integers(1, 40),
        count=st.integers(1, 20),
        data=st.data(),
    )
    def resend(
        self, uplink: str, stream: str, first: int, count: int, data: st.DataObject
    ) -> None:
        epochs = sorted({epoch for epoch, _, _ in self.batches}) or [bytes(8)]
        epoch = data.draw(st.sampled_from(epochs))
        last = first + count - 1
        self.journal.resend(uplink, Missing(epoch, stream, first, last))
        self.recalled = True
        given_up = set().union(*self.quarantined.values())
        for seq in range(first, last + 1):
            name = (epoch, stream, seq)
            if name not in given_up:
                self.acknowledged[uplink].discard(name)

    @rule()
    def epoch(self) -> None:
        before = self.journal.epoch
        assert self.journal.begin_epoch("any").result() != before
        assert len(self.journal.take_notices()) == 1

    @rule(short=st.booleans())
    def disk(self, short: bool) -> None:
        """Others take the disk's room, or leave it."""
        self.free = 0 if short else 1 << 40

    def settle(self) -> None:
        """Note that all of it is durable."""
        self.fresh = {uplink: set() for uplink in UPLINKS}
        self.recalled = False

    @rule()
    def reopen(self) -> None:
        self.journal.close()
        self.settle()
        self.open(self.folder)

    @precondition(lambda self: not self.recalled)
    @rule()
    def kill(self) -> None:
        """Go on from a copy; acknowledgements since the last commit may lack."""
        copy = Path(mkdtemp(prefix="journal"))
        shutil.copytree(self.folder, copy, dirs_exist_ok=True)
        self.journal.close()
        shutil.rmtree(self.folder)
        self.folder = copy
        self.open(copy)
        for uplink in UPLINKS:
            pending = {name_of(batch) for batch in self.journal.oldest(uplink, ALL)}
            assert pending & self.acknowledged[uplink] <= self.fresh[uplink]
            self.acknowledged[uplink] -= pending

    @invariant()
    def it_knows_where_it_is(self) -> None:
        resume = self.journal.resume()
        assert self.journal.source == self.source
        assert resume.number == self.number
        assert (resume.state or b"0") == b"%d" % self.number
        epoch = self.journal.epoch
        ends: dict[str, int] = {}
        for of, stream, seq in self.batches:
            if of == epoch:
                ends[stream] = max(seq, ends.get(stream, 0))
        assert resume.next_seq == {stream: seq + 1 for stream, seq in ends.items()}

    @invariant()
    def what_was_not_acknowledged_is_sent_or_declared(self) -> None:
        for uplink, streams in UPLINKS.items():
            pending = self.journal.oldest(uplink, ALL)
            names = [name_of(batch) for batch in pending]
            assert names == [name for name in self.order if name in set(names)]
            for batch in pending:
                assert batch.data == self.batches[name_of(batch)][0]
                assert batch.stream in streams
            assert not set(names) & self.acknowledged[uplink]
            assert not set(names) & self.reissued
            declared = self.declared(set(names) | self.acknowledged[uplink])
            for name in self.order:
                epoch, stream, _ = name
                if stream in streams and name not in names:
                    assert (
                        name in self.acknowledged[uplink]
                        or name in declared
                        # A header can declare numbers of its own epoch only.
                        or epoch != self.journal.epoch
                    ), name

    def declared(self, reached: set[Name]) -> set[Name]:
        """Return the numbers that those batches declare, or the next one will."""
        epoch = self.journal.epoch
        told = [(epoch, s, gap) for s in STREAMS for gap in self.journal.gaps(s)]
        told += [
            (name[0], name[1], gap) for name in reached for gap in self.batches[name][1]
        ]
        return {
            (epoch, stream, seq)
            for epoch, stream, gap in told
            for seq in range(gap.first, gap.last + 1)
        }

    @invariant()
    def it_keeps_within_its_bound(self) -> None:
        info = self.journal.info()
        # The last commit's WALs are on top of what it knew.
        assert info.bytes <= SETTINGS.max_bytes + 3 * 40 * 4096
        for uplink in UPLINKS:
            pending = self.journal.oldest(uplink, ALL)
            assert info.uplinks[uplink].pending == len(pending)


def name_of(batch: StoredBatch) -> Name:
    return batch.epoch, batch.stream, batch.seq


TestJournalled = Journalled.TestCase
TestJournalled.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None
)
