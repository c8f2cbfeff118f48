"""One meter as its bus loop sees it: what is due, what is pending, what is known."""

import math
from array import array
from collections import deque
from collections.abc import Callable, Sequence
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
from zerometer.drivers.cycles import Cycles
from zerometer.drivers.health import Health
from zerometer.drivers.holes import ReadKey, around_holes, halved, key_of
from zerometer.drivers.interview import Findings, Interview
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
REPLAN_FACTOR = 2

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

    def __init__(
        self,
        plan: UnitPlan,
        line: LineSettings,
        timeout_ns: int,
        start_ns: int,
        random: Callable[[], float],
    ) -> None:
        self.meter = plan.meter
        self.number = plan.unit
        self.points = tuple(polled.point for polled in plan.points)
        self.limits = plan.map.limits
        self.min_delay_ns = self.limits.min_delay_ms * 1_000_000
        self.ratios = Ratios(plan.meter, self.points)
        own_timeout_ms = self.limits.timeout_ms
        if own_timeout_ms is not None:
            timeout_ns = own_timeout_ms * 1_000_000
        self.turnaround = Turnaround(line.character_ns, timeout_ns)
        self.health = Health(random)
        self.tally = Tally()
        self.proof = Proof(self.number, self.limits)
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
        self._refused: set[ReadKey] = set()
        #: Points that the meter refuses, as indices.
        self.retired: frozenset[int] = frozenset()
        self._health_of: dict[ReadKey, Health] = {}
        #: What it is asked before it is trusted; None of meters that tell nothing.
        self.interview: Interview | None = None
        if Interview.wanted(plan.map):
            self.interview = Interview(plan.map, self.points, plan.serial, known="")
        self.trusted = self.interview is None
        self._polled = plan.points
        self._absent: frozenset[int] = frozenset()
        self._track_one()

    def begin_cycle(self, now_ns: int) -> int:
        """Make what is due pending; return by how many ns that is too late."""
        due_ns = self.periods.next_ns
        self.deadline_ns = due_ns + self.periods.shortest_ns
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
        return due_ns, due_ns + self.periods.shortest_ns

    def replied(self, transaction: Transaction) -> None:
        """Note the end of a *transaction* that is good."""
        self.turnaround.replied(transaction.latency_ns, transaction.overslept)
        bytes_ns = (_REQUEST_BYTES + transaction.received) * self._line.character_ns
        self.tally.replied(transaction.end_ns, transaction.latency_ns + bytes_ns)
        self.ready_ns = transaction.done_ns + self.min_delay_ns

    def split(self, read: PreparedRead) -> bool:
        """Remember that *read* was refused; return whether its halves are now pending.

        They are read in its place, in this cycle and in the following ones.
        """
        if halved(read.block, self.points, self.limits) is None:
            return False
        self._refused.add(key_of(read.block))
        self._cycles.clear()
        self.pending.extendleft(reversed(self._prepare([read.block])))
        return True

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
        """Return what asks *question*; who doubts asks at the same place."""
        reads = prepared(question, self.number, self._line)
        self.proof.anchor(reads)
        transaction = reads[0].transaction
        transaction.expect(self.turnaround.look_ns, self.turnaround.timeout_ns)
        return transaction

    def met(self, findings: Findings, now_ns: int) -> None:
        """Trust the meter, and read its points where they were found."""
        self.trusted = True
        if (findings.points, findings.absent) == (self.points, self._absent):
            return
        self.points, self._absent = findings.points, findings.absent
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
            good=self.tally.good,
            errors=dict(self.tally.errors),
            last_good_ns=self.tally.last_good_ns,
            turnaround_ns=self.turnaround.filtered_ns,
            latency_ns=self.tally.latency_ns,
            timeout_ns=self.turnaround.timeout_ns,
            lateness_ns=self.tally.lateness_ns,
            skipped=self.periods.skipped,
            retries=self.tally.retries,
            retired=tuple(
                self.points[index].name for index in sorted(self.retired | self._absent)
            ),
            reads=max(map(len, tuple(self._cycles.values())), default=0),
            max_registers=self.limits.max_registers,
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
            blocks = self._requests.blocks(groups, self.limits, self._planned_ns)
            cycle = self._cycles[groups] = tuple(self._prepare(blocks))
        return cycle

    def _prepare(self, blocks: Sequence[ReadBlock]) -> list[PreparedRead]:
        reads = []
        for block in around_holes(blocks, self._refused, self.points, self.limits):
            health = self._health_of.setdefault(key_of(block), Health(self._random))
            read = PreparedRead(
                self.number, block, self.points, self.ratios, health, self._line
            )
            if self._tracked in block.points:
                read.tracked = block.points.index(self._tracked)
            reads.append(read)
        return reads
