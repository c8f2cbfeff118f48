"""Series of reads: which go together, and what becomes of the answers."""

from time import monotonic_ns

from zerometer.core._frame import exception_code
from zerometer.core.points import Quality, Reading
from zerometer.drivers import faults
from zerometer.drivers.failures import Failures
from zerometer.drivers.handover import Handover
from zerometer.drivers.health import ProbeBudget
from zerometer.drivers.lines.line import Master
from zerometer.drivers.outcome import Outcome
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.ratios import OTHER_RATIO
from zerometer.drivers.series import Series
from zerometer.drivers.twins import ABSENCE, TWINS
from zerometer.drivers.unit import Unit


class Reader:
    """Runs the reads of a bus."""

    def __init__(
        self, handover: Handover, failures: Failures, budget: ProbeBudget
    ) -> None:
        self._handover = handover
        self._failures = failures
        self._budget = budget

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
                    self._handover.missing(unit, read, self._handover.boot_ns())
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
                if self._handover.stands(unit):
                    self._handover.ended(unit, faults.requested(read.request))
                    if not unit.pending and series.last_of(unit) is read:
                        self._handover.ended(unit)
            elif not self._failed(exchange, unit, read, start_ns):
                return False
        return True

    def _good(self, unit: Unit, read: PreparedRead) -> None:
        unit.replied(read.transaction)
        reading = read.reading(unit.meter)
        if read.has_ratios:
            self._ratios_read(unit, reading)
        self._handover.deliver(reading)
        if read.tracked >= 0 and reading.qualities[read.tracked] == Quality.MEASURED:
            value = reading.values[read.tracked]
            if not unit.track.passes(value):
                self._doubt(unit, value)
        unit.read_well(read)
        self._handover.answered(unit)
        if unit.reads.refusals.shortened and not unit.pending:
            self._tell_limit(unit)

    def _failed(
        self, exchange: Master, unit: Unit, read: PreparedRead, start_ns: int
    ) -> bool:
        """Repeat *read* in its cycle, or give both up; False if the port was lost."""
        outcome = self._failures.settled(exchange, unit, read.transaction)
        if outcome == Outcome.EXCEPTION:
            self._handover.answered(unit)
            self._refused(unit, read)
            return True
        end_ns = read.transaction.end_ns
        if outcome == Outcome.LOST:
            self._handover.missing(unit, read, end_ns)
            return False
        if outcome == Outcome.TIMEOUT:
            unit.silences.note(read)
        if unit.retry(read):
            return True
        self._handover.missing(unit, read, end_ns)
        now_ns = monotonic_ns()
        if read.health.down:
            self._budget.charge(now_ns, now_ns - start_ns)
        read.health.failed(now_ns)
        self._handover.cycle_failed(unit)
        return True

    def _ratios_read(self, unit: Unit, reading: Reading) -> None:
        """Multiply by the ratios in *reading* from now on; tell which are none."""
        unit.update_ratios(reading)
        unknown = unit.reads.ratios.unknown(reading.points)
        for name in (unit.reads.points[index].name for index in reading.points):
            if name not in unknown:
                self._handover.ended(unit, name)
                continue
            text = f"ratio {name} is no positive number: what it multiplies is missing"
            self._handover.trouble("ratio", unit, text, name)
        for name, stated in unit.plan.nameplate.items():
            told = unit.reads.ratios.otherwise(name, stated)
            detail = f"nameplate {name}"
            if told is None:
                self._handover.ended(unit, detail)
            else:
                text = OTHER_RATIO.format(name, told, stated)
                self._handover.trouble("ratio", unit, text, detail)

    def _doubt(self, unit: Unit, value: float) -> None:
        """Tell what is odd about the *value* of the counter that is followed."""
        track, name = unit.track, unit.tracked_name
        before = track.fell_from(value)
        if before is not None:
            self._handover.say("identity", unit, ABSENCE.format(name, before, value))
        track.take(value)
        if track.twins:
            self._handover.trouble("twins", unit, TWINS.format(name), name)
        elif self._handover.stands(unit):
            self._handover.ended(unit, name)

    def _refused(self, unit: Unit, read: PreparedRead) -> None:
        """Do without what the unit has not: read around it from now on."""
        code = exception_code(read.transaction.reply())
        unit.tally.error("exception")
        text = faults.refusal(read.request, code)
        now_ns = monotonic_ns()
        if code not in faults.REFUSALS or unit.reads.doubted(read, now_ns):
            read.health.failed(now_ns)
        elif unit.refused(read):
            return
        else:
            read.health.retire(monotonic_ns())
            text += "; not asked for any more, but once a day"
        detail = faults.requested(read.request)
        self._handover.trouble("exception", unit, text, detail)
        self._handover.missing(unit, read, read.transaction.end_ns)

    def _tell_limit(self, unit: Unit) -> None:
        refusals = unit.reads.refusals
        refusals.shortened = False
        limit = refusals.limits.max_registers
        text = f"takes at most {limit} registers in one request; asked for no more"
        self._handover.say("limit", unit, text)
