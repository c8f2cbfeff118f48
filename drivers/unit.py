"""One meter as its bus loop sees it: what is due, what is pending, what is known."""

from collections import deque
from collections.abc import Callable

from zerometer.core.points import LineSettings, Reading
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.allowance import Allowance
from zerometer.drivers.health import Health
from zerometer.drivers.interview import Findings, Interview
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.proof import Proof
from zerometer.drivers.schedule import Periods
from zerometer.drivers.silences import Silences
from zerometer.drivers.statistics import Tally
from zerometer.drivers.turnaround import Turnaround
from zerometer.drivers.twins import Track
from zerometer.drivers.unit_plan import UnitPlan
from zerometer.drivers.unit_reads import UnitReads

_NOTHING = UnitMemory()

#: A read request: unit, function, address, count, CRC.
_REQUEST_BYTES = 8


class Unit:
    """The state of one meter on one bus; used by the bus's thread only."""

    def __init__(  # noqa: PLR0917
        self,
        plan: UnitPlan,
        line: LineSettings,
        timeout_ns: int,
        start_ns: int,
        random: Callable[[], float],
        memory: UnitMemory = _NOTHING,
    ) -> None:
        self.plan = plan
        self.meter = plan.meter
        self.number = plan.unit
        limits = memory.within(plan.map.limits)
        self.min_delay_ns = limits.min_delay_ms * 1_000_000
        self.connect_delay_ns = limits.connect_delay_ms * 1_000_000
        if limits.timeout_ms is not None:
            timeout_ns = limits.timeout_ms * 1_000_000
        self.line = line
        self.turnaround = Turnaround(
            line.character_ns, timeout_ns, memory.turnaround_ns
        )
        self.health = Health(random)
        self.tally = Tally()
        self.proof = Proof(self.number, limits)
        self.allowance = Allowance()
        self.silences = Silences()
        self.reads = UnitReads(
            plan, line, memory, random, self.turnaround.filtered_ns, start_ns
        )
        self.periods = Periods(self.reads.periods_ns, start_ns)
        #: Reads of the running cycle that are still to be done.
        self.pending: deque[PreparedRead] = deque()
        #: Whether the unit said anything in the running cycle.
        self.answered_in_cycle = False
        #: From when on the unit may be asked again, and by when the running cycle
        #: should be over.
        self.ready_ns = self.deadline_ns = start_ns
        self._ratios_again = False
        #: Whether a failed read may be repeated at once: the unit has answered since.
        self._may_retry = False
        #: What it is asked before it is trusted; None of meters that tell nothing.
        self.interview: Interview | None = None
        if Interview.wanted(plan.map):
            self.interview = Interview(
                plan.map, self.reads.points, plan.serial, known=memory.serial
            )
        self.trusted = self.interview is None
        self._track_one()

    def begin_cycle(self, now_ns: int) -> int:
        """Make what is due pending; return by how many ns that is too late."""
        due_ns = self.periods.next_ns
        self.deadline_ns = self.periods.urgency_ns
        self.answered_in_cycle = False
        due = self.periods.collect(now_ns)
        if self._ratios_again:
            # Their own period is long, and what they multiply is missing meanwhile.
            due = tuple(sorted({*due, *self.reads.with_ratios}))
            self._ratios_again = False
        reads = self.reads.due(due, self.turnaround.filtered_ns)
        self.pending.extend(reads)
        if reads and self.trusted:
            self.proof.anchor(reads)
        self.tally.lateness_ns = now_ns - due_ns
        return now_ns - due_ns

    @property
    def next_cycle_ns(self) -> tuple[int, int]:
        """When the next cycle is due, and by when it should be over."""
        due_ns = self.periods.next_ns
        return due_ns, self.periods.urgency_ns

    @property
    def failing(self) -> bool:
        """Whether the unit is down, or has not answered what it was asked last."""
        return self.health.down or self.proof.wanted

    @property
    def searching(self) -> bool:
        """Whether it is asked where it has something: silence is no fault then."""
        interview = self.interview
        return bool(interview and not self.trusted and interview.question.elsewhere)

    def replied(self, transaction: Transaction) -> None:
        """Note the end of a *transaction* that is good."""
        # A gateway that was held up by another unit answers later than this one.
        if transaction.latency_ns <= transaction.timeout_ns:
            self.turnaround.replied(transaction.latency_ns, transaction.overslept)
        bytes_ns = (_REQUEST_BYTES + transaction.received) * self.line.character_ns
        self.tally.replied(transaction.end_ns, transaction.latency_ns + bytes_ns)
        self.ready_ns = transaction.done_ns + self.min_delay_ns

    def read_well(self, read: PreparedRead) -> None:
        """Note that *read* was answered."""
        self._may_retry = True
        read.retried = False
        read.health.answered()
        self.silences.answered(read)
        self.reads.answered(read)
        if not read.granted:
            self.pending.extend(self.reads.granted(read))

    def refused(self, read: PreparedRead) -> bool:
        """Learn that *read* is refused; return whether anything is asked instead.

        What it is made of is then pending; a single point is retired.
        """
        pieces = self.reads.refused(read)
        self.pending.extendleft(reversed(pieces))
        return bool(pieces) or read.question

    def proved(self, now_ns: int) -> None:
        """Note that the unit is there and owes nothing: learn from its silences."""
        self.proof.settle()
        for read in self.silences.settle():
            if read.health.down:
                continue
            if read.granted or len(read.block.points) < 2:
                read.health.trip(now_ns)
                continue
            if read in self.pending:
                self.pending.remove(read)
            self.refused(read)

    def retry(self, read: PreparedRead) -> bool:
        """Return whether *read*, which failed, is pending again, after all others.

        Once in a cycle, and only at a unit that gave a good answer since the last
        time: one that fails again and again must not take twice the time for it.
        """
        if read.retried or not self._may_retry or read.health.down or read.question:
            return False
        self._may_retry = False
        read.retried = True
        self.tally.retries += 1
        self.pending.append(read)
        return True

    def update_ratios(self, reading: Reading) -> None:
        """Take over the ratios in *reading*; later readings are multiplied by them."""
        if self.reads.ratios.update(reading.points, reading.values):
            self.reads.apply_ratios(self.pending)

    def cycle_failed(self) -> None:
        """Ask for ratios again in the next cycle, unless all were told already."""
        self._ratios_again = self.reads.ratios.unread

    def came_back(self, now_ns: int) -> None:
        """Read everything anew: while it was away, the meter may have been changed."""
        self.pending.clear()
        self.reads.came_back()
        self.reads.apply_ratios(self.pending)
        self.track.absent()
        if self.interview:
            self.trusted = False
            self.interview.again_ns = now_ns
            self.interview.restart()
        self.periods.hasten(now_ns)

    def replaced(self) -> None:
        """Forget what was learnt: another meter answers."""
        self.pending.clear()
        self.silences = Silences()
        self.reads.forget()

    def met(self, findings: Findings, now_ns: int) -> None:
        """Trust the meter, and read its points where they were found."""
        self.trusted = True
        if self.reads.move(findings.points, findings.absent):
            self._track_one()
            self.pending.clear()
            self.periods.hasten(now_ns)

    @property
    def tracked_name(self) -> str:
        """The name of the counter that is followed."""
        return self.reads.points[self.reads.tracked].name

    def _track_one(self) -> None:
        """Follow one of the counters."""
        point = self.reads.points[self.reads.tracked]
        self.track = Track(None if point.times else point.modulus)
