"""What becomes of a transaction that failed: counted, reported, waited out."""

from time import monotonic_ns

from zerometer.core._frame import expected_length
from zerometer.drivers import faults
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.faults import FaultKind
from zerometer.drivers.handover import Handover
from zerometer.drivers.lines.line import Master
from zerometer.drivers.outcome import Outcome
from zerometer.drivers.port import Port
from zerometer.drivers.unit import Unit


class Failures:
    """Settles the transactions of one bus, so that the next one may follow."""

    def __init__(self, port: Port, handover: Handover) -> None:
        self._port = port
        self._handover = handover

    def settled(self, exchange: Master, unit: Unit, transaction: Transaction) -> int:
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
        began_ns = monotonic_ns()
        expected = expected_length(failed.request, unit.proof.width)
        kind = self._report(unit, failed, expected)
        # A whole reply that was corrupted is still the reply: nothing is owed.
        corrupted = failed.outcome == Outcome.WRONG_CRC and failed.received == expected
        if not corrupted and not exchange.pairs_replies:
            granted = failed.request in unit.reads.granted_requests
            unit.proof.owe(failed.request, began_ns, granted=granted)
        there, late_ns = self._port.drain(exchange, failed, corrupted)
        if late_ns and kind == "timeout":
            unit.turnaround.was_late(late_ns)
            text = faults.lateness(late_ns, unit.turnaround.cap_ns)
            self._handover.trouble("late", unit, text)
        now_ns = monotonic_ns()
        unit.allowance.waste(now_ns, now_ns - began_ns + failed.latency_ns)
        return failed.outcome if there else Outcome.LOST

    def _report(self, unit: Unit, failed: Transaction, expected: int) -> FaultKind:
        """Count and report the fault; return what kind of fault it is."""
        request, outcome = failed.request, failed.outcome
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
            if unit.tally.noisy:
                text += faults.NOISY
        unit.tally.error(faults.counted(outcome) if kind == "garbage" else kind)
        if not unit.searching:
            self._handover.trouble(kind, unit, text)
        return kind
