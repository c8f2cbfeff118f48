"""What every uplink shares: its answers, its patience, and what it is asked for."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

#: Longest wait between two tries, unless the other side asks for more.
CAP_S = 900.0
#: Longest wait that the other side may ask for.
RETRY_AFTER_CAP_S = 86_400.0


class Outcome(Enum):
    """What one try to send a batch came to."""

    #: Committed at the other side: the cursor moves on.
    ACCEPTED = "accepted"
    #: Not committed, or not known to be: the same batch again, soon.
    RETRY = "retry"
    #: Trying again will not help until somebody changes something: an alarm, and
    #: the same batch again after a long while. The cursor stays.
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, why (empty when accepted), and how long the other side asks for."""

    outcome: Outcome
    reason: str = ""
    retry_after_s: float = 0.0


class Batch(Protocol):
    """A sealed batch as the journal hands it out."""

    @property
    def id(self) -> int: ...
    @property
    def stream(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def data(self) -> bytes: ...
    @property
    def samples(self) -> int: ...


class Outbox(Protocol):
    """What an uplink needs of the journal; called from the uplink's thread."""

    def pending(self, uplink: str, limit: int = 8) -> Sequence[Batch]:
        """Return the oldest batches that *uplink* has not acknowledged."""
        ...

    def acknowledge(self, uplink: str, batch_id: int) -> None:
        """Move the cursor of *uplink* past the batch."""
        ...

    def on_durable(self, callback: Callable[[], None]) -> None:
        """Call *callback*, from any thread, whenever there is more to send."""
        ...


class Sender(Protocol):
    """One way to bring a batch to the other side; used by one thread."""

    @property
    def address(self) -> str:
        """Where batches go, without secrets."""
        ...

    def send(self, batch: Batch, timeout_s: float) -> Answer:
        """Send *batch* and wait for its answer; raises nothing for failures."""
        ...

    def abort(self) -> None:
        """End a ``send`` in progress, the last one; called from another thread."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


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


class Backoff:
    """Exponential waits with full jitter: any time up to a limit that doubles."""

    def __init__(
        self, first_s: float, draw: Callable[[], float] = random.random
    ) -> None:
        """*draw* returns numbers from 0 to 1."""
        self._first_s = first_s
        self._draw = draw
        self._limit_s = first_s

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return the next wait; never shorter than the other side asks for."""
        wait_s = self._limit_s * self._draw()
        self._limit_s = min(2 * self._limit_s, CAP_S)
        return max(wait_s, min(at_least_s, RETRY_AFTER_CAP_S))

    def reset(self) -> None:
        """Start over, after a success."""
        self._limit_s = self._first_s
