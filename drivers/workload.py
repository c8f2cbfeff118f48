"""What reading meters takes of their bus, from the requests that its loop would send.

Nothing is opened: it is computed from periods, limits and line, and from what was
learnt of the meters when they were read before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from zerometer.core.planner import block_ns
from zerometer.core.points import LineSettings, ReadBlock
from zerometer.drivers.cycles import Cycles
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.ratios import Ratios
from zerometer.drivers.turnaround import ASSUMED_NS
from zerometer.drivers.unit_plan import UnitPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: its block, the names of its points, its time on the line."""

    block: ReadBlock
    points: tuple[str, ...]
    cost_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """The requests that are sent when exactly these periods are due together.

    ``share`` is the part of the bus's time that they take, 0 to 1 or more.
    ``interval_ns`` is how often that is so, on average.
    """

    periods_ns: tuple[int, ...]
    interval_ns: int
    requests: tuple[Request, ...]
    share: float

    @property
    def cost_ns(self) -> int:
        """The time that all requests occupy the line."""
        return sum(request.cost_ns for request in self.requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLoad:
    """What one meter takes of its bus.

    ``pace`` is the part of the time in which the meter is read or must be left in
    peace (its ``min_delay_ms``); beyond 1 it cannot keep its periods on any bus.
    ``poll_ns`` is the time on the line for all of its points at once. Without a
    turnaround in ``memory``, the one that a loop assumes is counted with.
    """

    plan: UnitPlan
    memory: UnitMemory
    turnaround_ns: int
    max_registers: int
    cycles: tuple[Cycle, ...]
    share: float
    pace: float
    poll_ns: int


def unit_load(plan: UnitPlan, line: LineSettings, memory: UnitMemory) -> UnitLoad:
    """Return what *plan* takes of a bus, as far as its meter is known from *memory*.

    Points that it refuses are left out: they are hardly ever asked for.
    """
    points = tuple(polled.point for polled in plan.points)
    refused = frozenset(
        index for index, point in enumerate(points) if point.name in memory.refused
    )
    cycles = Cycles(plan.points, Ratios(plan.meter, points), line, refused)
    turnaround_ns = memory.turnaround_ns or ASSUMED_NS
    limits = memory.within(plan.map.limits)
    delay_ns = limits.min_delay_ms * 1_000_000
    found = []
    pace = 0.0
    for groups, rate in _rates(cycles.periods_ns):
        blocks = cycles.blocks(groups, limits, turnaround_ns, memory.holes)
        requests = tuple(
            Request(
                block=block,
                points=tuple(points[index].name for index in block.points),
                cost_ns=block_ns(block, line, turnaround_ns),
            )
            for block in blocks
        )
        cost_ns = sum(request.cost_ns for request in requests)
        pace += float(rate * (cost_ns + delay_ns * len(requests)))
        periods_ns = tuple(cycles.periods_ns[group] for group in groups)
        found.append(
            Cycle(
                periods_ns=periods_ns,
                interval_ns=round(1 / rate),
                requests=requests,
                share=float(rate * cost_ns),
            )
        )
    every = cycles.blocks(
        range(len(cycles.periods_ns)), limits, turnaround_ns, memory.holes
    )
    return UnitLoad(
        plan=plan,
        memory=memory,
        turnaround_ns=turnaround_ns,
        max_registers=limits.max_registers,
        cycles=tuple(found),
        share=sum(cycle.share for cycle in found),
        pace=pace,
        poll_ns=sum(block_ns(block, line, turnaround_ns) for block in every),
    )


def bus_load(
    plans: Sequence[UnitPlan],
    line: LineSettings,
    memories: Mapping[str, UnitMemory],
) -> tuple[UnitLoad, ...]:
    """Return the load of each of *plans* with points; *memories* are by meter."""
    unknown = UnitMemory()
    return tuple(
        unit_load(plan, line, memories.get(plan.meter, unknown))
        for plan in plans
        if plan.points
    )


def _rates(periods_ns: Sequence[int]) -> list[tuple[tuple[int, ...], Fraction]]:
    """Return which groups are due together, with no other: how often, per ns.

    Periods lie on one grid, so groups are due together once in the least common
    multiple of their periods; what is due with others besides is taken off.
    """
    size = len(periods_ns)
    members = [
        tuple(group for group in range(size) if number >> group & 1)
        for number in range(1 << size)
    ]
    rates = [
        Fraction(1, lcm(*(periods_ns[group] for group in groups))) for groups in members
    ]
    for group in range(size):
        for number in range(1 << size):
            if not number >> group & 1:
                rates[number] -= rates[number | 1 << group]
    return [
        (groups, rate)
        for groups, rate in zip(members[1:], rates[1:], strict=True)
        if rate
    ]
