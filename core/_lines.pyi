from array import array
from typing import Final, final

FIELDS: Final[int]
QUOTES: Final[int]
TIME: Final[int]
NAIVE: Final[int]
RANGE: Final[int]
UNKNOWN: Final[int]
NUMBER: Final[int]
INFINITE: Final[int]
BACKWARDS: Final[int]
LATE: Final[int]

@final
class LineParser:
    """Comma-separated readings, whole lines at a time, gathered by point.

    A line has a time, a meter, a point and a value among its columns. The time is
    in seconds since 1970 (UTC), up to nine digits below one, or ISO 8601 with an
    offset. A value is a decimal number, rounded correctly; none is a missing one.
    Fields may stand in quotation marks, which they cannot hold; blanks around them
    and empty lines count for nothing.

    ``earliest_ns`` and ``latest_ns`` are the first and the last time so far, -1
    before any. Rows before ``floor_ns`` are a fault.
    """

    earliest_ns: int
    latest_ns: int
    floor_ns: int

    def __init__(
        self, points: list[tuple[str, str]], places: tuple[int, ...], columns: int
    ) -> None:
        """Know *points* (meter, name), which get slots in this order.

        *places* are those of time, meter, point and value among *columns*.
        """

    def parse(self, data: bytes, at: int) -> tuple[int, int, int]:
        """Gather the lines of *data*, which ends with a line feed, from *at* on.

        Returns where it stopped, how many lines that were, and what is wrong with
        the line there: 0 at the end of the data or where ``take`` is due; FIELDS:
        not as many as the header has; QUOTES; TIME: is none; NAIVE: has no offset;
        RANGE: not 1970 to 2262; UNKNOWN: no such point; NUMBER: is none; INFINITE;
        BACKWARDS: before the last time of this point; LATE: before ``floor_ns``.
        """

    @property
    def waiting(self) -> int:
        """Rows that are gathered and not taken."""

    def take(self) -> list[tuple[int, array[int], array[float]]]:
        """Take out what was gathered: slot, times (ns) and values of each point.

        Missing values and those of a time that the point had already are left out.
        """

    def missing(self, slot: int) -> int:
        """Return how many rows of a point had no value, so far."""

    def repeated(self, slot: int) -> int:
        """Return how many rows of a point had the time of the one before, so far."""
