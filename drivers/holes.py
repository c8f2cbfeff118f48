"""Reads that a meter refused, and how to do without them.

Some meters refuse a whole block for one address in it. What was refused is never
asked for again: it is halved between its points until only the hole is left out.
"""

from collections.abc import Container, Sequence

from zerometer.core.planner import extent
from zerometer.core.points import Point, ReadBlock, ReadLimits

#: What identifies a request to one unit: function, address, count.
ReadKey = tuple[int, int, int]


def key_of(block: ReadBlock) -> ReadKey:
    """Return what identifies *block*."""
    return block.function, block.address, block.count


def around_holes(
    blocks: Sequence[ReadBlock],
    refused: Container[ReadKey],
    points: Sequence[Point],
    limits: ReadLimits,
) -> list[ReadBlock]:
    """Return *blocks*, those *refused* halved until none is left that can be."""
    result: list[ReadBlock] = []
    for block in blocks:
        halves = halved(block, points, limits) if key_of(block) in refused else None
        if halves is None:
            result.append(block)
        else:
            result += around_holes(halves, refused, points, limits)
    return result


def halved(
    block: ReadBlock, points: Sequence[Point], limits: ReadLimits
) -> tuple[ReadBlock, ReadBlock] | None:
    """Return the two halves of *block*'s points, or None if it has but one."""
    if len(block.points) < 2:
        return None
    middle = len(block.points) // 2
    return (
        _covering(block, block.points[:middle], points, limits),
        _covering(block, block.points[middle:], points, limits),
    )


def _covering(
    block: ReadBlock,
    indices: tuple[int, ...],
    points: Sequence[Point],
    limits: ReadLimits,
) -> ReadBlock:
    extents = [extent(points[index], limits) for index in indices]
    start = min(start for start, _ in extents)
    end = max(end for _, end in extents)
    return ReadBlock(
        function=block.function,
        address=start,
        count=end - start,
        points=indices,
        width=block.width,
    )
