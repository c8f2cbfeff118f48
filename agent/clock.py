"""Time on a gateway: boot time measures, wall time only labels.

A Raspberry Pi may start without knowing the date. Readings are stamped with
CLOCK_BOOTTIME, which never jumps; wall time is boot time plus an offset that
is taken at start and changes only when the wall clock was stepped.
"""

import time
from collections.abc import Callable
from pathlib import Path

#: A difference below this is no step: the two clocks run alike, but are read one
#: after the other, and between two readings this thread may have to wait.
STEP_NS = 500_000_000
#: No gateway of ours ran before this date (2026-01-01): an earlier clock is unset.
EPOCH_NS = 1_767_225_600_000_000_000


def read_boottime_ns() -> int:
    """Return nanoseconds since boot, including suspend."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def read_boot_id() -> bytes:
    """Return the 16 bytes that identify this boot of the kernel."""
    text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return bytes.fromhex(text.strip().replace("-", ""))


class Clock:
    """Turns boot time into wall time."""

    def __init__(
        self,
        *,
        boottime_ns: Callable[[], int] = read_boottime_ns,
        realtime_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._boottime_ns = boottime_ns
        self._realtime_ns = realtime_ns
        self._offset_ns = realtime_ns() - boottime_ns()

    def boottime_ns(self) -> int:
        """Return the boot-time clock."""
        return self._boottime_ns()

    def wall_ns(self, boottime_ns: int) -> int:
        """Return the wall time (Unix ns, UTC) at a moment of the boot-time clock."""
        return boottime_ns + self._offset_ns

    def not_before(self, floor_ns: int) -> None:
        """Go on from *floor_ns*, the end of what is booked, if it is later than now.

        After a reboot without a clock nothing better is known of the time.
        """
        if self._realtime_ns() < EPOCH_NS:
            self._offset_ns = max(self._offset_ns, floor_ns - self._boottime_ns())

    def boottime_of(self, wall_ns: int) -> int:
        """Return the boot-time clock at a wall time."""
        return wall_ns - self._offset_ns

    @property
    def synchronised(self) -> bool:
        """Whether the wall clock can be believed."""
        return self._realtime_ns() >= EPOCH_NS and abs(self._difference_ns()) < STEP_NS

    def follow(self) -> int:
        """Take over a step of the wall clock; return it in ns, 0 when there was none.

        A clock that is not set yet is not followed.
        """
        step = self._difference_ns()
        if abs(step) < STEP_NS or self._realtime_ns() < EPOCH_NS:
            return 0
        self._offset_ns += step
        return step

    def _difference_ns(self) -> int:
        return self._realtime_ns() - self.wall_ns(self._boottime_ns())
