"""A simulated line that keeps its times to microseconds, for comparisons.

A thread that sleeps is woken late; on a real wire no byte is. This line wakes early
and spins for the rest, which costs a processor and is thus nothing for a gateway.
"""

import ctypes

from zerometer.drivers.simulator.line import SimulatedLine

#: Longer than a wake-up is late on a machine that has a processor free.
SPIN_S = 300e-6

#: From <linux/prctl.h>.
PR_SET_TIMERSLACK = 29


class ExactLine(SimulatedLine):
    """A line whose bytes come neither early nor late."""

    def _serve(self) -> None:
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1)
        super()._serve()

    def _patience_s(self) -> float | None:
        patience_s = super()._patience_s()
        return None if patience_s is None else max(0.0, patience_s - SPIN_S)
