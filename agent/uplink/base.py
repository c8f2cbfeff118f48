"""What all uplinks share: what they send, where it comes from, what is answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from zerometer.agent.batch import Missing


class Outcome(Enum):
    """What one try to send a batch came to."""

    #: Committed at the other side: the cursor moves on.
    ACCEPTED = "accepted"
    #: Not committed, or not known to be: the same batch again, soon.
    RETRY = "retry"
    #: Trying again will not help until somebody changes something: an alarm, and
    #: the same batch again after a long while. The cursor stays.
    PAUSE = "pause"
    #: A receiver of ours says that this is no batch, and will say so for ever.
    REJECTED = "rejected"
    #: The other side has another batch of the same identity.
    CONFLICT = "conflict"
    #: The other side takes smaller ones only.
    TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, and why (empty when accepted).

    ``retry_after_s`` is how long the other side asks us to wait, ``resend`` what it
    lacks of what it was sent before, ``code`` the word for its error, if it has one.
    """

    outcome: Outcome
    reason: str = ""
    retry_after_s: float = 0.0
    resend: tuple[Missing, ...] = ()
    code: str = ""


class Batch(Protocol):
    """A sealed batch as the journal hands it out.

    ``stream`` and ``position`` are its place in this journal; with the source,
    ``epoch`` (8 bytes), ``stream`` and ``seq`` are its identity everywhere. ``t1_ms``
    is the last time in it.
    """

    @property
    def stream(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def epoch(self) -> bytes: ...
    @property
    def seq(self) -> int: ...
    @property
    def data(self) -> bytes: ...
    @property
    def samples(self) -> int: ...
    @property
    def t1_ms(self) -> int: ...


class Outbox(Protocol):
    """What an uplink needs of the journal; called from the uplink's threads."""

    def newest(self, uplink: str) -> Sequence[Batch]:
        """Return the last batch of each stream, unless acknowledged or overtaken."""
        ...

    def oldest(self, uplink: str, limit: int = 8) -> Sequence[Batch]:
        """Return the oldest batches that *uplink* has not acknowledged."""
        ...

    def acknowledge(self, uplink: str, batch: Batch) -> None:
        """Note that the other side has committed *batch*."""
        ...

    def quarantine(self, uplink: str, batch: Batch, code: str, message: str) -> None:
        """Set aside what the other side will never take, and move on."""
        ...

    def resend(self, uplink: str, missing: Missing) -> None:
        """Forget that these were acknowledged."""
        ...

    def on_durable(self, callback: Callable[[], None]) -> None:
        """Call *callback*, from any thread, whenever there is more to send."""
        ...


class Sender(Protocol):
    """One way to bring batches to the other side; used by several threads."""

    @property
    def address(self) -> str:
        """Where batches go, without secrets."""
        ...

    def send(self, batch: Batch, timeout_s: float) -> Answer:
        """Send *batch* and wait for its answer; raises nothing for failures."""
        ...

    def abort(self) -> None:
        """End all sends in progress, the last ones; called from another thread."""
        ...

    def close(self) -> None:
        """Let go of all connections; a later ``send`` opens them again."""
        ...
