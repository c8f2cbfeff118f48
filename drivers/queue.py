"""The units of a bus in the order of their turns, with respect to their health."""

from collections.abc import Sequence

from zerometer.drivers.health import ProbeBudget
from zerometer.drivers.port import Port
from zerometer.drivers.schedule import Schedule
from zerometer.drivers.unit import Unit


class Queue:
    """Which of *units*, by number, is served next, and when.

    Without a line, units have turns in which their readings are missing. Those that
    are down have turns to be probed, as far as the *budget* allows for it.
    """

    def __init__(self, units: Sequence[Unit], port: Port, budget: ProbeBudget) -> None:
        self._units = units
        self._port = port
        self._budget = budget
        self._schedule = Schedule()

    @property
    def next_release_ns(self) -> int:
        """When the next turn is; NEVER_NS if there is none."""
        return self._schedule.next_release_ns

    def begin(self) -> None:
        """Give every unit a turn, and forget those given before."""
        self._schedule = Schedule()
        for number in range(len(self._units)):
            self.put(number)

    def take(self, now_ns: int) -> int | None:
        """Return the most urgent unit whose turn has come, or None."""
        return self._schedule.take(now_ns)

    def put(self, number: int) -> None:
        """Give unit *number*, which was taken, its next turn."""
        unit = self._units[number]
        deadline_ns = unit.deadline_ns if unit.pending else unit.next_cycle_ns[1]
        self._schedule.put(number, self._release_ns(unit), deadline_ns)

    def put_first(self, number: int) -> None:
        """Let unit *number* go on with its cycle, before its equals."""
        unit = self._units[number]
        self._schedule.put_first(number, self._release_ns(unit), unit.deadline_ns)

    def put_back(self, number: int) -> None:
        """Let unit *number*, which was taken too early, be the next of its equals."""
        unit = self._units[number]
        self._schedule.put_first(number, unit.ready_ns, unit.deadline_ns)

    def hasten_probes(self, now_ns: int) -> None:
        """Let all units that are down be probed at once."""
        self._budget.free_ns = now_ns
        for number, unit in enumerate(self._units):
            if unit.health.down:
                unit.health.next_probe_ns = now_ns
                self._schedule.remove(number)
                self.put(number)

    def probe_ns(self, unit: Unit) -> int:
        """When the next probe of *unit*, which is down, is worth its time."""
        probe_ns = max(unit.health.next_probe_ns, unit.ready_ns)
        if self.all_fail_but(unit):
            return probe_ns  # there is nobody to wait for it
        return max(probe_ns, self._budget.free_ns)

    def rests(self, unit: Unit, now_ns: int) -> bool:
        """Whether *unit*, which owes a reply, has wasted the others' time for now."""
        return unit.allowance.spent(now_ns) and not self.all_fail_but(unit)

    def all_fail_but(self, unit: Unit) -> bool:
        """Whether there is nobody to wait for *unit*, which does not answer."""
        return all(other.failing for other in self._units if other is not unit)

    def _release_ns(self, unit: Unit) -> int:
        """When *unit* is to be served next."""
        if self._port.exchange is None:
            return unit.periods.next_ns
        if unit.health.down:
            return min(unit.periods.next_ns, self.probe_ns(unit))
        if unit.pending:
            return unit.ready_ns
        return max(unit.periods.next_ns, unit.ready_ns)
