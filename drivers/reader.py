"""Asking units: what becomes of the answers, or of their absence."""

from collections.abc import Callable
from time import monotonic_ns

from zerometer.core._frame import exception_code, expected_length
from zerometer.core.points import Quality, Reading
from zerometer.drivers import faults
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.faults import FaultKind
from zerometer.drivers.health import ProbeBudget
from zerometer.drivers.interview import Findings, Interview
from zerometer.drivers.line import Master
from zerometer.drivers.notices import Notices
from zerometer.drivers.outcome import Outcome
from zerometer.drivers.port import Port
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.questions import REFUSED
from zerometer.drivers.series import Series
from zerometer.drivers.twins import ABSENCE, TWINS
from zerometer.drivers.unit import Unit


class Reader:
    """Runs the transactions of a bus: series of reads, and single probes."""

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

    def probe(self, exchange: Master, unit: Unit) -> bool:
        """Probe *unit*, which is down; return False if that lost the port."""
        start_ns = monotonic_ns()
        outcome = self._probe(exchange, unit, unit.proof.probe())
        now_ns = monotonic_ns()
        self._budget.charge(now_ns, now_ns - start_ns)
        return outcome != Outcome.LOST

    def prove(self, exchange: Master, unit: Unit) -> bool:
        """Let *unit* prove that it owes nothing; return False if the port was lost."""
        request = unit.proof.request()
        if request:
            return self._probe(exchange, unit, request) != Outcome.LOST
        unit.proof.settle()
        return True

    def meet(self, exchange: Master, unit: Unit, interview: Interview) -> bool:
        """Ask *unit*, which is not trusted, the next question of its *interview*.

        Return False if that lost the port.
        """
        if monotonic_ns() < interview.again_ns:
            self.skip(unit)
            return True
        transaction = unit.ask(interview.question)
        exchange.run([transaction])
        outcome = self._settled(exchange, unit, transaction)
        if outcome == Outcome.GOOD:
            self._answered(unit)
            interview.answer(transaction.data())
        elif outcome == Outcome.EXCEPTION:
            self._answered(unit)
            self._not_told(unit, interview, transaction)
        elif outcome != Outcome.LOST and unit.searching:
            unit.proof.failed()
            interview.answer(None)
            if interview.unanswered:
                self._cycle_failed(unit, monotonic_ns())
        elif outcome != Outcome.LOST:
            self._cycle_failed(unit, monotonic_ns())
        if interview.findings:
            self._met(unit, interview, interview.findings)
        return outcome != Outcome.LOST

    def gather(self, series: Series, unit: Unit, now_ns: int) -> bool:
        """Move what is pending at *unit* to *series*; return whether more may follow.

        Reads that are down are left out, but for a probe, which goes alone. Others
        may depend on ratios: these end the series. A unit that needs a pause gets
        one read.
        """
        pending = unit.pending
        while pending:
            read = pending[0]
            if read.health.down:
                if now_ns < max(read.health.next_probe_ns, self._budget.free_ns):
                    pending.popleft()
                    self._deliver(read.missing(unit.meter, self._boot_ns()))
                    continue
                if series.turns:
                    return False
            if not series.add(unit, read):
                return False
            pending.popleft()
            if read.has_ratios or read.health.down:
                return False
            if unit.min_delay_ns:
                return True
        return True

    def run(self, exchange: Master, series: Series) -> bool:
        """Run *series* up to the first failure; return False if it lost the port.

        What is behind a failure is pending again, first of all at its unit.
        """
        start_ns = monotonic_ns()
        series.give_back(exchange.run(series.transactions))
        for unit, read in series.turns:
            outcome = read.transaction.outcome
            if outcome == Outcome.GOOD:
                self._good(unit, read)
                if self._notices.stands(unit.meter):
                    self._notices.ended(unit.meter, faults.requested(read.request))
                    if not unit.pending and series.last_of(unit) is read:
                        self._notices.ended(unit.meter)
            elif not self._failed(exchange, unit, read, start_ns):
                return False
        return True

    def skip(self, unit: Unit) -> None:
        """Hand on that what is pending at *unit* is missing."""
        time_ns = self._boot_ns()
        while unit.pending:
            self._deliver(unit.pending.popleft().missing(unit.meter, time_ns))

    def _deliver(self, reading: Reading) -> None:
        self.readings += 1
        self._deliver_to(reading)

    def _good(self, unit: Unit, read: PreparedRead) -> None:
        unit.replied(read.transaction)
        reading = read.reading(unit.meter)
        if read.has_ratios:
            self._ratios_read(unit, reading)
        self._deliver(reading)
        if read.tracked >= 0 and reading.qualities[read.tracked] == Quality.MEASURED:
            value = reading.values[read.tracked]
            if not unit.track.passes(value):
                self._doubt(unit, value)
        read.health.answered()
        if unit.retired:
            unit.retired -= {*read.block.points}
        self._answered(unit)

    def _failed(
        self, exchange: Master, unit: Unit, read: PreparedRead, start_ns: int
    ) -> bool:
        outcome = self._settled(exchange, unit, read.transaction)
        if outcome == Outcome.EXCEPTION:
            self._answered(unit)
            self._refused(unit, read)
            return True
        self._deliver(read.missing(unit.meter, read.transaction.end_ns))
        if outcome == Outcome.LOST:
            return False
        now_ns = monotonic_ns()
        if read.health.down:
            self._budget.charge(now_ns, now_ns - start_ns)
        read.health.failed(now_ns)
        self._cycle_failed(unit, now_ns)
        return True

    def _ratios_read(self, unit: Unit, reading: Reading) -> None:
        unit.update_ratios(reading)
        unknown = unit.ratios.unknown(reading.points)
        for name in (unit.points[index].name for index in reading.points):
            if name not in unknown:
                self._notices.ended(unit.meter, name)
                continue
            text = f"ratio {name} is no positive number: what it multiplies is missing"
            self._notices.trouble("ratio", unit.meter, self._about(unit, text), name)

    def _not_told(
        self, unit: Unit, interview: Interview, transaction: Transaction
    ) -> None:
        """Take an exception for an answer, unless it asks for patience."""
        code = exception_code(transaction.reply())
        unit.tally.error("exception")
        if code not in faults.LATER:
            interview.answer(REFUSED)
            return
        text = faults.refusal(transaction.request, code)
        self._notices.trouble("exception", unit.meter, self._about(unit, text))
        self.skip(unit)

    def _met(self, unit: Unit, interview: Interview, findings: Findings) -> None:
        """Tell what came of an interview, and trust the unit if it is the right one."""
        for kind, detail, text in findings.troubles():
            if text:
                said = self._about(unit, text)
                self._notices.trouble(kind, unit.meter, said, detail)
            elif self._notices.stands(unit.meter):
                self._notices.ended(unit.meter, detail)
        if findings.happened:
            text = self._about(unit, findings.happened)
            self._notices.say("identity", unit.meter, text)
        if not findings.trusted:
            interview.postpone(monotonic_ns())
            self.skip(unit)
            return
        unit.met(findings, monotonic_ns())
        if findings.absent:
            self._deliver(unit.absent(self._boot_ns()))

    def _doubt(self, unit: Unit, value: float) -> None:
        """Tell what is odd about the *value* of the counter that is followed."""
        track, name = unit.track, unit.tracked_name
        before = track.fell_from(value)
        if before is not None:
            text = ABSENCE.format(name, before, value)
            self._notices.say("identity", unit.meter, self._about(unit, text))
        track.take(value)
        if track.twins:
            text = self._about(unit, TWINS.format(name))
            self._notices.trouble("twins", unit.meter, text, name)
        elif self._notices.stands(unit.meter):
            self._notices.ended(unit.meter, name)

    def _refused(self, unit: Unit, read: PreparedRead) -> None:
        """Do without what the unit has not: read around it from now on."""
        code = exception_code(read.transaction.reply())
        unit.tally.error("exception")
        if code in faults.REFUSALS and unit.split(read):
            return
        if code in faults.REFUSALS:
            unit.retired |= {*read.block.points}
        read.health.failed(monotonic_ns())
        self._notices.trouble(
            "exception",
            unit.meter,
            self._about(unit, faults.refusal(read.request, code)),
            faults.requested(read.request),
        )
        self._deliver(read.missing(unit.meter, read.transaction.end_ns))

    def _probe(self, exchange: Master, unit: Unit, request: bytes) -> int:
        """Find out whether *unit* is there and owes nothing."""
        transaction = Transaction(request)
        turnaround = unit.turnaround
        transaction.expect(turnaround.look_ns, turnaround.timeout_ns)
        exchange.run([transaction])
        outcome = self._settled(exchange, unit, transaction)
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

    def _settled(self, exchange: Master, unit: Unit, transaction: Transaction) -> int:
        """Return the Outcome of *transaction*; afterwards the line is quiet."""
        outcome = transaction.outcome
        if outcome == Outcome.GOOD:
            unit.replied(transaction)
            return outcome
        if outcome == Outcome.LOST:
            unit.tally.error("lost")
        elif outcome != Outcome.EXCEPTION:
            outcome = self._fault(exchange, unit, transaction)
        unit.ready_ns = monotonic_ns() + unit.min_delay_ns
        return outcome

    def _fault(self, exchange: Master, unit: Unit, failed: Transaction) -> int:
        """Count and report what went wrong, and wait until nothing comes any more."""
        request = failed.request
        outcome = failed.outcome
        expected = expected_length(request)
        kind: FaultKind = "garbage"
        if outcome == Outcome.TIMEOUT:
            kind = "timeout"
            text = faults.silence(request, failed.reply(), unit.turnaround.timeout_ns)
            unit.turnaround.timed_out()
        else:
            if outcome == Outcome.COLLISION:
                kind = "echo"
            elif outcome == Outcome.WRONG_COUNT and unit.proof.owes(failed.received):
                kind = "late"
            text = faults.garbage(outcome, request, failed.reply(), expected)
        unit.tally.error(faults.counted(outcome) if kind == "garbage" else kind)
        if not unit.searching:
            self._notices.trouble(kind, unit.meter, self._about(unit, text))
        # A whole reply that was corrupted is still the reply: nothing is owed.
        corrupted = outcome == Outcome.WRONG_CRC and failed.received == expected
        if not corrupted and not exchange.pairs_replies:
            unit.proof.owe(request)
        there, late_ns = self._port.drain(exchange, failed, corrupted)
        if late_ns and kind == "timeout":
            unit.turnaround.was_late(late_ns)
            text = faults.lateness(late_ns, unit.turnaround.cap_ns)
            self._notices.trouble("late", unit.meter, self._about(unit, text))
        return outcome if there else Outcome.LOST

    def _about(self, unit: Unit, text: str) -> str:
        return f"bus {self._bus_id}, meter {unit.meter} (unit {unit.number}): {text}"
