"""A simulated RS-485 line: units behind a pty whose bytes take their time.

A pty has no baud rate of its own: whoever writes to it is read at once. This line
gives every byte the time it takes on the wire, in both directions, so what is
measured on it holds on a real one.
"""

import fcntl
import heapq
import os
import select
import termios
import time
import tty
from collections.abc import Mapping
from threading import Thread
from typing import Protocol, Self

from zerometer.core._frame import crc16
from zerometer.core.errors import UsageError
from zerometer.core.points import LineSettings
from zerometer.drivers.simulator.faults import Fault, Reply
from zerometer.drivers.simulator.transmission import Transmission

#: From the end of a request to the start of the reply, in common meters.
TURNAROUND_NS = 20_000_000

_REQUEST = 8  # bytes of every read request
_SHORTEST = 4  # unit, function, CRC
_BUFFER = 4096


class Unit(Protocol):
    """What answers on a line under one unit identifier."""

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the reply to a request that was complete at *time_ns*.

        Both are protocol data units: without unit identifier and CRC. The time
        is that of the boot-time clock, and may be a little ahead of it.
        """
        ...


class SimulatedLine:
    """Units, by identifier, on a pty; a thread of its own serves them.

    ``turnaround_ns`` passes from the end of a request to the start of its reply.
    With ``paced=False`` bytes take no time (for benchmarks of what is not the
    wire). Use as a context manager, or call start() and stop().
    """

    def __init__(
        self,
        settings: LineSettings,
        units: Mapping[int, Unit],
        *,
        turnaround_ns: int = TURNAROUND_NS,
        paced: bool = True,
    ) -> None:
        self._units = units
        self._turnaround_ns = turnaround_ns
        self._silence_ns = settings.silence_ns
        self._character_ns = settings.character_ns if paced else 0
        self._faults: dict[int, tuple[Fault, ...]] = {}
        self._heard = bytearray()
        self._heard_from_ns = 0
        self._heard_last_ns = 0
        self._replies: list[tuple[int, int, bytes]] = []
        self._answered = 0
        self._sending: Transmission | None = None
        self._free_ns = 0  # when the last byte that was sent has left the wire
        self._port = ""
        self._thread: Thread | None = None

    @property
    def port(self) -> str:
        """Path of the terminal to open; UsageError before start."""
        if not self._port:
            raise UsageError("simulated line: port: not started")
        return self._port

    def give(self, unit: int, *faults: Fault) -> None:
        """Give *unit* these faults, in this order, instead of those it had."""
        self._faults[unit] = faults

    def start(self) -> None:
        """Open the pty and serve it."""
        # The far end stays open here too: otherwise the line would hang up when
        # its user closes the port, and a restarted user could not come back.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._wake, self._waker = os.pipe()
        self._port = os.ttyname(self._slave)
        self._thread = Thread(target=self._serve, name="simulated-line", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close the pty; harmless when not started."""
        if self._thread is None:
            return
        os.write(self._waker, b".")
        self._thread.join()
        self._thread = None
        self._port = ""
        for descriptor in (self._master, self._slave, self._wake, self._waker):
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select(
                [self._master, self._wake], [], [], self._patience_s()
            )
            if self._wake in ready:
                return
            if self._master in ready:
                self._hear(os.read(self._master, _BUFFER))
            self._speak()

    def _patience_s(self) -> float | None:
        """Return how long the line may sleep unless somebody writes."""
        dues = []
        if self._heard:
            dues.append(self._quiet_ns())
        if self._sending:
            dues.append(self._sending.next_ns())
        elif self._replies:
            dues.append(self._replies[0][0])
        if not dues:
            return None
        return max(0, min(dues) - _now_ns()) / 1e9

    def _hear(self, data: bytes) -> None:
        self._heard_last_ns = _now_ns()
        if not self._heard:
            self._heard_from_ns = self._heard_last_ns
        self._heard += data
        # A user who died keeps no port to himself: on a real one, the lock
        # goes with the last close, but this terminal is never closed.
        fcntl.ioctl(self._slave, termios.TIOCNXCL)
        while len(self._heard) >= _REQUEST and not crc16(bytes(self._heard[:_REQUEST])):
            self._answer(self._take(_REQUEST))

    def _take(self, size: int) -> bytes:
        frame = bytes(self._heard[:size])
        del self._heard[:size]
        self._heard_from_ns += size * self._character_ns
        return frame

    def _quiet_ns(self) -> int:
        """Return when what was heard is a whole frame, if nothing follows."""
        wire_ns = self._heard_from_ns + len(self._heard) * self._character_ns
        return max(wire_ns, self._heard_last_ns) + self._silence_ns

    def _answer(self, frame: bytes) -> None:
        """Let the unit answer the frame that ends now on the wire, in its time."""
        unit = self._units.get(frame[0])
        if unit is None:
            return
        body = frame[:1] + unit.answer(frame[1:-2], self._heard_from_ns)
        reply: Reply | None = Reply(
            body + crc16(body).to_bytes(2, "little"), self._turnaround_ns
        )
        for fault in self._faults.get(frame[0], ()):
            reply = reply and fault(reply)
        if reply:
            start_ns = self._heard_from_ns + reply.delay_ns
            # The number keeps replies of one instant in order.
            self._answered += 1
            heapq.heappush(self._replies, (start_ns, self._answered, reply.frame))

    def _speak(self) -> None:
        now_ns = _now_ns()
        if self._heard and now_ns >= self._quiet_ns():
            frame = self._take(len(self._heard))
            if len(frame) >= _SHORTEST and not crc16(frame):
                self._answer(frame)
        if self._sending is None and self._replies and self._replies[0][0] <= now_ns:
            start_ns, _, frame = heapq.heappop(self._replies)
            start_ns = max(start_ns, self._free_ns)
            self._sending = Transmission(frame, start_ns, self._character_ns)
            self._free_ns = self._sending.end_ns
        if self._sending:
            due = self._sending.take(now_ns)
            if due:
                self._put(due)
            if self._sending.done:
                self._sending = None

    def _put(self, data: bytes) -> None:
        try:
            os.write(self._master, data)
        except BlockingIOError:
            # Nobody reads: on a wire the bytes are gone too.
            return


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
