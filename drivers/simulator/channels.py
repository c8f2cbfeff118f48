"""Several simulated meters that answer as one: the channels of a unit."""

from collections.abc import Iterable, Sequence

from zerometer.drivers.simulator.unit import Unit


class Channels:
    """The meters of one unit, each with registers of its own."""

    def __init__(self, meters: Sequence[Unit]) -> None:
        self._meters = meters

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the first answer that is no refusal, else the last refusal."""
        reply = b""
        for meter in self._meters:
            reply = meter.answer(request, time_ns)
            if not reply[0] & 0x80:
                break
        return reply


def joined(meters: Iterable[tuple[int, Unit]]) -> dict[int, Unit]:
    """Return what answers under each number: a meter, or several as channels."""
    by_number: dict[int, list[Unit]] = {}
    for number, meter in meters:
        by_number.setdefault(number, []).append(meter)
    return {
        number: Channels(several) if len(several) > 1 else several[0]
        for number, several in by_number.items()
    }
