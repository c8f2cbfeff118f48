"""When to try again at a receiver that does not take batches, for both lanes."""

import random
from collections.abc import Callable
from typing import Literal

from zerometer.agent.uplink.backoff import Backoff
from zerometer.agent.uplink.base import Answer, Outcome
from zerometer.agent.uplink.state import Lane

RETRY_FIRST_S = 1.0
PAUSE_FIRST_S = 60.0
#: After an outage, a fleet's backlogs begin within this time, or as long as it
#: lasted if that was shorter. What starts may come from an outage of any length.
SPREAD_S = 60.0


class Patience:
    """Remembers whether the other side takes batches, and if not, when to try.

    Then one batch is tried, whatever its lane: two would tell no more.
    """

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        """*draw* returns numbers from 0 to 1."""
        self._draw = draw
        self._backoffs = {
            Outcome.RETRY: Backoff(RETRY_FIRST_S, draw),
            Outcome.PAUSE: Backoff(PAUSE_FIRST_S, draw),
        }
        self.failing: Literal["", "waiting", "paused"] = ""
        #: When the next try is due, while it is failing.
        self.retry_ns = 0
        #: The lane whose batch is that try, while it is on its way.
        self.prober: Lane | None = None
        #: When the backlog may go; None: not known before there is one.
        self.drain_ns: int | None = None
        self._spread_s = SPREAD_S
        self._since_ns = 0

    def failed(self, lane: Lane, answer: Answer, now_ns: int) -> None:
        """Note an answer to wait after."""
        if not self.failing:
            self._since_ns = now_ns
        elif self.prober != lane:
            return  # both lanes met the same trouble, and one wait is enough
        wait_s = self._backoffs[answer.outcome].next_s(answer.retry_after_s)
        self.retry_ns = now_ns + int(wait_s * 1e9)
        self.failing = "paused" if answer.outcome is Outcome.PAUSE else "waiting"
        self.prober = None

    def works(self, now_ns: int) -> None:
        """Note that the other side does its work."""
        if self.failing:
            outage_s = (now_ns - self._since_ns) / 1e9
            self._spread_s = max(self._spread_s, min(SPREAD_S, outage_s))
            self.drain_ns = None
        self.failing, self.prober = "", None
        for backoff in self._backoffs.values():
            backoff.reset()

    def drain_from_ns(self, now_ns: int) -> int:
        """Return when the backlog may go; what is past is now."""
        if self.drain_ns is None:
            self.drain_ns = now_ns + int(self._spread_s * self._draw() * 1e9)
            self._spread_s = 0.0
        return self.drain_ns

    def hurry(self, now_ns: int) -> None:
        """Let what waits be tried now."""
        self.retry_ns = now_ns
        self._spread_s, self.drain_ns = 0.0, None
