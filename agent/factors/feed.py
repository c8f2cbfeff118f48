"""What every feed shares: what it brings, how it fails, and its state."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from zerometer.agent.factors.table import Bad
from zerometer.core.factor import FactorRow

#: A forecast is kept for so long ahead: time enough for a line to be mended.
AHEAD_NS = 24 * 3600 * 10**9
#: Measured values are asked for so far back: longer than most outages, and within
#: what providers give in one answer.
BACK_NS = 24 * 3600 * 10**9


class FeedError(Exception):
    """A feed brought nothing, this time.

    ``retry_after_s`` is how long the other side asks to be left alone.
    """

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class Said:
    """What a feed brought: rows, what of it cannot be used, and what was missing."""

    rows: list[FactorRow] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    trouble: str = ""


class Feed(Protocol):
    """One place that values come from; used by one thread."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to listen, where that is how values come; *wake* asks for a poll."""
        ...

    def poll(self, now_ns: int) -> Said:
        """Return what there is at *now_ns* (Unix, UTC); FeedError if that failed."""
        ...

    def abort(self) -> None:
        """End a ``poll`` in progress, the last one; called from another thread."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """A feed at one moment.

    ``last_fetch_ns`` (Unix) is when it last brought something or had no news,
    ``last_error`` is empty while it works.
    """

    id: str
    series: str
    form: str
    last_fetch_ns: int | None = None
    last_error: str = ""
