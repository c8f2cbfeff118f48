"""An uplink's rules in virtual time, with a receiver that does what it is told to.

The threads of an agent are played one step after the other; whatever waits, waits in
a heap of times. So a month takes a moment, and every run is the same again.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.outbox import MemoryOutbox

from zerometer.agent.batch import Missing
from zerometer.agent.journal.model import StoredBatch
from zerometer.agent.uplink.base import Answer, Batch, Outcome
from zerometer.agent.uplink.dispatch import Dispatch, Look
from zerometer.agent.uplink.state import LANES, Lane, UplinkState

SECOND = 1_000_000_000
EPOCH = bytes(8)

Identity = tuple[bytes, str, int]
#: What becomes of one request: ``lost`` never arrives, ``unheard`` is stored and its
#: answer lost, ``forgets`` is stored while another stored batch is lost and asked for.
Fate = Literal["taken", "lost", "unheard", "busy", "refused", "forgets"]


def batch(seq: int, stream: str = "readings", size: int = 1000) -> StoredBatch:
    """Return a batch whose content does not matter."""
    return StoredBatch(
        stream=stream, position=seq, epoch=EPOCH, seq=seq, data=bytes(size),
        samples=1, t1_ms=seq,
    )  # fmt: skip


@dataclass
class Receiver:
    """Takes batches by ``fates``, then all; ``bad`` and ``large`` never, by seq."""

    fates: list[Fate] = field(default_factory=list)
    bad: frozenset[int] = frozenset()
    large: frozenset[int] = frozenset()
    stored: Counter[Identity] = field(default_factory=Counter)
    forgotten: set[Identity] = field(default_factory=set)

    def take(self, batch: Batch) -> Answer:
        """Return what the sender sees."""
        fate = self.fates.pop(0) if self.fates else "taken"
        if fate in {"lost", "busy"}:
            return Answer(Outcome.RETRY, fate, 3.0 if fate == "busy" else 0.0)
        if fate == "refused":
            return Answer(Outcome.PAUSE, fate)
        if batch.seq in self.bad:
            return Answer(Outcome.REJECTED, "bad", code="bad-crc")
        if batch.seq in self.large:
            return Answer(Outcome.TOO_LARGE, "large")
        if fate == "forgets" and self.stored:
            lost = min(self.stored)
            del self.stored[lost]
            self.forgotten.add(lost)
        self.stored[_identity(batch)] += 1
        self.forgotten.discard(_identity(batch))
        if fate == "unheard":
            return Answer(Outcome.RETRY, fate)
        resend = tuple(
            Missing(epoch, stream, seq, seq)
            for epoch, stream, seq in sorted(self.forgotten)
        )
        return Answer(Outcome.ACCEPTED, resend=resend)


@dataclass
class Sent:
    """One request: when it began, on which lane, with which batch."""

    at_ns: int
    lane: Lane
    batch: Batch
    while_failing: bool
    done: bool = False


class VirtualUplink:
    """Both lanes of an uplink, run until a time or until nothing moves."""

    def __init__(
        self,
        outbox: MemoryOutbox,
        receiver: Receiver,
        *,
        latency_ns: int = SECOND // 10,
        max_bytes_per_s: int = 0,
        draw: Callable[[], float] = lambda: 0.5,
        time_is_known: Callable[[], bool] = lambda: True,
    ) -> None:
        self.outbox = outbox
        self.receiver = receiver
        self.now_ns = SECOND
        self.sent: list[Sent] = []
        self._latency_ns = latency_ns
        self._make = lambda: Dispatch(
            UplinkState(id="main", url="virtual"),
            max_bytes_per_s=max_bytes_per_s,
            time_is_known=time_is_known,
            draw=draw,
        )
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0
        self.life = 0
        outbox.on_durable(self._wake)
        self.restart()

    def restart(self) -> None:
        """Be killed and start again: what is on its way arrives, unheard."""
        self.life += 1
        self.dispatch = self._make()
        self._idle: dict[Lane, int] = dict.fromkeys(LANES, 0)
        for lane in LANES:
            self._later(0, lane)

    def at(self, time_ns: int, action: Callable[[], None]) -> None:
        """Call *action* at *time_ns*."""
        self._number += 1
        heapq.heappush(self._heap, (time_ns, self._number, action))

    def run(self, until_ns: int = 10**18) -> None:
        """Let time pass."""
        steps = 0
        while self._heap and self._heap[0][0] <= until_ns:
            self.now_ns, _, action = heapq.heappop(self._heap)
            action()
            steps += 1
            assert steps < 100_000, "it goes round in circles"
        self.now_ns = max(self.now_ns, min(until_ns, 10**17))

    def _wake(self) -> None:
        self.dispatch.wake()
        self._notify()

    def _notify(self) -> None:
        """Let lanes that sleep look again."""
        for lane, number in self._idle.items():
            if number:
                self._later(0, lane)

    def _later(self, delay_ns: int, lane: Lane) -> None:
        """Let *lane* go on in *delay_ns*, unless something lets it go on before."""
        self._number += 1
        mine = self._idle[lane] = self._number
        life = self.life

        def go() -> None:
            if self.life == life and self._idle[lane] == mine:
                self._idle[lane] = 0
                self._step(lane)

        self.at(self.now_ns + delay_ns, go)

    def _step(self, lane: Lane) -> None:
        dispatch = self.dispatch
        step = dispatch.plan(lane, self.now_ns)
        if step.do == "fetch":
            look = dispatch.fetch(lane)
            live = lane == "live"
            found: Sequence[Batch] = (
                self.outbox.newest("main")
                if live
                else self.outbox.oldest("main", look.limit)
            )
            self._then(SECOND // 1000, lambda: self._offer(look, found))
        elif step.do == "send":
            assert step.batch is not None
            self._send(lane, step.batch)
        elif step.do == "wait":
            self._number += 1
            self._idle[lane] = self._number
            if step.until_ns is not None:
                self._later(max(step.until_ns - self.now_ns, 0), lane)

    def _then(self, delay_ns: int, action: Callable[[], None]) -> None:
        """Call *action* in *delay_ns*, if the agent lives as long."""
        life = self.life
        self.at(self.now_ns + delay_ns, lambda: action() if self.life == life else None)

    def _offer(self, look: Look, found: Sequence[Batch]) -> None:
        self.dispatch.offer(look, found)
        self._notify()
        self._later(0, look.lane)

    def _send(self, lane: Lane, batch: Batch) -> None:
        failing = self.dispatch.state.state in {"waiting", "paused"}
        sent = Sent(self.now_ns, lane, batch, while_failing=failing)
        self.sent.append(sent)
        life, dispatch = self.life, self.dispatch

        def arrive() -> None:
            answer = self.receiver.take(batch)
            self.at(self.now_ns + self._latency_ns // 2, lambda: hear(answer))

        def hear(answer: Answer) -> None:
            sent.done = True
            if self.life == life:
                answer = dispatch.weigh(lane, answer)
                self._settle(batch, answer)
                dispatch.answered(lane, batch, answer, self.now_ns)
                self._notify()
                self._later(0, lane)

        self.at(self.now_ns + self._latency_ns // 2, arrive)

    def _settle(self, batch: Batch, answer: Answer) -> None:
        if answer.outcome is Outcome.ACCEPTED:
            self.outbox.acknowledge("main", batch)
            for missing in answer.resend:
                self.outbox.resend("main", missing)
        elif answer.outcome is Outcome.REJECTED:
            self.outbox.quarantine("main", batch, answer.code, answer.reason)
        elif answer.outcome in {Outcome.TOO_LARGE, Outcome.CONFLICT}:
            self._reissue(batch)

    def _reissue(self, batch: Batch) -> None:
        """Seal two halves in place of *batch*, a tick later."""

        def seal() -> None:
            self.outbox.replace_by(batch, halves(batch))

        self.at(self.now_ns + SECOND, seal)


def halves(whole: Batch) -> list[StoredBatch]:
    """Return what stands for *whole* after it was sealed anew."""
    return [
        batch(1000 * whole.seq + n, whole.stream, len(whole.data) // 2) for n in (1, 2)
    ]


def _identity(batch: Batch) -> Identity:
    return batch.epoch, batch.stream, batch.seq
