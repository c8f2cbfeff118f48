"""Units that tell which request an answer belongs to: no stale value looks right."""

import struct
from bisect import bisect_right

from zerometer.core.meter_map import MeterMap
from zerometer.core.points import Point

FUNCTION = 3
#: Points at these addresses are read in two requests, of so many registers.
ADDRESSES = (*range(0, 40, 2), *range(400, 420, 2))
PLANNED = (40, 20)
ILLEGAL_FUNCTION = 1

MAP = MeterMap(
    id="numbered",
    vendor="bench",
    model="numbered",
    category="electricity",
    confidence="high",
    points=tuple(
        Point(name=f"p{address}", function=FUNCTION, address=address, type="u32")
        for address in ADDRESSES
    ),
)


class NumberedUnit:
    """Every value says the number of its request, and its address.

    *first* is the number before the first request; a twin has another one.
    """

    def __init__(self, first: int = 0) -> None:
        self._number = first
        self._numbers: list[int] = []
        self._times_ns: list[int] = []

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the registers that *request* asks for."""
        function, address, count = struct.unpack(">BHH", request)
        if function != FUNCTION:
            return bytes((function | 0x80, ILLEGAL_FUNCTION))
        self._number += 1
        self._numbers.append(self._number)
        self._times_ns.append(time_ns)
        start = address - address % 2
        values = [
            self.value(self._number, at) for at in range(start, address + count, 2)
        ]
        image = struct.pack(f">{len(values)}I", *values)
        skipped = 2 * (address - start)
        return bytes((function, 2 * count)) + image[skipped : skipped + 2 * count]

    @staticmethod
    def value(number: int, address: int) -> int:
        """Return what *address* says in the answer to a request."""
        return number << 10 | address

    def number_at(self, time_ns: int) -> int:
        """Return the number of the last request that was there at *time_ns*."""
        return self._numbers[bisect_right(self._times_ns, time_ns) - 1]
