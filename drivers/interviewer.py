"""Asking units who they are before their readings are trusted."""

from time import monotonic_ns

from zerometer.core._frame import exception_code
from zerometer.drivers import faults
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.failures import Failures
from zerometer.drivers.handover import Handover
from zerometer.drivers.interview import Findings, Interview
from zerometer.drivers.lines.line import Master
from zerometer.drivers.outcome import Outcome
from zerometer.drivers.questions import REFUSED, prepared
from zerometer.drivers.unit import Unit


class Interviewer:
    """Holds the interviews of a bus, one question in each turn."""

    def __init__(self, handover: Handover, failures: Failures) -> None:
        self._handover = handover
        self._failures = failures

    def meet(self, exchange: Master, unit: Unit, interview: Interview) -> bool:
        """Ask *unit*, which is not trusted, the next question of its *interview*.

        Return False if that lost the port.
        """
        if monotonic_ns() < interview.again_ns:
            self._handover.skip(unit)
            return True
        transaction = _request(unit, interview)
        exchange.run([transaction])
        outcome = self._failures.settled(exchange, unit, transaction)
        if outcome == Outcome.GOOD:
            self._handover.answered(unit)
            unit.reads.granted_requests.add(transaction.request)
            interview.answer(transaction.data())
        elif outcome == Outcome.EXCEPTION:
            self._handover.answered(unit)
            self._not_told(unit, interview, transaction)
        elif outcome == Outcome.TIMEOUT:
            unit.proof.failed()
            if interview.silence():
                self._handover.cycle_failed(unit)
        elif outcome != Outcome.LOST:
            self._handover.cycle_failed(unit)
        if interview.findings:
            self._met(unit, interview, interview.findings)
        return outcome != Outcome.LOST

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
        self._handover.trouble("exception", unit, text)
        self._handover.skip(unit)

    def _met(self, unit: Unit, interview: Interview, findings: Findings) -> None:
        """Tell what came of an interview, and trust the unit if it is the right one."""
        for kind, detail, text in findings.troubles():
            if text:
                self._handover.trouble(kind, unit, text, detail)
            elif self._handover.stands(unit):
                self._handover.ended(unit, detail)
        if findings.happened:
            self._handover.say("identity", unit, findings.happened)
            unit.replaced()
        if not findings.trusted:
            interview.postpone(monotonic_ns())
            self._handover.skip(unit)
            return
        unit.met(findings, monotonic_ns())
        if findings.absent:
            self._handover.deliver(unit.reads.absence(self._handover.boot_ns()))


def _request(unit: Unit, interview: Interview) -> Transaction:
    """Return what asks the next question; who doubts asks at the same place.

    Or else where its points are, if that is known already.
    """
    reads = prepared(interview.question, unit.number, unit.line)
    points = () if unit.plan.map.sunspec else unit.pending
    unit.proof.anchor([*reads, *points])
    transaction = reads[0].transaction
    transaction.expect(unit.turnaround.look_ns, unit.turnaround.timeout_ns)
    return transaction
