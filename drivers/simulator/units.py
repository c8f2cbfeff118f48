"""The units of a simulated line, each with the faults that it was given."""

from collections.abc import Mapping

from zerometer.core._frame import crc16
from zerometer.drivers.simulator.faults import Fault, Reply
from zerometer.drivers.simulator.unit import Unit


class Units:
    """Units by identifier; faults and units may change while they are served."""

    def __init__(self, units: Mapping[int, Unit], turnaround_ns: int) -> None:
        self._units = dict(units)
        self._turnaround_ns = turnaround_ns
        self._faults: dict[int, tuple[Fault, ...]] = {}

    def give(self, unit: int, *faults: Fault) -> None:
        """Give *unit* these faults, in this order, instead of those it had."""
        self._faults[unit] = faults

    def replace(self, number: int, unit: Unit) -> None:
        """Put *unit* in the place of another one; its faults stay."""
        self._units[number] = unit

    def answer(self, frame: bytes, heard_ns: int) -> Reply | None:
        """Return the reply to *frame*, or None when nobody answers.

        Both are whole frames of a serial line; *heard_ns* is the request's end.
        """
        number = frame[0]
        unit = self._units.get(number)
        if unit is None:
            return None
        body = frame[:1] + unit.answer(frame[1:-2], heard_ns)
        whole = body + crc16(body).to_bytes(2, "little")
        reply: Reply | None = Reply(whole, self._turnaround_ns, frame, heard_ns)
        for fault in self._faults.get(number, ()):
            if reply is None:
                return None
            reply = fault(reply)
        return reply
