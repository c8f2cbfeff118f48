"""Which batch goes when, in virtual time: nothing lost, nothing skipped, live first."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import pytest
from harness.outbox import MemoryOutbox
from harness.virtual_uplink import (
    EPOCH,
    SECOND,
    Fate,
    Receiver,
    VirtualUplink,
    batch,
    halves,
)
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.journal.model import StoredBatch
from zerometer.agent.uplink.base import Batch, Outcome
from zerometer.agent.uplink.dispatch import HELD_NS, MAX_REJECTED, Look
from zerometer.agent.uplink.patience import SPREAD_S
from zerometer.agent.uplink.throttle import OVERHEAD_BYTES

HOUR = 3600 * SECOND


def made(
    count: int = 0, receiver: Receiver | None = None, **options: float
) -> VirtualUplink:
    """Return an uplink with *count* batches to send."""
    outbox = MemoryOutbox()
    outbox.add(*[batch(seq) for seq in range(1, count + 1)])
    return VirtualUplink(outbox, receiver or Receiver(), **options)  # type: ignore[arg-type]


class Checked(MemoryOutbox):
    """Takes an acknowledgement only of what the receiver has."""

    receiver: Receiver

    def acknowledge(self, uplink: str, batch: object) -> None:
        """Check, then note."""
        assert hasattr(batch, "seq")
        identity = (batch.epoch, batch.stream, batch.seq)  # type: ignore[attr-defined]
        if batch.seq not in self.receiver.bad:
            had = self.receiver.stored[identity] or identity in self.receiver.forgotten
            assert had, "acknowledged, but nobody has it"
        super().acknowledge(uplink, batch)  # type: ignore[arg-type]


FATES: list[Fate] = ["taken", "lost", "unheard", "busy", "refused", "forgets"]


@dataclass(frozen=True)
class Story:
    """What happens to an uplink: some batches wait at its start, others come."""

    fates: list[Fate]
    bad: frozenset[int]
    large: frozenset[int]
    kills: list[int]
    before: int
    arrivals: list[tuple[int, str]]
    rate: int
    seed: int


stories = st.builds(
    Story,
    fates=st.lists(st.sampled_from(FATES), max_size=40),
    bad=st.frozensets(st.integers(1, 30), max_size=MAX_REJECTED),
    large=st.frozensets(st.integers(1, 30), max_size=3),
    kills=st.lists(st.integers(0, HOUR), max_size=4),
    before=st.integers(0, 20),
    arrivals=st.lists(
        st.tuples(st.integers(0, HOUR), st.sampled_from(["ledger", "readings"])),
        max_size=20,
    ).map(sorted),
    rate=st.sampled_from([0, 500, 20_000]),
    seed=st.integers(0, 99),
)


def play(story: Story) -> tuple[VirtualUplink, list[StoredBatch]]:
    """Return the uplink at the end, and all batches that were sealed at first."""
    receiver = Receiver(story.fates[:], story.bad, story.large - story.bad)
    outbox = Checked()
    outbox.receiver = receiver
    sealed = [batch(seq) for seq in range(1, story.before + 1)]
    outbox.add(*sealed)
    draw = random.Random(story.seed).random
    uplink = VirtualUplink(outbox, receiver, max_bytes_per_s=story.rate, draw=draw)
    for number, (at_ns, stream) in enumerate(story.arrivals, story.before + 1):
        sealed.append(batch(number, stream))
        uplink.at(at_ns, partial(outbox.add, sealed[-1]))
    for at_ns in story.kills:
        uplink.at(at_ns, uplink.restart)
    uplink.run()
    # What a receiver lost, it asks for with each answer: so there must be some.
    for number in (101, 102):
        sealed.append(batch(number))
        outbox.add(sealed[-1])
        uplink.run()
    return uplink, sealed


@given(story=stories)
def test_whatever_happens_everything_arrives(story: Story) -> None:
    """And nothing is acknowledged before it is stored."""
    uplink, sealed = play(story)
    assert not uplink.outbox.oldest("main")
    wanted = [
        part
        for whole in sealed
        for part in (halves(whole) if whole.seq in story.large else [whole])
        if whole.seq not in story.bad
    ]
    has = uplink.receiver.stored
    assert {(one.stream, one.seq) for one in wanted} == {
        (stream, seq) for (_, stream, seq), count in has.items() if count
    }
    refused = {one.seq for one, _, _ in uplink.outbox.quarantined}
    assert refused == {one.seq for one in sealed if one.seq in story.bad}
    check_probes(uplink)
    if story.rate:
        check_cap(uplink, story.rate)


def check_probes(uplink: VirtualUplink) -> None:
    """Nothing is tried beside a try at a receiver that takes nothing."""
    assert all(sent.done for sent in uplink.sent)
    probes = [sent for sent in uplink.sent if sent.while_failing]
    latency_ns = uplink._latency_ns
    for first, second in pairwise(probes):
        assert second.at_ns - first.at_ns >= latency_ns or uplink.life > 1


def check_cap(uplink: VirtualUplink, rate: int) -> None:
    """Over any time, no more goes than *rate* allows and one batch of each lane."""
    if uplink.life > 1:
        return  # a new start knows nothing of what went before
    sizes = [len(sent.batch.data) + OVERHEAD_BYTES for sent in uplink.sent]
    for begin, first in enumerate(uplink.sent):
        total = 0
        for sent, size in zip(uplink.sent[begin:], sizes[begin:], strict=True):
            total += size
            passed_s = (sent.at_ns - first.at_ns) / SECOND
            assert total <= rate * passed_s + 2 * max(sizes) + 1


def test_what_is_new_goes_while_the_backlog_drains() -> None:
    uplink = made(500, latency_ns=SECOND)
    uplink.run(120 * SECOND)
    assert len(uplink.outbox.done()) < 250
    at_ns = uplink.now_ns
    uplink.at(at_ns, lambda: uplink.outbox.add(batch(501)))
    uplink.run()
    (new,) = [sent for sent in uplink.sent if sent.batch.seq == 501]
    assert new.lane == "live"
    assert new.at_ns - at_ns < SECOND // 100
    assert len(uplink.outbox.done()) == 501


def test_the_backlog_goes_oldest_first_and_each_batch_once() -> None:
    uplink = made(40)
    uplink.run()
    backlog = [sent.batch.seq for sent in uplink.sent if sent.lane == "backlog"]
    assert backlog == list(range(1, 40))
    assert [sent.batch.seq for sent in uplink.sent if sent.lane == "live"] == [40]


def test_a_start_sends_what_is_newest_at_once_and_spreads_the_backlog() -> None:
    uplink = made(10, draw=lambda: 0.75)  # type: ignore[arg-type]
    uplink.run()
    first, second = uplink.sent[:2]
    assert first.lane == "live"
    assert first.at_ns == pytest.approx(SECOND, abs=SECOND / 100)
    assert second.at_ns == pytest.approx(SECOND * (1 + 0.75 * SPREAD_S), rel=0.01)


def test_after_an_outage_the_backlog_is_spread_by_no_more_than_it_lasted() -> None:
    uplink = made(3)
    uplink.run()
    uplink.receiver.fates = ["lost"] * 3
    came = len(uplink.sent)
    start_ns = uplink.now_ns = 10**15
    uplink.at(start_ns, lambda: uplink.outbox.add(batch(4), batch(5), batch(6)))
    uplink.run()
    tries = uplink.sent[came:]
    taken = next(sent for sent in tries[3:] if sent.lane == "live")
    lasted_ns = taken.at_ns - start_ns
    rest = [sent for sent in tries if sent.at_ns > taken.at_ns]
    assert rest[0].lane == "backlog"
    assert rest[0].at_ns - taken.at_ns <= 0.6 * lasted_ns + SECOND
    assert len(uplink.outbox.done()) == 6


def test_a_dead_receiver_is_tried_with_one_batch_at_a_time() -> None:
    uplink = made(20, Receiver(["lost"] * 30))
    uplink.run()
    waits = [later.at_ns - sooner.at_ns for sooner, later in pairwise(uplink.sent[:30])]
    # draw 0.5 of 1 s, 2 s, 4 s ... to 15 minutes
    assert [round(wait / SECOND, 1) for wait in waits[:4]] == [0.6, 1.1, 2.1, 4.1]
    assert max(waits) == pytest.approx(450 * SECOND, rel=0.01)
    assert len(uplink.outbox.done()) == 20
    check_probes(uplink)


def test_what_is_newest_by_then_is_tried_first_after_a_failure() -> None:
    uplink = made(0)
    uplink.receiver.fates = ["lost"] * 5
    uplink.at(2 * SECOND, lambda: uplink.outbox.add(batch(1)))
    uplink.at(3 * SECOND, lambda: uplink.outbox.add(batch(2)))
    uplink.at(4 * SECOND, lambda: uplink.outbox.add(batch(3)))
    uplink.run()
    (taken,) = [sent for sent in uplink.sent if sent.batch.seq == 3][-1:]
    assert taken.lane == "live"
    assert [sent.batch.seq for sent in uplink.sent][-3:] == [3, 1, 2]


def test_more_than_three_refused_in_a_row_pause_and_are_kept() -> None:
    uplink = made(9, Receiver(bad=frozenset(range(1, 9))))
    uplink.run(10 * HOUR)
    refused = [one.seq for one, _, _ in uplink.outbox.quarantined]
    assert refused == [1, 2, 3]
    state = uplink.dispatch.state
    assert (state.state, state.quarantined) == ("paused", 3)
    assert state.last_error == "bad; 3 before it were refused as well"
    assert [one.seq for one in uplink.outbox.oldest("main")] == [4, 5, 6, 7, 8]
    # Somebody mends the receiver.
    uplink.receiver.bad = frozenset()
    uplink.run()
    assert not uplink.outbox.oldest("main")
    assert uplink.dispatch.state.last_error == ""


def test_a_batch_that_is_not_sealed_anew_is_offered_again() -> None:
    uplink = made(1, Receiver(large=frozenset({1})))
    uplink._reissue = lambda batch: None  # type: ignore[method-assign]
    uplink.run(HELD_NS + 10 * SECOND)
    first, second = uplink.sent
    assert second.at_ns - first.at_ns == pytest.approx(HELD_NS, rel=0.01)
    assert uplink.dispatch.state.reissued == 2


def test_what_a_receiver_lost_goes_again() -> None:
    uplink = made(5)
    uplink.run()
    uplink.receiver.fates = ["forgets"]
    uplink.outbox.add(batch(6))
    uplink.run()
    assert [sent.batch.seq for sent in uplink.sent][-2:] == [6, 1]
    assert uplink.receiver.stored[EPOCH, "readings", 1] == 1


def test_nothing_goes_before_the_clock_is_set() -> None:
    known = False
    uplink = made(3, time_is_known=lambda: known)  # type: ignore[arg-type]
    uplink.run(60 * SECOND)
    assert not uplink.sent
    state = uplink.dispatch.state
    assert state.state == "waiting"
    assert state.last_error == ("waits until the clock is set, which certificates need")
    known = True
    uplink.run()
    assert len(uplink.outbox.done()) == 3
    assert uplink.dispatch.state.last_error == ""


def test_an_idle_uplink_has_nothing_to_wake_up_for() -> None:
    uplink = made(3)
    uplink.run()
    for lane in ("live", "backlog"):
        step = uplink.dispatch.plan(lane, uplink.now_ns)
        assert (step.do, step.until_ns) == ("wait", None)


def test_a_bound_leaves_room_for_what_is_new() -> None:
    """At 2 kB/s, a batch with its overhead takes a second; the backlog takes 1.25."""
    uplink = made(100, max_bytes_per_s=2000, draw=lambda: 0.0)  # type: ignore[arg-type]
    for at_s in range(20, 80, 10):
        new = batch(1000 + at_s)
        uplink.at(at_s * SECOND, partial(uplink.outbox.add, new))
    uplink.run()
    live = [sent for sent in uplink.sent if sent.lane == "live"][1:]
    assert [sent.batch.seq for sent in live] == list(range(1020, 1080, 10))
    for sent in live:
        wanted_ns = (sent.batch.seq - 1000) * SECOND
        assert sent.at_ns - wanted_ns < SECOND // 100
    check_cap(uplink, 2000)
    backlog = [sent.at_ns for sent in uplink.sent if sent.lane == "backlog"]
    gaps_s = [(after - before) / SECOND for before, after in pairwise(backlog)]
    assert min(gaps_s) >= 1.25
    assert sorted(gaps_s)[len(gaps_s) // 2] == pytest.approx(1.25, abs=0.01)


def test_a_refusal_of_one_batch_is_no_reason_to_wait() -> None:
    uplink = made(5, Receiver(bad=frozenset({2})))
    uplink.run()
    outcomes = [sent.batch.seq for sent in uplink.sent]
    assert sorted(outcomes) == [1, 2, 3, 4, 5]
    assert replace(uplink.dispatch.state).state == "idle"
    assert uplink.receiver.take(batch(2)).outcome is Outcome.REJECTED


class Slow(VirtualUplink):
    """What is too large is sealed anew an hour later; ``most`` was asked for."""

    most = 0

    def _reissue(self, batch: Batch) -> None:
        def seal() -> None:
            if batch in self.outbox.oldest("main", 10**6):
                self.outbox.replace_by(batch, halves(batch))

        self.at(self.now_ns + HOUR, seal)

    def _offer(self, look: Look, found: Sequence[Batch]) -> None:
        self.most = max(self.most, len(found))
        super()._offer(look, found)


def test_few_batches_wait_in_memory_to_be_sealed_anew() -> None:
    """However many a receiver does not take as they are."""
    outbox = MemoryOutbox()
    outbox.add(*map(batch, range(1, 301)))
    receiver = Receiver(large=frozenset(range(1, 301)))
    uplink = Slow(outbox, receiver)
    uplink.run(HOUR)
    assert 50 < uplink.most < 100
    assert len(uplink.sent) < 400
    uplink.run()
    assert not outbox.oldest("main")
    assert len(receiver.stored) == 600
    assert uplink.most < 100
