"""Asking one unit one thing: what becomes of the answer, or of its absence."""

from collections.abc import Callable
from time import monotonic_ns

from zerometer.core._frame import exception_code, expected_length
from zerometer.core.points import Reading
from zerometer.drivers import faults
from zerometer.drivers._exchange import Exchange
from zerometer.drivers.faults import FaultKind
from zerometer.drivers.health import ProbeBudget
from zerometer.drivers.notices import Notices
from zerometer.drivers.outcome import Outcome
from zerometer.drivers.port import Port
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.unit import Unit


class Reader:
    """Runs the transactions of a bus, one for each call of ``serve``."""

    def __init__(
        self,
        *,
        bus_id: str,
        port: Port,
        budget: ProbeBudget,
        notices: Notices,
        deliver: Callable[[Reading], None],
        boot_ns: Callable[[], int],
    ) -> None:
        self._bus_id = bus_id
        self._port = port
        self._budget = budget
        self._notices = notices
        self._deliver_to = deliver
        self._boot_ns = boot_ns
        #: Readings that were handed on.
        self.readings = 0

    def serve(self, exchange: Exchange, unit: Unit, now_ns: int) -> bool:
        """Run the next transaction of *unit*; return False if it lost the port.

        Its cycle must have been begun, unless it is down and due for a probe.
        """
        if unit.health.down:
            outcome = self._probe(exchange, unit, unit.proof.probe())
            now_ns, start_ns = monotonic_ns(), now_ns
            self._budget.charge(now_ns, now_ns - start_ns)
            return outcome != Outcome.LOST
        if unit.proof.wanted:
            request = unit.proof.request()
            if request:
                return self._probe(exchange, unit, request) != Outcome.LOST
            unit.proof.settle()
        read = self._next(unit, now_ns)
        return read is None or self._read(exchange, unit, read, now_ns)

    def skip(self, unit: Unit) -> None:
        """Hand on that what is pending at *unit* is missing."""
        time_ns = self._boot_ns()
        while unit.pending:
            self._deliver(unit.pending.popleft().missing(unit.meter, time_ns))

    def _deliver(self, reading: Reading) -> None:
        self.readings += 1
        self._deliver_to(reading)

    def _next(self, unit: Unit, now_ns: int) -> PreparedRead | None:
        """Take the next pending read, leaving out those that are down."""
        while unit.pending:
            read = unit.pending.popleft()
            health = read.health
            if not health.down or now_ns >= max(
                health.next_probe_ns, self._budget.free_ns
            ):
                return read
            self._deliver(read.missing(unit.meter, self._boot_ns()))
        return None

    def _read(
        self, exchange: Exchange, unit: Unit, read: PreparedRead, start_ns: int
    ) -> bool:
        outcome = self._ask(exchange, unit, read.request)
        if outcome == Outcome.GOOD:
            self._good(exchange, unit, read)
            return True
        if outcome == Outcome.EXCEPTION:
            self._answered(unit)
            self._refused(exchange, unit, read)
            return True
        self._deliver(read.missing(unit.meter, exchange.end_ns))
        if outcome == Outcome.LOST:
            return False
        now_ns = monotonic_ns()
        if read.health.down:
            self._budget.charge(now_ns, now_ns - start_ns)
        read.health.failed(now_ns)
        self._cycle_failed(unit, now_ns)
        return True

    def _good(self, exchange: Exchange, unit: Unit, read: PreparedRead) -> None:
        reading = read.reading(unit.meter, exchange.end_ns, exchange.data())
        if read.has_ratios:
            self._ratios_read(unit, reading)
        self._deliver(reading)
        read.health.answered()
        self._answered(unit)
        if self._notices.stands(unit.meter):
            self._notices.ended(unit.meter, faults.requested(read.request))
            if not unit.pending:
                self._notices.ended(unit.meter)

    def _ratios_read(self, unit: Unit, reading: Reading) -> None:
        unit.update_ratios(reading)
        unknown = unit.ratios.unknown(reading.points)
        for name in (unit.points[index].name for index in reading.points):
            if name not in unknown:
                self._notices.ended(unit.meter, name)
                continue
            text = f"ratio {name} is no positive number: what it multiplies is missing"
            self._notices.trouble("ratio", unit.meter, self._about(unit, text), name)

    def _refused(self, exchange: Exchange, unit: Unit, read: PreparedRead) -> None:
        """Do without what the unit has not: read around it from now on."""
        code = exception_code(exchange.reply())
        unit.tally.error("exception")
        if code in faults.REFUSALS and unit.split(read):
            return
        read.health.failed(monotonic_ns())
        self._notices.trouble(
            "exception",
            unit.meter,
            self._about(unit, faults.refusal(read.request, code)),
            faults.requested(read.request),
        )
        self._deliver(read.missing(unit.meter, exchange.end_ns))

    def _probe(self, exchange: Exchange, unit: Unit, request: bytes) -> int:
        """Find out whether *unit* is there and owes nothing."""
        outcome = self._ask(exchange, unit, request)
        if outcome == Outcome.GOOD:
            unit.proof.settle()
            self._answered(unit)
        elif outcome == Outcome.EXCEPTION:
            unit.proof.refused(request)
            self._answered(unit)
        elif outcome != Outcome.LOST:
            unit.proof.failed()
            self._cycle_failed(unit, monotonic_ns())
        return outcome

    def _answered(self, unit: Unit) -> None:
        unit.answered_in_cycle = True
        if unit.health.answered():
            unit.came_back(monotonic_ns())
            self._notices.say("up", unit.meter, self._about(unit, "answers again"))

    def _cycle_failed(self, unit: Unit, now_ns: int) -> None:
        unit.cycle_failed()
        self.skip(unit)
        if unit.answered_in_cycle or not unit.health.failed(now_ns):
            return
        text = "does not answer any more; probed now and then until it does"
        self._notices.say("down", unit.meter, self._about(unit, text))

    def _ask(self, exchange: Exchange, unit: Unit, request: bytes) -> int:
        """Run one transaction and return its Outcome; afterwards the line is quiet."""
        turnaround = unit.turnaround
        outcome = self._port.run(
            exchange, request, turnaround.look_ns, turnaround.timeout_ns
        )
        if outcome == Outcome.GOOD:
            turnaround.replied(exchange.latency_ns, exchange.overslept)
            unit.tally.good += 1
            unit.tally.last_good_ns = exchange.end_ns
        elif outcome == Outcome.LOST:
            unit.tally.error("lost")
        elif outcome != Outcome.EXCEPTION:
            outcome = self._fault(exchange, unit, request, outcome)
        unit.ready_ns = monotonic_ns() + unit.limits.min_delay_ms * 1_000_000
        return outcome

    def _fault(
        self, exchange: Exchange, unit: Unit, request: bytes, outcome: int
    ) -> int:
        """Count and report what went wrong, and wait until nothing comes any more."""
        expected = expected_length(request)
        received = exchange.received
        kind: FaultKind = "garbage"
        if outcome == Outcome.TIMEOUT:
            kind = "timeout"
            text = faults.silence(request, unit.turnaround.timeout_ns)
            unit.turnaround.timed_out()
        else:
            if outcome == Outcome.WRONG_COUNT and unit.proof.owes(received):
                kind = "late"
            text = faults.garbage(outcome, request, exchange.reply(), expected)
        unit.tally.error(kind)
        self._notices.trouble(kind, unit.meter, self._about(unit, text))
        # A whole reply that was corrupted is still the reply: nothing is owed.
        corrupted = outcome == Outcome.WRONG_CRC and received == expected
        if not corrupted:
            unit.proof.owe(request)
        there, late_ns = self._port.drain(exchange, corrupted)
        if late_ns and kind == "timeout":
            unit.turnaround.was_late(late_ns)
            text = faults.lateness(late_ns, unit.turnaround.cap_ns)
            self._notices.trouble("late", unit.meter, self._about(unit, text))
        return outcome if there else Outcome.LOST

    def _about(self, unit: Unit, text: str) -> str:
        return f"bus {self._bus_id}, meter {unit.meter} (unit {unit.number}): {text}"
