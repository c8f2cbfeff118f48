"""The line that everybody reads: ``plant LOAD`` serves it in a process of its own.

LOAD is JSON, see ``Load``. Prints the port. On its input, ``clear`` forgets what was
read so far, and ``report`` prints it: a list of unit, address, registers, how often,
and the first and last time in ns. Ends with its input.
"""

import json
import struct
import sys
from dataclasses import asdict, dataclass

from bench.bus.plant import READ_INPUT_REGISTERS, FloatUnit
from bench.peers.trouble import ECHO, faults
from zerometer.core.points import LineSettings
from zerometer.drivers.simulator.faults import dead
from zerometer.drivers.simulator.line import SimulatedLine

ILLEGAL_FUNCTION = 1
REQUEST = 5  # bytes: function, address, registers


@dataclass(frozen=True, slots=True)
class Load:
    """What is on the line: units 1 to ``units``, the last ``dead`` of them silent.

    ``trouble`` is one of those that have a name in ``trouble.py``, or none.
    """

    baud: int
    units: int = 4
    dead: int = 0
    turnaround_ms: int = 20
    paced: bool = True
    trouble: str = ""

    @property
    def healthy(self) -> tuple[int, ...]:
        """The units that answer."""
        return tuple(range(1, self.units - self.dead + 1))

    def text(self) -> str:
        """Return the load as an argument of this module."""
        return json.dumps(asdict(self))


class RecordedUnit(FloatUnit):
    """Remembers what was read of it."""

    def __init__(self, unit: int) -> None:
        super().__init__(unit)
        #: By address and registers: how often, and when first and last, in ns.
        self.reads: dict[tuple[int, int], tuple[int, int, int]] = {}

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the registers that *request* asks for; nothing else is known here."""
        if request[0] != READ_INPUT_REGISTERS or len(request) != REQUEST:
            return bytes((request[0] | 0x80, ILLEGAL_FUNCTION))
        read = struct.unpack(">HH", request[1:])
        times, first_ns, _ = self.reads.get(read, (0, time_ns, time_ns))
        self.reads[read] = times + 1, first_ns, time_ns
        return super().answer(request, time_ns)


def serve(load: Load) -> None:
    """Serve *load* until the input ends."""
    units = {unit: RecordedUnit(unit) for unit in range(1, load.units + 1)}
    line = SimulatedLine(
        LineSettings(baud=load.baud),
        units,
        turnaround_ns=load.turnaround_ms * 1_000_000,
        paced=load.paced,
    )
    for unit in units:
        if unit not in load.healthy:
            line.give(unit, dead)
        else:
            line.give(unit, *faults(load.trouble, unit))
    line.echo(load.trouble == ECHO)
    with line:
        print(line.port, flush=True)
        for command in sys.stdin:
            if command.strip() == "clear":
                for recorded in units.values():
                    recorded.reads = {}
            reads = [
                (number, *read, *seen)
                for number, recorded in units.items()
                for read, seen in dict(recorded.reads).items()
            ]
            print(json.dumps(reads), flush=True)


if __name__ == "__main__":
    serve(Load(**json.loads(sys.argv[1])))
