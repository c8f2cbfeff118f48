"""Single cheap requests that tell whether a unit is there, and owes nothing."""

from time import monotonic_ns

from zerometer.core._frame import exception_code
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.failures import Failures
from zerometer.drivers.handover import Handover
from zerometer.drivers.health import ProbeBudget
from zerometer.drivers.lines.line import Master
from zerometer.drivers.outcome import Outcome
from zerometer.drivers.unit import Unit


class Prober:
    """Probes the units of one bus that are down, or that may owe replies."""

    def __init__(
        self, handover: Handover, failures: Failures, budget: ProbeBudget
    ) -> None:
        self._handover = handover
        self._failures = failures
        self._budget = budget

    def probe(self, exchange: Master, unit: Unit) -> bool:
        """Probe *unit*, which is down; return False if that lost the port."""
        start_ns = monotonic_ns()
        outcome = self._ask(exchange, unit, unit.proof.probe())
        if unit.health.down:
            now_ns = monotonic_ns()
            self._budget.charge(now_ns, now_ns - start_ns)
        return outcome != Outcome.LOST

    def prove(self, exchange: Master, unit: Unit) -> bool:
        """Let *unit* prove that it owes nothing; return False if the port was lost."""
        now_ns = monotonic_ns()
        request = unit.proof.request()
        if request:
            return self._ask(exchange, unit, request) != Outcome.LOST
        if unit.proof.settle_by_time(now_ns):
            unit.tally.error("unproved")
        else:
            self._handover.skip(unit)
        return True

    def _ask(self, exchange: Master, unit: Unit, request: bytes) -> int:
        """Find out whether *unit* is there and owes nothing."""
        transaction = Transaction(request, unit.proof.width)
        turnaround = unit.turnaround
        transaction.expect(turnaround.look_ns, turnaround.timeout_ns)
        exchange.run([transaction])
        outcome = self._failures.settled(exchange, unit, transaction)
        if outcome in (Outcome.GOOD, Outcome.EXCEPTION):
            self._learn(unit, transaction)
        elif outcome != Outcome.LOST:
            unit.proof.failed()
            self._handover.cycle_failed(unit)
        return outcome

    def _learn(self, unit: Unit, answered: Transaction) -> None:
        """Learn from an answer whether *unit* owes anything."""
        request = answered.request
        unit.proof.answered()
        code = 0
        if answered.outcome == Outcome.GOOD:
            unit.reads.granted_requests.add(request)
        else:
            code = exception_code(answered.reply())
            unit.proof.refused(request)
        if unit.proof.proves(request, code):
            unit.proved(monotonic_ns())
        else:
            unit.proof.owe(request, monotonic_ns())
        self._handover.answered(unit)
        if unit.interview:
            unit.interview.heard = True
