"""One meter as its bus loop sees it: what is due, what is pending, what is known."""

import math
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from zerometer.core.points import (
    LineSettings,
    MeterMap,
    PolledPoint,
    Quality,
    ReadBlock,
    Reading,
)
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.allowance import Allowance
from zerometer.drivers.cycles import Cycles
from zerometer.drivers.health import Health
from zerometer.drivers.holes import ReadKey, Refusals, key_of
from zerometer.drivers.interview import Findings, Interview
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.proof import Proof
from zerometer.drivers.questions import Question, prepared
from zerometer.drivers.ratios import Ratios
from zerometer.drivers.schedule import Periods
from zerometer.drivers.statistics import Tally, UnitStatistics
from zerometer.drivers.turnaround import Turnaround
from zerometer.drivers.twins import Track, tracked

#: Reads are planned anew when the turnaround is off by this factor from the one they
#: were planned with.
REPLAN_FACTOR = 1.5

#: A read counts as refused, or as down if it was answered once, when it was met with
#: silence so often in a row while shorter ones were answered.
SILENT_REFUSAL = 2

_NOTHING = UnitMemory()

#: A read request: unit, function, address, count, CRC.
_REQUEST_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """What a bus loop needs to know of one meter.

    Ratio points that others name in ``times`` must be among ``points``. ``serial`` is
    the serial number that the meter must have, if it tells one; empty if any will do.
    """

    meter: str
    unit: int
    map: MeterMap
    points: tuple[PolledPoint, ...]
    serial: str = ""


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
        self.meter = plan.meter
        self.number = plan.unit
        self.points = tuple(polled.point for polled in plan.points)
        retired = frozenset(
            index
            for index, point in enumerate(self.points)
            if point.name in memory.retired
        )
        limits = memory.within(plan.map.limits)
        #: What the meter refuses, and the limits of its requests.
        self.refusals = Refusals(self.points, limits, memory.holes, retired)
        self._stated_registers = plan.map.limits.max_registers
        self.min_delay_ns = limits.min_delay_ms * 1_000_000
        self.connect_delay_ns = limits.connect_delay_ms * 1_000_000
        self.ratios = Ratios(plan.meter, self.points)
        own_timeout_ms = limits.timeout_ms
        if own_timeout_ms is not None:
            timeout_ns = own_timeout_ms * 1_000_000
        self.turnaround = Turnaround(
            line.character_ns, timeout_ns, memory.turnaround_ns
        )
        self.health = Health(random)
        self.tally = Tally()
        self.proof = Proof(self.number, limits)
        #: Reads of the running cycle that are still to be done.
        self.pending: deque[PreparedRead] = deque()
        #: Whether the unit said anything in the running cycle.
        self.answered_in_cycle = False
        #: From when on the unit may be asked again, and by when the running cycle
        #: should be over.
        self.ready_ns = self.deadline_ns = start_ns
        self._line = line
        self._random = random
        self._planned_ns = self.turnaround.filtered_ns
        self._requests = Cycles(plan.points, self.ratios, line)
        self._with_ratios = self._requests.with_ratios
        self._ratios_again = False
        self.periods = Periods(self._requests.periods_ns, start_ns)
        self._cycles: dict[tuple[int, ...], tuple[PreparedRead, ...]] = {}
        self._health_of: dict[ReadKey, Health] = {}
        #: What was asked and answered well.
        self.granted_requests: set[bytes] = set()
        self._silences: dict[ReadKey, int] = {}
        #: Reads that were met with silence since the unit proved itself last.
        self._unanswered: list[PreparedRead] = []
        #: Whether a failed read may be repeated at once: the unit has answered since.
        self._trusted = False
        self.allowance = Allowance()
        self._start_ns = start_ns
        #: What it is asked before it is trusted; None of meters that tell nothing.
        self.interview: Interview | None = None
        if Interview.wanted(plan.map):
            self.interview = Interview(
                plan.map, self.points, plan.serial, known=memory.serial
            )
        self.trusted = self.interview is None
        self._polled = plan.points
        self._sunspec = bool(plan.map.sunspec)
        self._absent: frozenset[int] = frozenset()
        self._track_one()

    def begin_cycle(self, now_ns: int) -> int:
        """Make what is due pending; return by how many ns that is too late."""
        due_ns = self.periods.next_ns
        self.deadline_ns = self.periods.urgency_ns
        self.answered_in_cycle = False
        due = self.periods.collect(now_ns)
        if self._ratios_again:
            # Their own period is long, and what they multiply is missing meanwhile.
            due = tuple(sorted({*due, *self._with_ratios}))
            self._ratios_again = False
        reads = self._reads(due)
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

    def replied(self, transaction: Transaction) -> None:
        """Note the end of a *transaction* that is good."""
        self.turnaround.replied(transaction.latency_ns, transaction.overslept)
        bytes_ns = (_REQUEST_BYTES + transaction.received) * self._line.character_ns
        self.tally.replied(transaction.end_ns, transaction.latency_ns + bytes_ns)
        self.ready_ns = transaction.done_ns + self.min_delay_ns

    def read_well(self, read: PreparedRead) -> None:
        """Note that *read* was answered."""
        self._trusted = True
        read.retried = False
        read.health.answered()
        if self._silences:
            self._silences.pop(key_of(read.block), None)
        if not read.granted:
            self._learn(read)

    def _learn(self, read: PreparedRead) -> None:
        """Learn from the first good answer to *read*."""
        before = self.refusals.known
        questions = self.refusals.granted(read.block)
        read.granted = True
        self.granted_requests.add(read.request)
        if self.refusals.known != before:
            self._cycles.clear()
        for block in questions:
            question = self._prepared(block)
            question.question = True
            self.pending.append(question)

    def refused(self, read: PreparedRead) -> bool:
        """Learn that *read* is refused; return whether anything is asked instead.

        What it is made of is then pending; a single point is retired.
        """
        pieces = self.refusals.refused(read.block)
        self._cycles.clear()
        self.pending.extendleft(self._prepared(block) for block in reversed(pieces))
        return bool(pieces) or read.question

    def doubted(self, read: PreparedRead) -> bool:
        """Note that *read* is refused; return whether it was granted before.

        Then it counts as refused only if that happens again.
        """
        before = read.granted
        read.granted = False
        self.granted_requests.discard(read.request)
        return before

    def unanswered(self, read: PreparedRead) -> None:
        """Note that *read* was met with silence."""
        self._unanswered.append(read)

    def proved(self, now_ns: int) -> None:
        """Note that the unit is there and owes nothing: learn from its silences."""
        self.proof.settle()
        for read in self._unanswered:
            key = key_of(read.block)
            self._silences[key] = self._silences.get(key, 0) + 1
            if self._silences[key] < SILENT_REFUSAL or read.health.down:
                continue
            if read.granted or len(read.block.points) < 2:
                read.health.trip(now_ns)
                continue
            if read in self.pending:
                self.pending.remove(read)
            self.refused(read)
        self._unanswered.clear()

    def retry(self, read: PreparedRead) -> bool:
        """Return whether *read*, which failed, is pending again, after all others.

        Once in a cycle, and only at a unit that gave a good answer since the last
        time: one that fails again and again must not take twice the time for it.
        """
        if read.retried or not self._trusted or read.health.down or read.question:
            return False
        self._trusted = False
        read.retried = True
        self.tally.retries += 1
        self.pending.append(read)
        return True

    @property
    def failing(self) -> bool:
        """Whether the unit is down, or has not answered what it was asked last."""
        return self.health.down or self.proof.wanted

    def memory(self) -> UnitMemory:
        """Return what was learnt."""
        limit = self.refusals.limits.max_registers
        return UnitMemory(
            turnaround_ns=self.turnaround.known_ns,
            max_registers=limit if limit < self._stated_registers else 0,
            holes=self.refusals.holes,
            retired=self._names(self.refusals.retired),
            serial=self.interview.serial if self.interview else "",
        )

    def _names(self, indices: frozenset[int]) -> tuple[str, ...]:
        return tuple(self.points[index].name for index in sorted(indices))

    def update_ratios(self, reading: Reading) -> None:
        """Take over the ratios in *reading*; later readings are multiplied by them."""
        if self.ratios.update(reading.points, reading.values):
            self._apply_ratios()

    def cycle_failed(self) -> None:
        """Ask for ratios again in the next cycle, unless all were told already."""
        self._ratios_again = self.ratios.unread

    def came_back(self, now_ns: int) -> None:
        """Read everything anew: while it was away, the meter may have been changed."""
        self.pending.clear()
        self.ratios.forget()
        self._apply_ratios()
        for health in self._health_of.values():
            health.answered()
        self.track.absent()
        if self.interview:
            self.trusted = False
            self.interview.again_ns = now_ns
            self.interview.restart()
        self.periods.hasten(now_ns)

    @property
    def searching(self) -> bool:
        """Whether it is asked where it has something: silence is no fault then."""
        interview = self.interview
        return bool(interview and not self.trusted and interview.question.elsewhere)

    def ask(self, question: Question) -> Transaction:
        """Return what asks *question*; who doubts asks at the same place.

        Or else where its points are, if that is known already.
        """
        reads = prepared(question, self.number, self._line)
        points = () if self._sunspec else self.pending
        self.proof.anchor([*reads, *points])
        transaction = reads[0].transaction
        transaction.expect(self.turnaround.look_ns, self.turnaround.timeout_ns)
        return transaction

    def met(self, findings: Findings, now_ns: int) -> None:
        """Trust the meter, and read its points where they were found."""
        self.trusted = True
        if (findings.points, findings.absent) == (self.points, self._absent):
            return
        self.points, self._absent = findings.points, findings.absent
        self.refusals.move(self.points)
        self.ratios = Ratios(self.meter, self.points)
        polled = [
            replace(polled, point=point)
            for polled, point in zip(self._polled, self.points, strict=True)
        ]
        self._requests = Cycles(polled, self.ratios, self._line, self._absent)
        self._with_ratios = self._requests.with_ratios
        self._cycles.clear()
        self._track_one()
        self.pending.clear()
        self.periods.hasten(now_ns)

    def absent(self, time_ns: int) -> Reading:
        """Return the reading that says that points are missing for good."""
        indices = tuple(sorted(self._absent))
        return Reading(
            meter=self.meter,
            time_ns=time_ns,
            points=indices,
            values=array("d", [math.nan]) * len(indices),
            qualities=bytes([Quality.MISSING]) * len(indices),
        )

    @property
    def tracked_name(self) -> str:
        """The name of the counter that is followed."""
        return self.points[self._tracked].name

    def _track_one(self) -> None:
        """Follow one of the counters."""
        self._tracked = tracked(self.points, self._absent)
        point = self.points[self._tracked]
        self.track = Track(None if point.times else point.modulus)

    def statistics(self) -> UnitStatistics:
        """Return what was counted so far."""
        return UnitStatistics(
            meter=self.meter,
            unit=self.number,
            trusted=self.trusted,
            serial=self.interview.serial if self.interview else "",
            good=self.tally.good,
            errors=dict(self.tally.errors),
            last_good_ns=self.tally.last_good_ns,
            turnaround_ns=self.turnaround.filtered_ns,
            latency_ns=self.tally.latency_ns,
            timeout_ns=self.turnaround.timeout_ns,
            lateness_ns=self.tally.lateness_ns,
            skipped=self.periods.skipped,
            retries=self.tally.retries,
            retired=self._names(self.refusals.retired | self._absent),
            reads=max(map(len, tuple(self._cycles.values())), default=0),
            max_registers=self.refusals.limits.max_registers,
            down=self.health.down,
        )

    def _apply_ratios(self) -> None:
        for cycle in (*self._cycles.values(), self.pending):
            for read in cycle:
                read.apply(self.ratios)

    def _reads(self, groups: tuple[int, ...]) -> tuple[PreparedRead, ...]:
        """Return the requests that read *groups*, those for ratios first."""
        actual_ns, planned_ns = self.turnaround.filtered_ns, self._planned_ns
        if max(actual_ns, planned_ns) > REPLAN_FACTOR * min(actual_ns, planned_ns):
            self._planned_ns = actual_ns
            self._cycles.clear()
        cycle = self._cycles.get(groups)
        if cycle is None:
            blocks = self._requests.blocks(
                groups,
                self.refusals.limits,
                self._planned_ns,
                self.refusals.holes,
                self.refusals.retired,
            )
            cycle = self._cycles[groups] = tuple(map(self._prepared, blocks))
        return cycle

    def _prepared(self, block: ReadBlock) -> PreparedRead:
        health = self._health_of.get(key_of(block))
        if health is None:
            health = self._health_of[key_of(block)] = Health(self._random)
            if self.refusals.retired.issuperset(block.points):
                health.retire(self._start_ns)
        read = PreparedRead(
            self.number, block, self.points, self.ratios, health, self._line
        )
        read.granted = read.request in self.granted_requests
        if self._tracked in block.points:
            read.tracked = block.points.index(self._tracked)
        return read
