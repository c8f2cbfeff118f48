"""The units on the line of the comparison, and what everybody must read there.

Run as a module it serves the line: it prints the port, and ends with its input.
"""

import struct
import sys

from zerometer.core.points import LineSettings
from zerometer.drivers.simulator.line import SimulatedLine

#: Units on the line; each is read in the same blocks (address, registers): the 52
#: values of a common three-phase meter.
UNITS = (1, 2, 3, 4)
BLOCKS = ((0, 60), (200, 44))
TURNAROUND_NS = 20_000_000
READ_INPUT_REGISTERS = 4
#: In the place of a baud rate: bytes, silences and the units take no time.
UNPACED = 0
#: Polls before a client is measured: ours learns the units' turnaround meanwhile.
WARM_POLLS = 3


class UnpacedLine(LineSettings):
    """Settings of a line on which nothing takes time."""

    @property
    def character_ns(self) -> int:
        """Time that one byte takes: next to none."""
        return 1

    @property
    def silence_ns(self) -> int:
        """Silence that separates two frames."""
        return 0


def line_settings(baud: int) -> LineSettings:
    """Return the settings of a line of *baud*."""
    return UnpacedLine() if baud == UNPACED else LineSettings(baud=baud)


def value(unit: int, address: int) -> float:
    """Return the float that stands at *address* and the register behind it."""
    return float(1000 * unit + address)


def values(unit: int, address: int, count: int) -> tuple[float, ...]:
    """Return the floats of one block."""
    return tuple(value(unit, address + i) for i in range(0, count, 2))


class FloatUnit:
    """A unit whose input *registers* hold floats that never change."""

    def __init__(self, unit: int, registers: int = 300) -> None:
        floats = values(unit, 0, registers)
        self._image = struct.pack(f">{len(floats)}f", *floats)

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the registers that *request* asks for."""
        del time_ns
        function, address, count = struct.unpack(">BHH", request)
        data = self._image[2 * address : 2 * (address + count)]
        return bytes([function, len(data)]) + data


def serve(baud: int) -> None:
    """Serve a line of *baud* until the input ends."""
    units = {unit: FloatUnit(unit) for unit in UNITS}
    paced = baud != UNPACED
    turnaround_ns = TURNAROUND_NS if paced else 0
    with SimulatedLine(
        line_settings(baud), units, turnaround_ns=turnaround_ns, paced=paced
    ) as line:
        print(line.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
