"""The best split of points into requests, by trying every one."""

from collections.abc import Iterator, Sequence

from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import Hole
from zerometer.core.points import LineSettings, Point


def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    """Yield every way to divide *items* into groups."""
    if not items:
        yield []
        return
    head, *rest = items
    for groups in partitions(rest):
        yield [[head], *groups]
        for index, group in enumerate(groups):
            yield [*groups[:index], [head, *group], *groups[index + 1 :]]


def covered(group: list[int], points: Sequence[Point], limits: ReadLimits) -> set[int]:
    """Return the addresses that the points need, rounded as the meter wants.

    All that is between the parts of one point is read with them.
    """
    registers: set[int] = set()
    for index in group:
        whole = points[index].function <= 2 or limits.registers_per_address > 1
        own = [
            register
            for address, size in points[index].places
            for register in range(address, address + (1 if whole else size))
        ]
        registers |= set(range(min(own), max(own) + 1))
    if limits.even_only and points[group[0]].function > 2:
        registers |= {register ^ 1 for register in registers}
    return registers


def cost_ns(  # noqa: PLR0917
    group: list[int],
    points: Sequence[Point],
    limits: ReadLimits,
    line: LineSettings,
    turnaround_ns: int,
    holes: Sequence[Hole] = (),
) -> int | None:
    """Return the time of one request for *group*; None when it is not allowed."""
    functions = {points[index].function for index in group}
    if len(functions) > 1:
        return None
    bits = functions <= {1, 2}
    registers = covered(group, points, limits)
    read = set(range(min(registers), max(registers) + 1))
    width = 1 if bits else limits.registers_per_address
    if len(read) > (2000 if bits else limits.max_registers // width):
        return None
    areas = [set(range(first, last + 1)) for first, last in limits.blocks]
    if areas and not bits and not any(read <= area for area in areas):
        return None
    if read != registers and width > 1:
        return None
    if read != registers and not limits.bridge_gaps:
        return None
    covers_hole = any(
        hole.function in functions and read >= set(range(hole.start, hole.end))
        for hole in holes
    )
    if covers_hole and len(group) > 1:
        return None
    starts = {min(covered([index], points, limits)) for index in group}
    if len(starts) > 1 and read & set(limits.single):
        return None
    data = -(-len(read) // 8) if bits else 2 * len(read) * width
    characters = 8 + 5 + data
    return characters * line.character_ns + turnaround_ns + line.silence_ns


def least_ns(
    points: Sequence[Point],
    limits: ReadLimits,
    line: LineSettings,
    turnaround_ns: int,
    holes: Sequence[Hole] = (),
) -> int:
    """Return the time of the best partition of *points*; ValueError without any."""
    costs = []
    for groups in partitions(list(range(len(points)))):
        each = [
            cost_ns(group, points, limits, line, turnaround_ns, holes)
            for group in groups
        ]
        if None not in each:
            costs.append(sum(filter(None, each)))
    return min(costs)
