"""What a bus has to do, and whether it can: lateness, overload, even degradation."""

from collections.abc import Sequence

from zerometer.drivers.notices import Notices
from zerometer.drivers.statistics import Recent
from zerometer.drivers.unit import Unit

#: So many late cycles in a row mean that the bus has too much to do.
_OVERLOADED_AFTER = 10

#: What all units have missed alike is forgotten when one has missed so much.
_FORGET_NS = 10_000_000_000


class Load:
    """The load of one bus, whose *units* begin their cycles here."""

    def __init__(self, bus_id: str, units: Sequence[Unit], notices: Notices) -> None:
        self._bus_id = bus_id
        self._units = units
        self._notices = notices
        self._late_cycles = 0
        self._uneven = False
        #: By how much the latest cycle began too late.
        self.lateness_ns = 0
        self.recent = Recent()

    @property
    def overloaded(self) -> bool:
        """Whether the periods of the units cannot be kept now."""
        return self._late_cycles >= _OVERLOADED_AFTER

    @property
    def skipped(self) -> int:
        """How many cycles were left out."""
        return sum(unit.periods.skipped for unit in self._units)

    def begin_due(self, unit: Unit, now_ns: int) -> None:
        """Begin the next cycle of *unit* if it is due and the last one is over."""
        if unit.pending or unit.periods.next_ns > now_ns:
            return
        skipped = unit.periods.skipped
        self.lateness_ns = unit.begin_cycle(now_ns)
        self.recent.note(now_ns, self.lateness_ns)
        if unit.periods.skipped == skipped:
            if self.overloaded:
                self._notices.ended("", "overload")
            self._late_cycles = 0
            return
        self._uneven = True
        if unit.periods.missed_ns > _FORGET_NS:
            self._forget()
        self._late_cycles += 1
        if self._late_cycles == _OVERLOADED_AFTER:
            self._notices.trouble(
                "overload",
                "",
                f"bus {self._bus_id}: cannot keep the periods of all meters; each is "
                "read less often; zerometer plan shows what takes how long",
                "overload",
            )

    def idle(self) -> None:
        """Note that nothing is due: everybody got what it wants."""
        if self._uneven:
            self._uneven = False
            for unit in self._units:
                unit.periods.missed_ns = 0

    def _forget(self) -> None:
        """Forget what all have missed: who was away must not wait for it.

        One that cannot keep up by itself does not gain more and more by it.
        """
        there = [u.periods.missed_ns for u in self._units if not u.failing]
        least_ns = min(there, default=0)
        for unit in self._units:
            missed_ns = min(unit.periods.missed_ns - least_ns, _FORGET_NS)
            unit.periods.missed_ns = max(0, missed_ns)
