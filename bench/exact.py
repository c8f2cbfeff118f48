"""A simulated line that keeps its times to microseconds, for comparisons.

A thread that sleeps is woken late; on a real wire no byte is. This line spins while
it is in use, which costs a processor and is thus nothing for a gateway.
"""

import time

from zerometer.drivers.simulator.line import SimulatedLine

#: An idle line sleeps; one that was in use so shortly ago spins.
SPIN_NS = 20_000_000


class ExactLine(SimulatedLine):
    """A line whose bytes come neither early nor late."""

    _used_ns = 0

    def _hear(self, data: bytes) -> None:
        self._used_ns = time.monotonic_ns()
        super()._hear(data)

    def _speak(self) -> None:
        patience_s = super()._patience_s()
        # Bytes come in the portions of an adapter, not as soon as somebody looks.
        if patience_s is not None and patience_s <= 0:
            super()._speak()

    def _patience_s(self) -> float | None:
        patience_s = super()._patience_s()
        if patience_s is not None or time.monotonic_ns() - self._used_ns < SPIN_NS:
            return 0.0
        return None
