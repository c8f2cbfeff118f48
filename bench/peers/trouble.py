"""What may happen to one reply in a hundred of the line's, by name."""

import time
from collections.abc import Callable
from dataclasses import replace

from zerometer.drivers.simulator.faults import (
    Fault,
    Reply,
    crc_noise,
    garbage,
    sometimes,
)

SHARE = 0.01
#: Later than ``TIMEOUT_S``, so that the next request is out already.
LATE_NS = 80_000_000
#: How long the clients wait for a reply where there is trouble.
TIMEOUT_S = 0.05


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Busy:
    """A unit that is now and then busy with something else for LATE_NS.

    It answers late then. A strict one is deaf meanwhile; a queueing one answers what
    it heard later, in order.
    """

    def __init__(self, *, queueing: bool) -> None:
        self._queueing = queueing
        self._free_ns = 0

    def late(self, reply: Reply) -> Reply:
        """Return the reply as it leaves after the other business."""
        self._free_ns = _now_ns() + LATE_NS
        return replace(reply, delay_ns=reply.delay_ns + LATE_NS)

    def waiting(self, reply: Reply) -> Reply | None:
        """Return the reply as it leaves when there may be other business."""
        left_ns = self._free_ns - _now_ns()
        if left_ns <= 0:
            return reply
        if not self._queueing:
            return None
        return replace(reply, delay_ns=max(reply.delay_ns, left_ns))


def _late(queueing: bool, seed: int) -> Fault:
    busy = Busy(queueing=queueing)
    now_and_then = sometimes(busy.late, SHARE, seed)

    def fault(reply: Reply) -> Reply | None:
        left = busy.waiting(reply)
        return now_and_then(left) if left is reply else left

    return fault


TROUBLES: dict[str, Callable[[int], Fault]] = {
    "late, deaf meanwhile": lambda seed: _late(False, seed),
    "late, queueing": lambda seed: _late(True, seed),
    "CRC noise": lambda seed: sometimes(crc_noise(seed), SHARE, seed),
    "other bytes": lambda seed: sometimes(garbage(seed), SHARE, seed),
}


def trouble(name: str, seed: int) -> Fault:
    """Return the fault called *name*."""
    return TROUBLES[name](seed)
