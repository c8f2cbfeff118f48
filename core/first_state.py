"""What release 0.1 left of its counters, for those that go on with it.

It kept the ticks of the open minute apart. They are not taken over: their energy
counts as gained by the counters and not booked yet.
"""

from collections.abc import Iterator
from math import isnan
from typing import Any

FIRST_FORMAT = 1


def booked_until(state: dict[str, Any], last_ns: int | None) -> int | None:
    """Return up to when a metering state of 0.1 was booked, of one until *last_ns*."""
    ticks = state["spans"][0]
    return int(ticks[0][0]) if ticks else last_ns


def unbooked(state: dict[str, Any], meter: str, counter: str) -> Iterator[float]:
    """Yield what a counter gained and was not booked, in its unit, if that is known."""
    for _, of, point, times, _, offset, total, _, booked, *_ in state["flows"]:
        if (of, point) == (meter, counter) and not isnan(offset):
            yield (total + offset - booked) / times
            return
