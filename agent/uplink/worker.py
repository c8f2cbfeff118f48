"""An uplink: two threads that bring the journal's batches to one other side."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Literal

from zerometer.agent.batch import Missing
from zerometer.agent.clock import read_boottime_ns
from zerometer.agent.uplink.backoff import Backoff
from zerometer.agent.uplink.base import Answer, Batch, Outbox, Outcome, Sender
from zerometer.agent.uplink.dispatch import Dispatch
from zerometer.agent.uplink.patience import PAUSE_FIRST_S
from zerometer.agent.uplink.state import LANES, Lane, UplinkState
from zerometer.core.site import UplinkSettings

log = logging.getLogger(__name__)

#: Longer than a healthy system needs to notice that its connection was cut.
CUT_S = 1.0

#: Conflicts that follow within this time are one trouble.
CONFLICT_REPEAT_NS = 3_600_000_000_000

#: A stream is sent again no sooner after it was, however often that is asked for.
RESEND_NS = 60_000_000_000

#: Has a batch sealed anew, which was not taken for this reason; from any thread.
Reissue = Callable[[Batch, Literal["conflict", "too-large"]], None]
#: Tells of an event: kind, subject, text; from any thread.
Tell = Callable[[str, str, str], None]


class Uplink:
    """Sends what is not acknowledged: what is newest on one lane, the rest on another.

    A lane has one batch in flight. Both sleep until the journal has more, or until
    it is time to try again.
    """

    def __init__(
        self,
        settings: UplinkSettings,
        outbox: Outbox,
        sender: Sender,
        *,
        event: Tell,
        reissue: Reissue,
        time_is_known: Callable[[], bool] = lambda: True,
        clock: Callable[[], int] = read_boottime_ns,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """*clock* returns nanoseconds since boot, *draw* numbers from 0 to 1.

        Nothing is sent until *time_is_known*.
        """
        self._id = settings.id
        self._timeout_s = settings.timeout_s
        self._outbox = outbox
        self._sender = sender
        self._reissue = reissue
        self._event = event
        self._clock = clock
        self._draw = draw
        # All below belongs to the condition; the journal is never called under it.
        self._changed = threading.Condition()
        self._dispatch = Dispatch(
            UplinkState(id=settings.id, url=sender.address),
            max_bytes_per_s=settings.max_bytes_per_s,
            time_is_known=time_is_known,
            draw=draw,
        )
        self._stop_at_ns: int | None = None
        self._conflict_ns: int | None = None  # when the last one was met
        self._resent_ns: dict[tuple[bytes, str], int] = {}
        self._told = ""  # the reason of the pause that was told of
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(lane,),
                name=f"uplink-{settings.id}-{lane}",
                daemon=True,
            )
            for lane in LANES
        ]

    def start(self) -> None:
        """Begin to send."""
        self._outbox.on_durable(self._wake)
        for thread in self._threads:
            thread.start()

    def stop(self, deadline_s: float) -> None:
        """Try for *deadline_s* to send what is pending, then end promptly.

        Where somebody must act first, trying is given up at once. Harmless before
        ``start``.
        """
        if self._threads[0].ident is None:
            return
        with self._changed:
            now_ns = self._clock()
            self._stop_at_ns = now_ns + int(deadline_s * 1e9)
            self._dispatch.stop(now_ns, self._stop_at_ns)
            self._changed.notify_all()
        self._join(deadline_s)
        with self._changed:
            self._dispatch.end()
            self._changed.notify_all()
        if any(thread.is_alive() for thread in self._threads):
            self._sender.abort()
            self._join(CUT_S)
        self._sender.close()

    def state(self) -> UplinkState:
        """Return a snapshot."""
        with self._changed:
            return self._dispatch.state

    def _join(self, within_s: float) -> None:
        """Wait for all threads, together no longer than *within_s*."""
        end_s = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(end_s - time.monotonic(), 0.0))

    def _wake(self) -> None:
        with self._changed:
            self._dispatch.wake()
            self._changed.notify_all()

    def _run(self, lane: Lane) -> None:
        patience = Backoff(PAUSE_FIRST_S, self._draw)
        while True:
            with self._changed:
                now_ns, before = self._clock(), self._dispatch.state
                step = self._dispatch.plan(lane, now_ns)
                if self._dispatch.state != before:
                    self._changed.notify_all()
                if step.do == "wait":
                    until_ns = step.until_ns
                    self._changed.wait(until_ns and (until_ns - now_ns) / 1e9)
            if step.do == "end":
                return
            if step.do == "fetch":
                self._fetch(lane, patience)
            elif step.batch is not None and step.do == "send":
                self._send(lane, step.batch)

    def _fetch(self, lane: Lane, patience: Backoff) -> None:
        """Look what there is to send; when that fails, wait, as it may pass."""
        with self._changed:
            look = self._dispatch.fetch(lane)
        try:
            if lane == "live":
                batches = self._outbox.newest(self._id)
            else:
                batches = self._outbox.oldest(self._id, look.limit)
        except Exception as error:
            # Forwarding must outlive a fault, ours or the journal's.
            log.exception("uplink %s: failed", self._id)
            with self._changed:
                self._dispatch.lost(lane, f"{type(error).__name__}: {error}")
                self._changed.wait_for(lambda: self._ending, patience.next_s())
                if self._ending:
                    self._dispatch.end()
            return
        patience.reset()
        with self._changed:
            self._dispatch.offer(look, batches)
            self._changed.notify_all()  # what one lane has, the other may wait for

    @property
    def _ending(self) -> bool:
        return self._stop_at_ns is not None

    def _send(self, lane: Lane, batch: Batch) -> None:
        try:
            answer = self._sender.send(batch, self._time_left_s())
            with self._changed:
                answer = self._dispatch.weigh(lane, answer)
                if self._dispatch.over:
                    return  # the journal may be closed by now; it goes out again
            self._settle(batch, answer)
        except Exception as error:
            log.exception("uplink %s: failed", self._id)
            answer = Answer(Outcome.PAUSE, f"{type(error).__name__}: {error}")
        with self._changed:
            before = self._dispatch.state
            self._dispatch.answered(lane, batch, answer, self._clock())
            self._changed.notify_all()
        self._tell(before, batch, answer)

    def _settle(self, batch: Batch, answer: Answer) -> None:
        """Let those know who must, before another batch can go."""
        match answer.outcome:
            case Outcome.ACCEPTED:
                self._outbox.acknowledge(self._id, batch)
                self._resend(answer.resend)
            case Outcome.REJECTED:
                self._outbox.quarantine(self._id, batch, answer.code, answer.reason)
            case Outcome.CONFLICT | Outcome.TOO_LARGE:
                conflict = answer.outcome is Outcome.CONFLICT
                self._reissue(batch, "conflict" if conflict else "too-large")

    def _resend(self, asked: tuple[Missing, ...]) -> None:
        """Let batches go again, unless that was asked for but now.

        Who asks with each answer would else have the same for ever.
        """
        if not asked:
            return
        now_ns = self._clock()
        with self._changed:
            recent = {
                key: at_ns
                for key, at_ns in self._resent_ns.items()
                if now_ns - at_ns < RESEND_NS
            }
            fresh = {(one.epoch, one.stream): now_ns for one in asked}
            self._resent_ns = fresh | recent
        for missing in asked:
            if (missing.epoch, missing.stream) not in recent:
                self._outbox.resend(self._id, missing)

    def _tell(self, before: UplinkState, batch: Batch, answer: Answer) -> None:
        """Tell of what somebody may have to look at, once until it is over."""
        subject, which = self._id, f"batch {batch.stream}/{batch.seq}"
        match answer.outcome:
            case Outcome.ACCEPTED if self._told:
                self._told = ""
                self._event("uplink-back", subject, "batches are taken again")
            case Outcome.ACCEPTED if before.last_error:
                log.info("uplink %s: sends again", subject)
            case Outcome.RETRY if before.last_error != answer.reason:
                log.warning("uplink %s: %s; tries again", subject, answer.reason)
            case Outcome.PAUSE if self._told != answer.reason:
                self._told = answer.reason
                self._event("uplink-paused", subject, answer.reason)
            case Outcome.REJECTED:
                text = f"{which} is set aside: {answer.reason}"
                self._event("quarantine", subject, text)
            case Outcome.CONFLICT if self._is_news_of_a_conflict():
                text = f"{which} is sealed anew: {answer.reason}"
                self._event("identity-conflict", subject, text)
            case Outcome.TOO_LARGE:
                log.info("uplink %s: %s is too large", subject, which)

    def _is_news_of_a_conflict(self) -> bool:
        """Tell whether none was told of lately: a copied journal is full of them."""
        now_ns, before_ns = self._clock(), self._conflict_ns
        self._conflict_ns = now_ns
        return before_ns is None or now_ns - before_ns > CONFLICT_REPEAT_NS

    def _time_left_s(self) -> float:
        """Return how long a step of sending may take."""
        if self._stop_at_ns is None:
            return self._timeout_s
        left_s = (self._stop_at_ns - self._clock()) / 1e9
        return min(self._timeout_s, max(left_s, 0.1))
