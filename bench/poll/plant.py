"""Serve the large bus: ``bench.poll.plant BAUD TURNAROUND_MS`` prints the port.

Its units are three-phase meters of a shipped map whose floats never change.
"""

import sys

from bench.bus.plant import FloatUnit
from bench.exact import ExactLine
from zerometer.core.points import LineSettings

UNITS = range(1, 33)
MAP = "eastron-sdm630"
#: Input registers of a unit, at least those of the map.
REGISTERS = 400


def serve(baud: int, turnaround_ms: int) -> None:
    """Serve a line of *baud* until the input ends."""
    units = {unit: FloatUnit(unit, REGISTERS) for unit in UNITS}
    settings = LineSettings(baud=baud)
    turnaround_ns = turnaround_ms * 1_000_000
    with ExactLine(settings, units, turnaround_ns=turnaround_ns) as line:
        print(line.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
