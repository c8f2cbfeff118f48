"""Latest values for those who look from outside: never through the journal."""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from zerometer.agent.latest import MeterState
from zerometer.agent.uplink.backoff import Backoff
from zerometer.core.errors import ConfigError, UpstreamError

log = logging.getLogger(__name__)

RETRY_FIRST_S = 1.0
#: Longer than a healthy system needs to let go of a connection.
STOP_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMeter:
    """What a meter said last.

    ``time_ms`` (Unix time, UTC) is that of its last good reading, None before there
    was one; ``quality`` is ``missing`` while it does not answer. ``values`` has each
    point by name, with its unit; None: not known.
    """

    id: str
    time_ms: int | None
    quality: str
    values: dict[str, tuple[float | None, str]]

    @classmethod
    def of(cls, state: MeterState, wall_ns: Callable[[int], int]) -> "LiveMeter":
        """Take the picture of *state*; *wall_ns* turns boot time into wall time."""
        known = state.time_ns >= 0
        return cls(
            id=state.meter.id,
            time_ms=wall_ns(state.time_ns) // 1_000_000 if known else None,
            quality=state.quality.name.lower(),
            values={
                polled.point.name: (
                    value if isfinite(value) else None,
                    polled.point.unit,
                )
                for polled, value in zip(state.meter.points, state.values, strict=True)
                if polled.point.group != "ratio"
            },
        )


@dataclass(frozen=True, slots=True)
class LivePicture:
    """All meters at ``time_ms`` (Unix time, UTC)."""

    time_ms: int
    meters: Sequence[LiveMeter]


class LiveSink(Protocol):
    """Somebody who is shown the latest values."""

    def show(self, picture: LivePicture, timeout_s: float) -> None:
        """Bring *picture* there; connect first if need be.

        UpstreamError or ConfigError when that fails: what was not shown is not kept,
        the next values count.
        """
        ...


class LiveThread:
    """Shows latest values to *sink*, in a thread of its own, every *period_ns*."""

    def __init__(
        self,
        name: str,
        sink: LiveSink,
        period_ns: int,
        timeout_s: float,
        *,
        time_is_known: Callable[[], bool] = lambda: True,
        end: Callable[[], object] | None = None,
        event: Callable[[str, str, str], object] = lambda *_: None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Nothing is shown until *time_is_known*; *end* is called after the last.

        *event* is told, by kind, subject and text, when somebody must act. *draw*
        returns numbers from 0 to 1, for the waits after a failure.
        """
        self._name = name
        self._sink = sink
        self._period_ns = period_ns
        self._timeout_s = timeout_s
        self._time_is_known = time_is_known
        self._end = end
        self._event = event
        self._backoff = Backoff(RETRY_FIRST_S, draw)
        self._changed = threading.Condition()
        self._picture: LivePicture | None = None
        self._wait_ns = 0  # of a failure
        self._due_ns = 0
        self._busy = self._over = self._paused = False
        self._trouble = ""
        self._thread = threading.Thread(
            target=self._run, name=f"live-{name}", daemon=True
        )

    def start(self) -> None:
        """Begin to show what is offered."""
        self._thread.start()

    def stop(self) -> None:
        """End, soon; harmless before ``start``."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def offer(self, now_ns: int, take: Callable[[], LivePicture]) -> None:
        """Show what *take* returns, if it is time; never waits.

        *now_ns* is on the boot-time clock.
        """
        with self._changed:
            self._due_ns += self._wait_ns
            self._wait_ns = 0
            if self._busy or now_ns < self._due_ns or not self._time_is_known():
                return
            self._due_ns = now_ns + self._period_ns
            self._picture = take()
            self._busy = True
            self._changed.notify_all()

    def _run(self) -> None:
        while picture := self._next():
            wait_s = self._show(picture)
            with self._changed:
                self._busy = False
                self._wait_ns = int(wait_s * 1e9)
                self._changed.notify_all()
        if self._end is not None:
            self._end()

    def _next(self) -> LivePicture | None:
        """Wait for a picture; None when we stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._picture or self._over)
            picture, self._picture = self._picture, None
            return None if self._over else picture

    def _show(self, picture: LivePicture) -> float:
        """Show a picture; return how long to wait beyond the period, s."""
        try:
            self._sink.show(picture, self._timeout_s)
        except (UpstreamError, ConfigError) as error:
            self._failed(error)
            return self._backoff.next_s()
        if self._paused:
            self._event("uplink-back", self._name, "live values are shown again")
        self._trouble, self._paused = "", False
        self._backoff.reset()
        return 0.0

    def _failed(self, error: UpstreamError | ConfigError) -> None:
        """Tell of a failure, once."""
        if str(error) != self._trouble:
            log.warning("uplink %s: live values: %s", self._name, error)
            if not error.retryable:
                self._paused = True
                self._event("uplink-paused", self._name, str(error))
        self._trouble = str(error)
