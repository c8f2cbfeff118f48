"""Time on a gateway: boot time measures, wall time only labels.

A Raspberry Pi may start without knowing the date. Readings are stamped with
CLOCK_BOOTTIME, which never jumps; wall time is boot time plus an offset that
is taken at start and changes only when the wall clock was stepped. While the wall
clock is known to be wrong, it is waited for; what goes on without is flagged.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zerometer.agent.kernel_clock import kernel_synchronisation

#: A difference below this is no step: the two clocks run alike, but are read one
#: after the other, and between two readings this thread may have to wait.
STEP_NS = 500_000_000
#: No gateway of ours ran before this date (2026-01-01): an earlier clock is unset.
EPOCH_NS = 1_767_225_600_000_000_000
#: So long after a boot a wall clock that is known to be wrong is waited for.
LONGEST_WAIT_NS = 300_000_000_000


def read_boottime_ns() -> int:
    """Return nanoseconds since boot, including suspend."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def read_boot_id() -> bytes:
    """Return the 16 bytes that identify this boot of the kernel."""
    text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return bytes.fromhex(text.strip().replace("-", ""))


@dataclass(frozen=True, slots=True)
class Stamp:
    """By which clock rows are timed: what their batch says of it.

    ``offset_ms`` is wall time less boot time; ``synchronised`` whether the wall time
    can be believed.
    """

    boot: bytes
    offset_ms: int
    synchronised: bool


class Clock:
    """Turns boot time into wall time."""

    def __init__(
        self,
        *,
        boottime_ns: Callable[[], int] = read_boottime_ns,
        realtime_ns: Callable[[], int] = time.time_ns,
        kernel_synchronised: Callable[[], bool] | None = None,
        boot: bytes | None = None,
    ) -> None:
        self._boottime_ns = boottime_ns
        self._realtime_ns = realtime_ns
        self._kernel_synchronised = kernel_synchronised or kernel_synchronisation()
        self.boot = boot or read_boot_id()
        self._offset_ns = self._raw_ns = self._read_raw_ns()
        #: What is booked ends there; None: nothing is.
        self._floor_ns: int | None = None
        #: Where time goes on from when nothing better is known.
        self._floor_offset_ns: int | None = None
        self._floored = False
        #: Whether the wall clock is waited for.
        self.waits = False
        #: Whether it is known how long the agent was away.
        self.away_is_known = True

    def take_up(self, known: Mapping[str, Any] | None, floor_ns: int | None) -> None:
        """Go on from what a journal has: what was ``known``, and where it ends.

        In the boot of *known* the offset stays the same, so that a step meanwhile is
        one to follow. After a reboot without synchronisation the clock ``waits``, or
        goes on from *floor_ns* if that is later than now.
        """
        self._floor_ns = floor_ns
        if known and known["boot"] == self.boot:
            self._offset_ns, self._raw_ns = known["offset_ns"], known["raw_ns"]
            self._floored = known["floored"]
            return
        if floor_ns is not None:
            # What is booked was booked before this boot, if that is known.
            age_ns = 0 if known else self._boottime_ns()
            self._floor_offset_ns = floor_ns - age_ns
        self.waits = self._worth_waiting()
        if not self.waits:
            self._settle()

    def known(self) -> dict[str, Any]:
        """Return what the next start is to know, as plain values."""
        return {
            "boot": self.boot,
            "offset_ns": self._offset_ns,
            "raw_ns": self._raw_ns,
            "floored": self._floored,
            "synchronised": self.synchronised,
        }

    def boottime_ns(self) -> int:
        """Return the boot-time clock."""
        return self._boottime_ns()

    def wall_ns(self, boottime_ns: int) -> int:
        """Return the wall time (Unix ns, UTC) at a moment of the boot-time clock."""
        return boottime_ns + self._offset_ns

    def boottime_of(self, wall_ns: int) -> int:
        """Return the boot-time clock at a wall time."""
        return wall_ns - self._offset_ns

    @property
    def synchronised(self) -> bool:
        """Whether the wall time can be believed."""
        return (
            self._kernel_synchronised()
            and self._realtime_ns() >= EPOCH_NS
            and abs(self._read_raw_ns() - self._offset_ns) < STEP_NS
        )

    @property
    def floored(self) -> bool:
        """Whether time goes on from what is booked, for want of anything better."""
        return self._floored

    @property
    def stamp(self) -> Stamp:
        """By which clock rows are timed now."""
        return Stamp(self.boot, self._offset_ns // 1_000_000, self.synchronised)

    def wait(self, *, longer: bool = True) -> int | None:
        """Return the step of wall time by which waiting has ended; None: not yet.

        It ends when the wall clock is right, has been waited for long enough, or is
        to be waited for no *longer*.
        """
        if longer and self._worth_waiting():
            return None
        before_ns = self._offset_ns
        self._settle()
        return self._offset_ns - before_ns

    def follow(self) -> int:
        """Take over a step of the wall clock; return it in ns, 0 when there was none.

        A clock that is not set yet is not followed, nor one that nobody keeps back
        behind what is booked.
        """
        raw_ns, last_ns = self._read_raw_ns(), self._raw_ns
        self._raw_ns = raw_ns
        step = raw_ns - self._offset_ns
        if abs(step) < STEP_NS or self._realtime_ns() < EPOCH_NS:
            return 0
        stepped = raw_ns - last_ns >= STEP_NS and step > 0
        if self._floored and not stepped and not self._kernel_synchronised():
            return 0
        self._floored = False
        self._offset_ns = raw_ns
        return step

    def _worth_waiting(self) -> bool:
        """Whether the wall clock is known to be wrong, and may soon be right."""
        unset = self._realtime_ns() < EPOCH_NS
        rebooted = self._floor_ns is not None and not self._kernel_synchronised()
        return (unset or rebooted) and self._boottime_ns() < LONGEST_WAIT_NS

    def _settle(self) -> None:
        """Take the wall clock as it is now, or go on from the floor."""
        self.waits = False
        self._offset_ns = self._raw_ns = self._read_raw_ns()
        believed = self._kernel_synchronised() and self._realtime_ns() >= EPOCH_NS
        floor_ns = self._floor_offset_ns
        if not believed and floor_ns is not None and floor_ns > self._offset_ns:
            self._offset_ns, self._floored = floor_ns, True
            self.away_is_known = False

    def _read_raw_ns(self) -> int:
        return self._realtime_ns() - self._boottime_ns()
