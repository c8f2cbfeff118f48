"""Several simulated meters that answer as one: the channels of a unit."""

from collections.abc import Sequence

from zerometer.drivers.simulator.meters import SimulatedMeter


class Channels:
    """The meters of one unit, each with registers of its own."""

    def __init__(self, meters: Sequence[SimulatedMeter]) -> None:
        self._meters = meters

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the first answer that is no refusal, else the last refusal."""
        reply = b""
        for meter in self._meters:
            reply = meter.answer(request, time_ns)
            if not reply[0] & 0x80:
                break
        return reply
