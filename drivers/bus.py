"""The loop of one bus: what is due is read, decoded and handed on.

A thread per bus: a hung port stalls nothing but itself. While the line works, one
request after the other goes out, most urgent first; what does not answer is given
up early, drained, proved and finally probed, so that the others keep their rate.
"""

import random
import threading
import time
from collections.abc import Callable, Container, Sequence
from time import monotonic_ns

from zerometer.core.errors import LineError
from zerometer.core.points import LineSettings, Reading
from zerometer.drivers.health import ProbeBudget
from zerometer.drivers.line import Line, Master
from zerometer.drivers.notices import BusNotice, Notices
from zerometer.drivers.port import Port
from zerometer.drivers.reader import Reader
from zerometer.drivers.schedule import Schedule
from zerometer.drivers.series import Series
from zerometer.drivers.statistics import (
    BusStatistics,
    Recent,
    UnitStatistics,
    total,
)
from zerometer.drivers.unit import Unit, UnitPlan

__all__ = ["BusLoop", "BusNotice", "BusStatistics", "UnitPlan", "UnitStatistics"]

#: So many late cycles in a row mean that the bus has too much to do.
_OVERLOADED_AFTER = 10


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class BusLoop:
    """Reads the meters of one bus until it is stopped.

    *deliver* gets one reading for each transaction, and for each read that was left
    out because its meter is down or the port lost; *notify* gets notices. Both are
    called on the loop's thread and must not block. *timeout_ns* is how long a unit
    may think at most; maps can state their own.
    """

    def __init__(  # noqa: PLR0917
        self,
        bus_id: str,
        open_line: Callable[[], Line],
        line: LineSettings,
        units: Sequence[UnitPlan],
        deliver: Callable[[Reading], None],
        notify: Callable[[BusNotice], None],
        timeout_ns: int,
    ) -> None:
        self._bus_id = bus_id
        self._notices = Notices(bus_id, notify, _boot_ns)
        self._port = Port(open_line)
        self._port_lost = False
        self._budget = ProbeBudget()
        self._reader = Reader(
            bus_id=bus_id,
            port=self._port,
            budget=self._budget,
            notices=self._notices,
            deliver=deliver,
            boot_ns=_boot_ns,
        )
        self._schedule = Schedule()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bus-{bus_id}")
        self._start_ns = monotonic_ns()
        self._units = [
            Unit(plan, line, timeout_ns, self._start_ns, random.random)
            for plan in units
            if plan.points
        ]
        self._waits = 0
        self._lateness_ns = 0
        self._recent_lateness = Recent()
        self._late_cycles = 0

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the running series of reads and give the port back."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def statistics(self) -> BusStatistics:
        """Return what was counted so far; may be called from any thread."""
        work = self._port.work
        return BusStatistics(
            bus=self._bus_id,
            alive=self._thread.is_alive(),
            port_open=self._port.exchange is not None,
            transactions=work.transactions,
            readings=self._reader.readings,
            busy_ns=work.busy_ns,
            elapsed_ns=monotonic_ns() - self._start_ns,
            lateness_ns=self._lateness_ns,
            lateness_max_ns=self._recent_lateness.largest(monotonic_ns()),
            overloaded=self._late_cycles >= _OVERLOADED_AFTER,
            skipped=sum(unit.periods.skipped for unit in self._units),
            wakes=self._waits + work.wakes,
            discarded_bytes=work.discarded,
            errors=total([unit.tally for unit in self._units]),
            units=tuple(unit.statistics() for unit in self._units),
        )

    def _run(self) -> None:
        for number in range(len(self._units)):
            self._put(number)
        if not self._units:
            self._stopping.wait()
        try:
            while not self._stopping.is_set():
                self._step(monotonic_ns())
        finally:
            self._port.close()

    def _step(self, now_ns: int) -> None:
        """Do the most urgent things, or sleep until there is one."""
        if self._port.exchange is None and now_ns >= self._port.retry_ns:
            self._open(now_ns)
        number = self._schedule.take(now_ns)
        if number is None:
            self._wait(now_ns)
            return
        unit = self._units[number]
        self._begin_due(unit, now_ns)
        exchange = self._port.exchange
        if exchange is None or (unit.health.down and now_ns < self._probe_ns(unit)):
            self._reader.skip(unit)
            self._put(number)
        elif unit.health.down:
            self._conclude([number], self._reader.probe(exchange, unit))
        elif unit.proof.wanted:
            self._conclude([number], self._reader.prove(exchange, unit))
        elif unit.interview and not unit.trusted:
            self._conclude([number], self._reader.meet(exchange, unit, unit.interview))
        else:
            self._read(exchange, number, now_ns)

    def _read(self, exchange: Master, first: int, now_ns: int) -> None:
        """Read what is due at unit *first* and, if there is time, at the next ones.

        The series is over by the time when something more urgent may become due.
        """
        series = Series(now_ns)
        series.end_ns = min(series.end_ns, self._schedule.next_release_ns)
        served = [first]
        more = self._reader.gather(series, self._units[first], now_ns)
        while more:
            number = self._schedule.take(now_ns)
            if number is None:
                break
            unit = self._units[number]
            self._begin_due(unit, now_ns)
            if unit.health.down or unit.proof.wanted or not unit.trusted:
                self._schedule.put_first(number, unit.ready_ns, unit.deadline_ns)
                break
            for other in served:
                again_ns, deadline_ns = self._units[other].next_cycle_ns
                if deadline_ns < unit.deadline_ns:
                    series.end_ns = min(series.end_ns, again_ns)
            served.append(number)
            more = self._reader.gather(series, unit, now_ns)
        there = not series.turns or self._reader.run(exchange, series)
        self._conclude(served, there, series.unfinished)

    def _conclude(
        self, served: list[int], there: bool, unfinished: Container[Unit] = ()
    ) -> None:
        """Schedule again who was *served*, before all others who is *unfinished*."""
        exchange = self._port.exchange
        if not there:
            self._lose(monotonic_ns())
            for number in served:
                self._reader.skip(self._units[number])
        elif self._port_lost and exchange is not None and exchange.heard_ns:
            # Some connect, and are gone again before anything was heard.
            self._port_lost = False
            self._notices.say("port-back", "", "port is back")
        first = []
        for number in served:
            unit = self._units[number]
            if unit in unfinished and unit.pending:
                first.append(number)
            else:
                self._put(number)
        for number in reversed(first):
            unit = self._units[number]
            self._schedule.put_first(number, self._release_ns(unit), unit.deadline_ns)

    def _put(self, number: int) -> None:
        unit = self._units[number]
        deadline_ns = unit.deadline_ns if unit.pending else unit.next_cycle_ns[1]
        self._schedule.put(number, self._release_ns(unit), deadline_ns)

    def _begin_due(self, unit: Unit, now_ns: int) -> None:
        """Begin the next cycle of *unit* if it is due and the last one is over."""
        if unit.pending or unit.periods.next_ns > now_ns:
            return
        skipped = unit.periods.skipped
        self._lateness_ns = unit.begin_cycle(now_ns)
        self._recent_lateness.note(now_ns, self._lateness_ns)
        if unit.periods.skipped == skipped:
            if self._late_cycles >= _OVERLOADED_AFTER:
                self._notices.ended("", "overload")
            self._late_cycles = 0
            return
        self._late_cycles += 1
        if self._late_cycles == _OVERLOADED_AFTER:
            self._notices.trouble(
                "overload",
                "",
                f"bus {self._bus_id}: cannot keep the periods of all meters; each is "
                "read less often",
                "overload",
            )

    def _wait(self, now_ns: int) -> None:
        wake_ns = self._schedule.next_release_ns
        if self._port.exchange is None:
            wake_ns = min(wake_ns, self._port.retry_ns)
        if wake_ns > now_ns:
            self._waits += 1
            self._stopping.wait((wake_ns - now_ns) / 1e9)

    def _release_ns(self, unit: Unit) -> int:
        """When *unit* is to be served next."""
        if self._port.exchange is None:
            return unit.periods.next_ns
        if unit.health.down:
            return min(unit.periods.next_ns, self._probe_ns(unit))
        if unit.pending:
            return unit.ready_ns
        return max(unit.periods.next_ns, unit.ready_ns)

    def _probe_ns(self, unit: Unit) -> int:
        """When the next probe of *unit*, which is down, is worth its time."""
        probe_ns = max(unit.health.next_probe_ns, unit.ready_ns)
        if all(other.health.down for other in self._units):
            return probe_ns  # there is nobody to wait for it
        return max(probe_ns, self._budget.free_ns)

    def _open(self, now_ns: int) -> None:
        try:
            self._port.open(now_ns)
        except LineError as error:
            self._tell_lost(str(error))
            return
        if self._port_lost:
            self._read_anew(now_ns)

    def _read_anew(self, now_ns: int) -> None:
        """Make everything due: nobody knows what hangs on the line by now."""
        self._schedule = Schedule()
        for number, unit in enumerate(self._units):
            unit.came_back(now_ns)
            self._put(number)

    def _lose(self, now_ns: int) -> None:
        self._tell_lost(f"port is gone: {self._port.lose(now_ns)}")

    def _tell_lost(self, text: str) -> None:
        if not self._port_lost:
            self._port_lost = True
            self._notices.say("port-lost", "", text)
