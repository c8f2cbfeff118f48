"""Which batch an uplink sends next, on which lane, and what answers come to.

No thread, no clock, no journal: who has them asks ``plan`` what to do and reports
what came of it. So the same rules serve an agent and the tests.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import inf
from typing import Literal

from zerometer.agent.uplink.backoff import CAP_S
from zerometer.agent.uplink.base import Answer, Batch, Outcome
from zerometer.agent.uplink.patience import Patience
from zerometer.agent.uplink.state import LANES, Lane, LaneState, UplinkState
from zerometer.agent.uplink.throttle import Throttle

#: Batches that are taken out of the journal at once, to be in memory when wanted.
HELPING = 8
#: Batches of one lane that may be refused for good, one after the other.
MAX_REJECTED = 3
#: While the clock is not set, it is looked at again after so long.
CLOCK_S = 5.0
#: A batch that is to be sealed anew is offered again if that did not happen.
HELD_NS = int(CAP_S * 1e9)
#: While as many wait for that the backlog goes no further: each is looked through,
#: and comes into memory, whenever there is a look for others.
MOST_HELD = 64

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """What a lane does next.

    ``fetch``: look what there is, then ``offer`` it. ``send``: that batch, then
    ``answered``. ``wait``: until news, or until ``until_ns``. ``end``: nothing more.
    """

    do: Literal["fetch", "send", "wait", "end"]
    batch: Batch | None = None
    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A look into the journal: for at most ``limit`` batches, made at a moment."""

    lane: Lane
    limit: int
    settled: int


class Dispatch:
    """The state of an uplink's two lanes."""

    def __init__(
        self,
        state: UplinkState,
        *,
        max_bytes_per_s: int = 0,
        time_is_known: Callable[[], bool] = lambda: True,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """*time_is_known* tells whether to connect; *draw* gives numbers 0 to 1."""
        self._state = state
        self._time_is_known = time_is_known
        self._throttle = Throttle(max_bytes_per_s)
        self._patience = Patience(draw)
        self._queues: dict[Lane, deque[Batch]] = {lane: deque() for lane in LANES}
        self._news: dict[Lane, bool] = dict.fromkeys(LANES, True)
        self._flying: dict[Lane, Batch] = {}
        self._held_ns: dict[Key, int] = {}
        self._rejected = dict.fromkeys(LANES, 0)
        self._settled = 0
        self._lost = ""
        self._stop_ns: int | None = None
        self._over = False

    @property
    def state(self) -> UplinkState:
        """What is shown; ``state`` is that of the busiest lane."""
        patience, lanes = self._patience, self._state.lanes.values()
        usual: LaneState = "waiting" if "waiting" in lanes else "idle"
        known = chain(self._flying.values(), *self._queues.values())
        return replace(
            self._state,
            oldest_ms=min((batch.t1_ms for batch in known), default=None),
            state=patience.failing or ("sending" if "sending" in lanes else usual),
            last_error=self._lost or self._state.last_error,
            next_retry_ns=patience.retry_ns if patience.failing else None,
        )

    def wake(self) -> None:
        """Note that there may be more to send."""
        self._news = dict.fromkeys(LANES, True)

    def stop(self, now_ns: int, until_ns: int) -> None:
        """Try now what waits, and end where nothing is left, or at *until_ns*."""
        self._stop_ns = until_ns
        self._patience.hurry(now_ns)
        self.wake()

    def end(self) -> None:
        """End at once."""
        self._over = True

    @property
    def over(self) -> bool:
        """Whether it has been ended."""
        return self._over

    def plan(self, lane: Lane, now_ns: int) -> Step:
        """Return what *lane* does next."""
        step = self._step(lane, now_ns)
        state: LaneState = "sending" if step.do == "send" else "idle"
        if step.do == "wait" and step.batch is not None:
            state = "waiting"
        if step.do != "fetch":
            lanes = self._state.lanes | {lane: state}
            self._state = replace(self._state, lanes=lanes)
        return step

    def _step(self, lane: Lane, now_ns: int) -> Step:
        if self._over or (self._stop_ns is not None and now_ns >= self._stop_ns):
            return Step("end")
        batch = self._first(lane, now_ns)
        if lane == "backlog" and len(self._held_ns) >= MOST_HELD:
            batch = None
        if self._news[lane] and (batch is None or lane == "live"):
            return Step("fetch")
        if batch is not None:
            return self._go(lane, batch, now_ns)
        if self._stop_ns is not None:
            return Step("end")
        return Step("wait", until_ns=min(self._held_ns.values(), default=None))

    def _go(self, lane: Lane, batch: Batch, now_ns: int) -> Step:
        """Send *batch*, or wait until it may go."""
        free_ns = self._free_ns(lane, now_ns)
        if free_ns is not None and free_ns <= now_ns:
            self._fly(lane, batch, now_ns)
            return Step("send", batch)
        if self._stop_ns is not None and (
            self._gives_up(now_ns) or (free_ns is not None and free_ns >= self._stop_ns)
        ):
            return Step("end")
        return Step("wait", batch, free_ns)

    def _gives_up(self, now_ns: int) -> bool:
        """Tell whether, at a stop, trying again is of no use: somebody must act."""
        patience = self._patience
        return patience.failing == "paused" and patience.retry_ns > now_ns

    def _first(self, lane: Lane, now_ns: int) -> Batch | None:
        """Return the first batch of *lane* that nobody sends and nothing holds."""
        for key in [key for key, until in self._held_ns.items() if until <= now_ns]:
            del self._held_ns[key]
            self.wake()
        queue = self._queues[lane]
        while queue:
            if self._is_open(queue[0]):
                return queue[0]
            queue.popleft()
        return None

    def _is_open(self, batch: Batch) -> bool:
        """Tell whether nobody sends *batch* and nothing holds it."""
        key = _key(batch)
        return key not in self._held_ns and key not in map(_key, self._flying.values())

    def _free_ns(self, lane: Lane, now_ns: int) -> int | None:
        """Return when *lane* may send; None: when another lane has."""
        patience = self._patience
        free_ns = self._throttle.free_ns(lane)
        if not patience.failing:
            if not self._time_is_known():
                return self._wait_for_time(now_ns)
            if lane == "backlog" and self._stop_ns is None:
                free_ns = max(free_ns, patience.drain_from_ns(now_ns))
            return free_ns
        if patience.prober is not None:
            return None
        free_ns = max(free_ns, patience.retry_ns)
        if lane == "backlog" and free_ns <= now_ns and self._live_wants(now_ns):
            return None
        return free_ns

    def _wait_for_time(self, now_ns: int) -> int:
        reason = "waits until the clock is set, which certificates need"
        self._state = replace(self._state, last_error=reason)
        return now_ns + int(CLOCK_S * 1e9)

    def _live_wants(self, now_ns: int) -> bool:
        """Tell whether the live lane has the next try."""
        if self._stop_ns is not None:
            return False
        return self._news["live"] or self._first("live", now_ns) is not None

    def _fly(self, lane: Lane, batch: Batch, now_ns: int) -> None:
        self._queues[lane].popleft()
        self._flying[lane] = batch
        self._throttle.sent(lane, len(batch.data), now_ns)
        if self._patience.failing:
            self._patience.prober = lane

    def fetch(self, lane: Lane) -> Look:
        """Begin to look what there is; ``offer`` ends it."""
        self._news[lane] = False
        left_out = len(self._held_ns) + len(self._flying)
        return Look(lane, HELPING + left_out, self._settled)

    def offer(self, look: Look, batches: Sequence[Batch]) -> None:
        """Take in what was found, unless it may be out of date by now."""
        self._lost = ""
        if look.settled != self._settled:
            self._news[look.lane] = True
            return
        self._queues[look.lane] = deque(batches)
        if look.lane == "live":
            return
        self._let_go(look, batches)
        stuck = len(self._held_ns) >= MOST_HELD
        if not stuck and any(map(self._is_open, batches)):
            self._news[look.lane] = True  # behind these there may be more

    def _let_go(self, look: Look, batches: Sequence[Batch]) -> None:
        """Hold no more what the journal would have shown if it still were to go."""
        shown = set(map(_key, batches))
        reach: dict[str, float] = {}
        for stream, position in shown:
            reach[stream] = max(reach.get(stream, 0), position)
        rest = 0.0 if len(batches) == look.limit else inf
        for stream, position in self._held_ns.keys() - shown:
            if position < max(rest, reach.get(stream, 0)):
                del self._held_ns[stream, position]

    def lost(self, lane: Lane, reason: str) -> None:
        """Note that a look failed."""
        self._news[lane] = True
        self._lost = reason

    def weigh(self, lane: Lane, answer: Answer) -> Answer:
        """Return *answer*, or a pause where too much is refused one after the other."""
        if answer.outcome is not Outcome.REJECTED:
            return answer
        if self._rejected[lane] < MAX_REJECTED:
            return answer
        reason = f"{answer.reason}; {MAX_REJECTED} before it were refused as well"
        return Answer(Outcome.PAUSE, reason, answer.retry_after_s, code=answer.code)

    def answered(self, lane: Lane, batch: Batch, answer: Answer, now_ns: int) -> None:
        """Note *answer*, once the journal knows what it must."""
        del self._flying[lane]
        if answer.outcome in {Outcome.RETRY, Outcome.PAUSE}:
            self._failed(lane, batch, answer, now_ns)
        else:
            self._works(lane, batch, answer, now_ns)

    def _failed(self, lane: Lane, batch: Batch, answer: Answer, now_ns: int) -> None:
        self._patience.failed(lane, answer, now_ns)
        self._state = replace(self._state, last_error=answer.reason)
        if lane == "live":
            # By then there may be a newer one, and this one is the backlog's.
            self._queues[lane].clear()
            self.wake()
        else:
            self._queues[lane].appendleft(batch)

    def _works(self, lane: Lane, batch: Batch, answer: Answer, now_ns: int) -> None:
        state, key = replace(self._state, last_error=""), _key(batch)
        self._patience.works(now_ns)
        self._settled += 1
        for other in LANES:
            left = (b for b in self._queues[other] if _key(b) != key)
            self._queues[other] = deque(left)
        if answer.outcome is Outcome.REJECTED:
            self._rejected[lane] += 1
            self._state = replace(state, quarantined=state.quarantined + 1)
            return
        if answer.outcome is not Outcome.ACCEPTED:
            self._held_ns[key] = now_ns + HELD_NS
            self._state = replace(state, reissued=state.reissued + 1)
            return
        self._rejected[lane] = 0
        if answer.resend:
            self.wake()
        self._state = replace(
            state,
            sent_batches=state.sent_batches + 1,
            sent_samples=state.sent_samples + batch.samples,
            last_ack_ns=now_ns,
        )


def _key(batch: Batch) -> Key:
    return batch.stream, batch.position
