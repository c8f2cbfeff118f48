"""The reads of one unit, ready to go: planned once for whatever is due together."""

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace

from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import unreadable
from zerometer.core.points import (
    LineSettings,
    Point,
    Quality,
    ReadBlock,
    Reading,
)
from zerometer.drivers.cycles import Cycles
from zerometer.drivers.health import Health
from zerometer.drivers.holes import ReadKey, Refusals, key_of
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.prepared import PreparedRead
from zerometer.drivers.ratios import Ratios
from zerometer.drivers.twins import tracked
from zerometer.drivers.unit_plan import UnitPlan

#: Reads are planned anew when the turnaround is off by this factor from the one they
#: were planned with, and by so much that some gap of a register or two is worth more.
REPLAN_FACTOR = 1.5

#: A read that was answered before counts as refused when it was refused so long.
DOUBT_NS = 60_000_000_000
REPLAN_NS = 500_000


class UnitReads:
    """What one unit is asked, as far as its answers tell what it has.

    *random* is that of ``Health``; *turnaround_ns* is what is planned with at first.
    """

    def __init__(  # noqa: PLR0917
        self,
        plan: UnitPlan,
        line: LineSettings,
        memory: UnitMemory,
        random: Callable[[], float],
        turnaround_ns: int,
        start_ns: int,
    ) -> None:
        self.points = tuple(polled.point for polled in plan.points)
        #: Points that the unit has not for good, as indices.
        self.absent: frozenset[int] = frozenset()
        retired = frozenset(
            index
            for index, point in enumerate(self.points)
            if point.name in memory.refused
        )
        limits = memory.within(plan.map.limits)
        if self._too_long_for(limits):
            limits = plan.map.limits
        #: What the meter refuses, and the limits of its requests.
        self.refusals = Refusals(self.points, limits, memory.holes, retired)
        #: What was asked and answered well.
        self.granted_requests: set[bytes] = set()
        # Since when they are refused, if they are now.
        self._doubts: dict[bytes, int] = {}
        self._plan = plan
        self._line = line
        self._random = random
        self._start_ns = start_ns
        self._planned_ns = turnaround_ns
        self._ready: dict[tuple[int, ...], tuple[PreparedRead, ...]] = {}
        self._health_of: dict[ReadKey, Health] = {}
        self._plan_points()

    def _plan_points(self) -> None:
        self.ratios = Ratios(self._plan.meter, self.points)
        polled = [
            replace(polled, point=point)
            for polled, point in zip(self._plan.points, self.points, strict=True)
        ]
        self._cycles = Cycles(polled, self.ratios, self._line, self.absent)
        #: Which point is the counter that is followed; -1 if none is.
        self.tracked = tracked(self.points, self.absent)

    @property
    def periods_ns(self) -> tuple[int, ...]:
        """The period of each group of points, in ns."""
        return self._cycles.periods_ns

    @property
    def with_ratios(self) -> set[int]:
        """The groups that have points which others are multiplied by."""
        return self._cycles.with_ratios

    @property
    def largest(self) -> int:
        """The number of requests in the largest cycle so far."""
        return max(map(len, tuple(self._ready.values())), default=0)

    def due(
        self, groups: tuple[int, ...], turnaround_ns: int
    ) -> tuple[PreparedRead, ...]:
        """Return the requests that read *groups*, those for ratios first."""
        less_ns, more_ns = sorted((turnaround_ns, self._planned_ns))
        if more_ns > max(REPLAN_FACTOR * less_ns, less_ns + REPLAN_NS):
            self._planned_ns = turnaround_ns
            self._ready.clear()
        reads = self._ready.get(groups)
        if reads is None:
            blocks = self._cycles.blocks(
                groups,
                self.refusals.limits,
                self._planned_ns,
                self.refusals.holes,
                self.refusals.retired,
            )
            reads = self._ready[groups] = tuple(map(self._prepared, blocks))
        return reads

    def granted(self, read: PreparedRead) -> list[PreparedRead]:
        """Learn from the first good answer to *read*; return what is asked besides."""
        before = self.refusals.known
        blocks = self.refusals.granted(read.block)
        read.granted = True
        self.granted_requests.add(read.request)
        if self.refusals.known != before:
            self._ready.clear()
        questions = [self._prepared(block) for block in blocks]
        for question in questions:
            question.question = True
        return questions

    def doubted(self, read: PreparedRead, now_ns: int) -> bool:
        """Note that *read* is refused; return whether that may pass.

        A meter that starts, or is being set up, may refuse what it granted before.
        """
        if not read.granted:
            return False
        if now_ns < self._doubts.setdefault(read.request, now_ns) + DOUBT_NS:
            return True
        del self._doubts[read.request]
        read.granted = False
        self.granted_requests.discard(read.request)
        return False

    def answered(self, read: PreparedRead) -> None:
        """Note that *read* was answered: it is not doubted any more."""
        if self._doubts:
            self._doubts.pop(read.request, None)

    def refused(self, read: PreparedRead) -> list[PreparedRead]:
        """Learn that *read* is refused; return what it is made of.

        That is nothing if it was a question, or reads a single point.
        """
        pieces = self.refusals.refused(read.block)
        self._ready.clear()
        return [self._prepared(block) for block in pieces]

    def move(self, points: tuple[Point, ...], absent: frozenset[int]) -> bool:
        """Read *points* where they are by now; return whether that is anything new."""
        if (points, absent) == (self.points, self.absent):
            return False
        self.points, self.absent = points, absent
        self.refusals.move(points)
        if self._too_long_for(self.refusals.limits):
            self.forget()
        self._ready.clear()
        self._plan_points()
        return True

    def forget(self) -> None:
        """Forget what the unit refuses, and what it granted."""
        self.refusals = Refusals(self.points, self._plan.map.limits)
        self.granted_requests.clear()
        self._doubts.clear()
        self._ready.clear()
        self._health_of.clear()

    def _too_long_for(self, limits: ReadLimits) -> bool:
        """Whether there are points by now that what was learnt does not allow for."""
        return any(unreadable(point, limits) for point in self.points)

    def absence(self, time_ns: int) -> Reading:
        """Return the reading that says that points are missing for good."""
        indices = tuple(sorted(self.absent))
        return Reading(
            meter=self._plan.meter,
            time_ns=time_ns,
            points=indices,
            values=array("d", [math.nan]) * len(indices),
            qualities=bytes([Quality.MISSING]) * len(indices),
        )

    def came_back(self) -> None:
        """Regard every read as healthy, and no ratio as known."""
        self.ratios.forget()
        for health in self._health_of.values():
            health.answered()

    def apply_ratios(self, pending: Sequence[PreparedRead]) -> None:
        """Multiply by the ratios as they are known now, in *pending* reads too."""
        for reads in (*self._ready.values(), pending):
            for read in reads:
                read.apply(self.ratios)

    def _prepared(self, block: ReadBlock) -> PreparedRead:
        health = self._health_of.get(key_of(block))
        if health is None:
            health = self._health_of[key_of(block)] = Health(self._random)
            if self.refusals.retired.issuperset(block.points):
                health.retire(self._start_ns)
        read = PreparedRead(
            self._plan.unit, block, self.points, self.ratios, health, self._line
        )
        read.granted = read.request in self.granted_requests
        if self.tracked in block.points:
            read.tracked = block.points.index(self.tracked)
        return read
