"""Reads that are run in one go: which, and how many."""

from zerometer.drivers._exchange import MAX_SERIES, Transaction
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.unit import Unit

#: How long a series is expected to take, at most, unless it is a single read. By so
#: much later than it was received a reading is handed on; its time is exact anyway.
#: A single transaction at 9600 baud takes up to 300 ms.
SERIES_NS = 200_000_000

#: What a read is given of the loop's own time, on a slow machine.
_READ_NS = 200_000


def reads_within(silence_ns: int) -> int:
    """Return how many reads are done with in the *silence_ns* that follows them.

    The line must be silent that long after a series anyway: who works meanwhile
    costs no bus time. Where it need not be silent, nothing is won by short series.
    """
    if not silence_ns:
        return MAX_SERIES
    return max(1, min(silence_ns // _READ_NS, MAX_SERIES))


class Series:
    """Reads of one or several units, in the order in which they are run.

    Unless it is a single read, it is expected to be over by ``end_ns``, at most
    SERIES_NS after *start_ns*, and is of at most *reads*.
    """

    __slots__ = (
        "_expected_ns",
        "_reads",
        "end_ns",
        "transactions",
        "turns",
        "unfinished",
    )

    def __init__(self, start_ns: int, reads: int = MAX_SERIES) -> None:
        self._reads = reads
        self.turns: list[tuple[Unit, PreparedRead]] = []
        self.transactions: list[Transaction] = []
        #: Units with reads that found no room, or were given back.
        self.unfinished: set[Unit] = set()
        self.end_ns = start_ns + SERIES_NS
        self._expected_ns = start_ns

    def add(self, unit: Unit, read: PreparedRead) -> bool:
        """Add *read* and return True, unless there is no room for it."""
        turnaround = unit.turnaround
        self._expected_ns += turnaround.filtered_ns + read.wire_ns
        too_long = self._expected_ns > self.end_ns or len(self.turns) == self._reads
        if self.turns and too_long:
            self.unfinished.add(unit)
            return False
        read.transaction.expect(turnaround.look_ns, turnaround.timeout_ns)
        self.turns.append((unit, read))
        self.transactions.append(read.transaction)
        return True

    def last_of(self, unit: Unit) -> PreparedRead:
        """Return the last read of *unit*; there must be one."""
        return next(read for other, read in reversed(self.turns) if other is unit)

    def give_back(self, ran: int) -> None:
        """Make pending again, before all others, what is behind the first *ran*."""
        for unit, read in reversed(self.turns[ran:]):
            unit.pending.appendleft(read)
            self.unfinished.add(unit)
        del self.turns[ran:]
