"""Bytes that nobody sent: what a line without bias picks up while all are silent."""

import time
from random import Random


class Babble:
    """*count* bytes every *every_ns*, whatever else is on the line."""

    def __init__(self, every_ns: int, count: int, seed: int = 0) -> None:
        self._every_ns = every_ns
        self._count = count
        self._random = Random(seed)
        #: When the next bytes come, on the boot-time clock.
        self.next_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + every_ns

    def take(self, now_ns: int) -> bytes:
        """Return the bytes that come now."""
        self.next_ns = now_ns + self._every_ns
        return self._random.randbytes(self._count)
