"""A simulated RS-485 line: units behind a pty whose bytes take their time.

A pty has no baud rate of its own: whoever writes to it is read at once. This line
gives every byte the time it takes on the wire, in both directions, so what is
measured on it holds on a real one.
"""

import heapq
import os
import select
import time
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Self

from zerometer.core._frame import crc16
from zerometer.core.errors import UsageError
from zerometer.core.points import LineSettings
from zerometer.drivers.simulator.babble import Babble
from zerometer.drivers.simulator.faults import Fault
from zerometer.drivers.simulator.terminal import End, Terminal
from zerometer.drivers.simulator.transmission import Transmission
from zerometer.drivers.simulator.unit import Unit
from zerometer.drivers.simulator.units import Units

#: From the end of a request to the start of the reply, in common meters.
TURNAROUND_NS = 20_000_000

_REQUEST = 8  # bytes of every read request
_SHORTEST = 4  # unit, function, CRC


class SimulatedLine:
    """Units, by identifier, on a pty or another *end*; a thread of its own serves them.

    ``turnaround_ns`` passes from the end of a request to the start of its reply.
    With ``paced=False`` bytes take no time (for benchmarks of what is not the
    wire). *tap* gets every byte string that is written to the line. Use as a
    context manager, or call start() and stop(): between stop() and the next start()
    the line is like one whose adapter was unplugged.
    """

    def __init__(
        self,
        settings: LineSettings,
        units: Mapping[int, Unit],
        *,
        turnaround_ns: int = TURNAROUND_NS,
        paced: bool = True,
        end: End | None = None,
        tap: Callable[[bytes], None] | None = None,
    ) -> None:
        self._units = Units(units, turnaround_ns)
        self._silence_ns = settings.silence_ns
        self._character_ns = settings.character_ns if paced else 0
        self._end = end or Terminal()
        self._tap = tap
        self._echoes = False
        self._babble: Babble | None = None
        self._thread: Thread | None = None

    @property
    def port(self) -> str:
        """What to open: the path of the terminal; UsageError before start."""
        if not self._end.port:
            raise UsageError("simulated line: port: not started")
        return self._end.port

    def give(self, unit: int, *faults: Fault) -> None:
        """Give *unit* these faults, in this order, instead of those it had."""
        self._units.give(unit, *faults)

    def replace(self, number: int, unit: Unit) -> None:
        """Put *unit* in the place of another one; the faults of the place stay."""
        self._units.replace(number, unit)

    def echo(self, on: bool = True) -> None:
        """Let the line echo what is written to it, as some adapters do."""
        self._echoes = on

    def babble(self, babble: Babble | None) -> None:
        """Let bytes come that nobody sent, also while all are silent; None: no more."""
        self._babble = babble
        if self._thread is not None:
            os.write(self._waker, b".")

    def start(self) -> None:
        """Open the end and serve it; OSError when it cannot be opened."""
        self._end.open()
        self._heard = bytearray()
        self._heard_from_ns = self._heard_last_ns = 0
        self._frames: list[tuple[int, int, bytes]] = []
        self._number = 0
        self._sending: Transmission | None = None
        self._free_ns = 0  # when the last byte that was sent has left the wire
        self._stopping = False
        self._wake, self._waker = os.pipe()
        self._thread = Thread(target=self._serve, name="simulated-line", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close the end; harmless when not started."""
        if self._thread is None:
            return
        self._stopping = True
        os.write(self._waker, b".")
        self._thread.join()
        self._thread = None
        self._end.close()
        os.close(self._wake)
        os.close(self._waker)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        while not self._stopping:
            watched = [*self._end.descriptors, self._wake]
            for ready in select.select(watched, [], [], self._patience_s())[0]:
                if ready == self._wake:
                    os.read(ready, 64)
                    continue
                data = self._end.read(ready)
                if data:
                    self._hear(data)
            self._speak()

    def _patience_s(self) -> float | None:
        """Return how long the line may sleep unless somebody writes."""
        dues = []
        if self._heard:
            dues.append(self._quiet_ns())
        if self._sending:
            dues.append(self._sending.next_ns())
        elif self._frames:
            dues.append(self._frames[0][0])
        babble = self._babble
        if babble is not None:
            dues.append(babble.next_ns)
        if not dues:
            return None
        return max(0, min(dues) - _now_ns()) / 1e9

    def _hear(self, data: bytes) -> None:
        self._heard_last_ns = _now_ns()
        if self._tap is not None:
            self._tap(data)
        if self._echoes:
            self._send(self._heard_last_ns, data)
        if not self._heard:
            self._heard_from_ns = self._heard_last_ns
        self._heard += data
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
        reply = self._units.answer(frame, self._heard_from_ns)
        if reply is not None:
            self._send(self._heard_from_ns + reply.delay_ns, reply.frame)

    def _send(self, start_ns: int, frame: bytes) -> None:
        # The number keeps frames of one instant in order.
        self._number += 1
        heapq.heappush(self._frames, (start_ns, self._number, frame))

    def _speak(self) -> None:
        now_ns = _now_ns()
        if self._heard and now_ns >= self._quiet_ns():
            frame = self._take(len(self._heard))
            if len(frame) >= _SHORTEST and not crc16(frame):
                self._answer(frame)
        babble = self._babble
        if babble is not None and babble.next_ns <= now_ns:
            self._send(now_ns, babble.take(now_ns))
        if self._sending is None and self._frames and self._frames[0][0] <= now_ns:
            start_ns, _, frame = heapq.heappop(self._frames)
            if not self._character_ns:
                self._end.write(frame)
                return
            start_ns = max(start_ns, self._free_ns)
            self._sending = Transmission(frame, start_ns, self._character_ns)
            self._free_ns = self._sending.end_ns
        if self._sending:
            due = self._sending.take(now_ns)
            if due:
                self._end.write(due)
            if self._sending.done:
                self._sending = None


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
