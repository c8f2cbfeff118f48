"""What a bus hands on of its units: readings, what is missing, and what happened."""

from collections.abc import Callable
from time import monotonic_ns

from zerometer.core.points import Reading
from zerometer.drivers import faults
from zerometer.drivers.notices import NoticeKind, Notices
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.unit import Unit


class Handover:
    """Hands readings to *deliver*, and what happens at a unit to *notices*.

    *boot_ns* returns the boot-time clock, which readings are stamped with.
    """

    def __init__(
        self,
        bus_id: str,
        notices: Notices,
        deliver: Callable[[Reading], None],
        boot_ns: Callable[[], int],
    ) -> None:
        self._bus_id = bus_id
        self._notices = notices
        self._deliver = deliver
        self.boot_ns = boot_ns
        #: Readings that were handed on.
        self.readings = 0

    def deliver(self, reading: Reading) -> None:
        """Hand on a *reading*."""
        self.readings += 1
        self._deliver(reading)

    def missing(self, unit: Unit, read: PreparedRead, time_ns: int) -> None:
        """Hand on that *read* brought nothing; it is over for this cycle."""
        read.retried = False
        if not read.question:
            self.deliver(read.missing(unit.meter, time_ns))

    def skip(self, unit: Unit) -> None:
        """Hand on that what is pending at *unit* is missing."""
        time_ns = self.boot_ns()
        while unit.pending:
            self.missing(unit, unit.pending.popleft(), time_ns)

    def answered(self, unit: Unit) -> None:
        """Note that *unit* said something that makes sense."""
        unit.answered_in_cycle = True
        if unit.health.answered():
            unit.came_back(monotonic_ns())
            self.say("up", unit, "answers again")

    def cycle_failed(self, unit: Unit) -> None:
        """Give up the running cycle of *unit*, which may be down by that."""
        now_ns = monotonic_ns()
        unit.cycle_failed()
        self.skip(unit)
        if not unit.answered_in_cycle and unit.health.failed(now_ns):
            tally = unit.tally
            self.say("down", unit, faults.absence(tally.latest_error, tally.good > 0))

    def say(self, kind: NoticeKind, unit: Unit, text: str) -> None:
        """Report something that happened once at *unit*."""
        self._notices.say(kind, unit.meter, self._about(unit, text))

    def trouble(
        self, kind: NoticeKind, unit: Unit, text: str, detail: str = ""
    ) -> None:
        """Report a trouble of *unit*, as ``Notices.trouble`` does."""
        self._notices.trouble(kind, unit.meter, self._about(unit, text), detail)

    def stands(self, unit: Unit) -> bool:
        """Whether any trouble of *unit* stands."""
        return self._notices.stands(unit.meter)

    def ended(self, unit: Unit, detail: str = "") -> None:
        """Note that troubles of *unit* are over, as ``Notices.ended`` does."""
        self._notices.ended(unit.meter, detail)

    def _about(self, unit: Unit, text: str) -> str:
        return f"bus {self._bus_id}, meter {unit.meter} (unit {unit.number}): {text}"
