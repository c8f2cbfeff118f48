"""An uplink: a thread that brings the journal's batches to one other side, in order."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from zerometer.agent.clock import read_boottime_ns
from zerometer.agent.uplink.backoff import Backoff
from zerometer.agent.uplink.base import Answer, Outcome, Sender

log = logging.getLogger(__name__)

RETRY_FIRST_S = 1.0
PAUSE_FIRST_S = 60.0
#: Longer than a healthy system needs to notice that its connection was cut.
CUT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkState:
    """An uplink at one moment; ``*_ns`` are on the boot-time clock.

    ``waiting``: will try again by itself. ``paused``: somebody must look at
    ``last_error``, which is empty while batches are accepted.
    """

    id: str
    url: str
    state: Literal["idle", "sending", "waiting", "paused"] = "idle"
    sent_batches: int = 0
    sent_samples: int = 0
    last_error: str = ""
    last_ack_ns: int | None = None
    next_retry_ns: int | None = None


class Uplink:
    """Sends what is pending for *uplink_id*, oldest first, one batch in flight.

    Sleeps until the journal has more, or until it is time to try again.
    """

    def __init__(
        self,
        uplink_id: str,
        outbox: Any,
        sender: Sender,
        *,
        timeout_s: float = 10.0,
        clock: Callable[[], int] = read_boottime_ns,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """*clock* returns nanoseconds since boot, *draw* numbers from 0 to 1."""
        self._id = uplink_id
        self._outbox = outbox
        self._sender = sender
        self._timeout_s = timeout_s
        self._clock = clock
        self._patience = {
            Outcome.RETRY: Backoff(RETRY_FIRST_S, draw),
            Outcome.PAUSE: Backoff(PAUSE_FIRST_S, draw),
        }
        # All below belongs to the condition; the journal is never called under it.
        self._changed = threading.Condition()
        self._state = UplinkState(id=uplink_id, url=sender.address)
        self._news = True  # the journal may have more than we have seen
        self._hurry = False  # try now, whatever was to be waited for
        self._stop_at_ns: int | None = None  # stopping; send on until then
        self._over = False
        self._thread = threading.Thread(
            target=self._run, name=f"uplink-{uplink_id}", daemon=True
        )

    def start(self) -> None:
        """Begin to send."""
        self._outbox.on_durable(self._wake)
        self._thread.start()

    def stop(self, deadline_s: float) -> None:
        """Try for *deadline_s* to send what is pending, then end promptly.

        Where somebody must act first, trying is given up at once. Harmless before
        ``start``.
        """
        if self._thread.ident is None:
            return
        with self._changed:
            self._stop_at_ns = self._clock() + int(deadline_s * 1e9)
            self._hurry = True
            self._changed.notify_all()
        self._thread.join(deadline_s)
        with self._changed:
            self._over = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._sender.abort()
            self._thread.join(CUT_S)

    def state(self) -> UplinkState:
        """Return a snapshot."""
        with self._changed:
            return self._state

    def _wake(self) -> None:
        with self._changed:
            self._news = True
            self._changed.notify_all()

    def _run(self) -> None:
        while not self._over:
            try:
                self._round()
            except Exception as error:
                # Forwarding must outlive a fault, ours or the journal's.
                log.exception("uplink %s: failed", self._id)
                self._wait(Answer(Outcome.PAUSE, f"{type(error).__name__}: {error}"))
        self._sender.close()

    def _round(self) -> None:
        """Send one helping of batches, or wait for there to be any."""
        with self._changed:
            self._news = self._hurry = False
            self._state = replace(self._state, state="sending", next_retry_ns=None)
        batches = self._outbox.oldest(self._id)
        for batch in batches:
            if self._over:
                return
            answer = self._sender.send(batch, self._time_left_s())
            if answer.outcome is not Outcome.ACCEPTED:
                self._wait(answer)
                return
            self._accepted(batch)
        if not batches:
            self._idle()

    def _accepted(self, batch: Any) -> None:
        if self._over:
            return  # the journal may be closed by now; the batch goes out again
        self._outbox.acknowledge(self._id, batch)
        with self._changed:
            before = self._state
            self._state = replace(
                before,
                sent_batches=before.sent_batches + 1,
                sent_samples=before.sent_samples + batch.samples,
                last_error="",
                last_ack_ns=self._clock(),
            )
        for backoff in self._patience.values():
            backoff.reset()
        if before.last_error:
            log.info("uplink %s: sends again", self._id)

    def _idle(self) -> None:
        with self._changed:
            self._over |= self._stop_at_ns is not None
            self._state = replace(self._state, state="idle")
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._news or self._hurry or self._over)

    def _wait(self, answer: Answer) -> None:
        """Wait as long as *answer* advises; when stopping, not past the deadline."""
        paused = answer.outcome is not Outcome.RETRY
        patience = self._patience[Outcome.PAUSE if paused else Outcome.RETRY]
        wait_s = patience.next_s(answer.retry_after_s)
        if answer.reason != self._state.last_error:
            log.warning("uplink %s: %s; tries again", self._id, answer.reason)
        with self._changed:
            now_ns = self._clock()
            self._state = replace(
                self._state,
                state="paused" if paused else "waiting",
                last_error=answer.reason,
                next_retry_ns=now_ns + int(wait_s * 1e9),
            )
            if self._stop_at_ns is not None:
                self._over |= paused or now_ns + wait_s * 1e9 >= self._stop_at_ns
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._hurry or self._over, wait_s)

    def _time_left_s(self) -> float:
        """Return how long a step of sending may take."""
        if self._stop_at_ns is None:
            return self._timeout_s
        left_s = (self._stop_at_ns - self._clock()) / 1e9
        return min(self._timeout_s, max(left_s, 0.1))
