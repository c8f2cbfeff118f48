"""What an uplink shows of itself."""

from dataclasses import dataclass, field
from typing import Literal

#: Two ways through an uplink: what is newest, and what waits longest.
Lane = Literal["live", "backlog"]
LANES: tuple[Lane, ...] = ("live", "backlog")

#: ``waiting``: will go on by itself.
LaneState = Literal["idle", "sending", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkState:
    """An uplink at one moment; ``*_ns`` are on the boot-time clock.

    ``waiting``: will try again by itself. ``paused``: somebody must look at
    ``last_error``, which is empty while batches are accepted. Counts are since the
    start; ``reissued`` were sealed anew, as the other side did not take them as
    they were. ``oldest_ms`` (UTC) is the last time in the oldest batch that is known
    to be not acknowledged.
    """

    id: str
    url: str
    state: Literal["idle", "sending", "waiting", "paused"] = "idle"
    lanes: dict[Lane, LaneState] = field(
        default_factory=lambda: dict.fromkeys(LANES, "idle")
    )
    sent_batches: int = 0
    sent_samples: int = 0
    quarantined: int = 0
    reissued: int = 0
    oldest_ms: int | None = None
    last_error: str = ""
    last_ack_ns: int | None = None
    next_retry_ns: int | None = None
