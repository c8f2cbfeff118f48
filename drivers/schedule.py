"""When what is due: periods on a grid, and the most urgent unit first."""

import heapq
from collections.abc import Sequence

#: Later than any time in ns.
NEVER_NS = 1 << 63


class Periods:
    """The due times of one unit's point groups, one for each period in ns.

    Due times stay on the grid of their period from *start_ns*, so that groups whose
    periods divide each other are due together. Slots that were missed are skipped.
    """

    def __init__(self, periods_ns: Sequence[int], start_ns: int) -> None:
        self._periods_ns = tuple(periods_ns)
        self._due_ns = [start_ns] * len(self._periods_ns)
        self.shortest_ns = min(self._periods_ns)
        #: When the next group is due.
        self.next_ns = start_ns
        #: Slots that passed unused because the bus could not keep up.
        self.skipped = 0
        #: How much time those of the shortest period were.
        self.missed_ns = 0

    def collect(self, now_ns: int) -> tuple[int, ...]:
        """Return the groups that are due, as indices, and move on to their next slots.

        A group waits at most for a whole cycle, so what is late by more than its
        period has missed slots.
        """
        due = []
        for group, period_ns in enumerate(self._periods_ns):
            late_ns = now_ns - self._due_ns[group]
            if late_ns < 0:
                continue
            due.append(group)
            missed = late_ns // period_ns
            if missed:
                self.skipped += missed
                if period_ns == self.shortest_ns:
                    self.missed_ns += missed * period_ns
            self._due_ns[group] += (missed + 1) * period_ns
        self.next_ns = min(self._due_ns)
        return tuple(due)

    @property
    def urgency_ns(self) -> int:
        """What orders those that are due: a deadline, the earlier the more was missed.

        Deadlines alone would let long periods starve the short ones when not all can
        be kept. So everybody misses alike, as part of what it wants.
        """
        return self.next_ns + self.shortest_ns - self.missed_ns

    def hasten(self, now_ns: int) -> None:
        """Make every group due at once, without leaving the grid.

        They are due now, and not since the slot that is used again.
        """
        for group, period_ns in enumerate(self._periods_ns):
            ahead = max(0, self._due_ns[group] - now_ns + period_ns - 1) // period_ns
            self._due_ns[group] -= ahead * period_ns
        self.next_ns = min(self.next_ns, now_ns)


class Schedule:
    """Which unit is served next: of those released, the one with earliest deadline.

    A unit is put in with the time from which it may be served and its deadline, and
    is out again once it was taken. Between equal deadlines, the one that was put in
    first is first: otherwise an overloaded bus would neglect some units.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, int, int]] = []
        self._released: list[tuple[int, int, int]] = []
        self._puts = 0

    def put(self, unit: int, release_ns: int, deadline_ns: int) -> None:
        """Let *unit* be taken from *release_ns* on."""
        self._puts += 1
        heapq.heappush(self._waiting, (release_ns, deadline_ns, self._puts, unit))

    def put_first(self, unit: int, release_ns: int, deadline_ns: int) -> None:
        """Put *unit* in as if it had been put in before all others."""
        self._puts += 1
        heapq.heappush(self._waiting, (release_ns, deadline_ns, -self._puts, unit))

    def remove(self, unit: int) -> None:
        """Forget *unit*, wherever it is put in."""
        self._waiting = [item for item in self._waiting if item[-1] != unit]
        self._released = [item for item in self._released if item[-1] != unit]
        heapq.heapify(self._waiting)
        heapq.heapify(self._released)

    def take(self, now_ns: int) -> int | None:
        """Return the most urgent released unit, or None."""
        while self._waiting and self._waiting[0][0] <= now_ns:
            heapq.heappush(self._released, heapq.heappop(self._waiting)[1:])
        if self._released:
            return heapq.heappop(self._released)[2]
        return None

    @property
    def next_release_ns(self) -> int:
        """When the next waiting unit is released; NEVER_NS if none waits."""
        return self._waiting[0][0] if self._waiting else NEVER_NS
