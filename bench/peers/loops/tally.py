"""What a loop counts, in a file that the bench can look at meanwhile.

Only the standard library: the loops run in environments that know nothing of us.
"""

import json
import mmap
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: Transactions, values that were right, values that were wrong, failed transactions.
FIELDS = 4
LAYOUT = f"={FIELDS}Q"
SIZE = struct.calcsize(LAYOUT)


def value(unit: int, address: int) -> float:
    """Return the float that stands at *address*, as the plant has it."""
    return 1000.0 * unit + address


def arguments() -> dict[str, Any]:
    """Return what the bench wants, from the command line."""
    wanted: dict[str, Any] = json.loads(sys.argv[1])
    return wanted


class Tally:
    """Counters in the file *path*, which the bench made."""

    def __init__(self, path: str) -> None:
        with Path(path).open("r+b") as file:
            self._counters = memoryview(mmap.mmap(file.fileno(), SIZE)).cast("Q")
        self._expected: dict[tuple[int, int, int], tuple[float, ...]] = {}

    def brought(self, unit: int, address: int, values: tuple[float, ...]) -> None:
        """Compare what was read of *unit* from *address* on with what stands there."""
        block = unit, address, len(values)
        if block not in self._expected:
            places = range(address, address + 2 * len(values), 2)
            self._expected[block] = tuple(value(unit, place) for place in places)
        self.compare(values, self._expected[block])

    def compare(self, values: Sequence[float], expected: Sequence[float]) -> None:
        """Count the values of a transaction that are as expected, and the others."""
        wrong = 0
        if values != expected:
            wrong = sum(v != e for v, e in zip(values, expected, strict=True))
        counters = self._counters
        counters[0] += 1
        counters[1] += len(values) - wrong
        counters[2] += wrong

    def failed(self) -> None:
        """Count a transaction that brought nothing."""
        self._counters[0] += 1
        self._counters[3] += 1


def floats(registers: list[int]) -> tuple[float, ...]:
    """Return the floats in *registers*, high word first."""
    count = len(registers)
    return struct.unpack(f">{count // 2}f", struct.pack(f">{count}H", *registers))
