"""From points to requests: the split that takes the least time on the wire.

Bridging a gap of g registers costs 2 g characters; another request costs 13
characters, the unit's turnaround and a silence. Which is cheaper depends on
the baud rate and on the unit, so the split is a shortest path, not a rule.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from zerometer.core.errors import UsageError
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import LineSettings, Point, ReadBlock

#: Bits in one request, at most (Modbus application protocol V1.1b3, 6.1 and 6.2).
MAX_BITS = 2000


class Span(NamedTuple):
    """The addresses that one point needs: *start* up to before *end*."""

    start: int
    end: int
    point: int


class Hole(NamedTuple):
    """No request with *function* may cover the addresses *start* to before *end*."""

    function: int
    start: int
    end: int


def extent(point: Point, limits: ReadLimits) -> tuple[int, int]:
    """Return the addresses that a request for *point* needs: first, and after the last.

    All that it is made of is between them.
    """
    whole = point.function <= 2 or limits.registers_per_address > 1
    start = min(address for address, _ in point.places)
    end = max(address + (1 if whole else size) for address, size in point.places)
    if limits.even_only and point.function > 2:
        start, end = start - start % 2, end + end % 2
    return start, end


def unreadable(point: Point, limits: ReadLimits) -> str:
    """Return why no request can read *point*; empty when one can."""
    start, end = extent(point, limits)
    largest = _largest(point.function, limits)
    if end - start > largest:
        return (
            f"needs {end - start} registers in one request, the meter allows {largest}"
        )
    if _area(start, end, point.function, limits) is None:
        return (
            f"is not within one of the blocks of the meter, from {start} to {end - 1}"
        )
    return ""


def transaction_ns(
    function: int, count: int, line: LineSettings, turnaround_ns: int
) -> int:
    """Return how long reading *count* registers (or bits) occupies the line.

    A request of 8 characters, the *turnaround_ns* until the unit speaks, a reply of
    5 characters and the data, and the silence after it. The silence between request
    and reply is a part of the turnaround.
    """
    data = (count + 7) // 8 if function <= 2 else 2 * count
    return (13 + data) * line.character_ns + turnaround_ns + line.silence_ns


def block_ns(block: ReadBlock, line: LineSettings, turnaround_ns: int) -> int:
    """Return how long the request for *block* and its reply occupy the line."""
    return transaction_ns(
        block.function, block.count * block.width, line, turnaround_ns
    )


def plan_reads(
    points: Sequence[Point],
    limits: ReadLimits,
    line: LineSettings,
    turnaround_ns: int,
    holes: Sequence[Hole] = (),
) -> tuple[ReadBlock, ...]:
    """Return the requests that read all *points* within *limits* soonest.

    None of them covers one of *holes*, unless a single point needs it.
    They are ordered by function and address; their ``points`` are indices into
    *points*, ordered by address. UsageError when a point alone exceeds a limit.
    """
    blocks: list[ReadBlock] = []
    for function in sorted({point.function for point in points}):
        spans = _spans(points, function, limits)
        gaps = [(h.start, h.end) for h in holes if h.function == function]
        blocks += _shortest(spans, function, limits, line, turnaround_ns, gaps)
    return tuple(blocks)


def _spans(points: Sequence[Point], function: int, limits: ReadLimits) -> list[Span]:
    spans = []
    for index, point in enumerate(points):
        if point.function != function:
            continue
        reason = unreadable(point, limits)
        if reason:
            raise UsageError(f"point {point.name}: {reason}")
        spans.append(Span(*extent(point, limits), index))
    # Python's sort is stable: points of equal spans keep the caller's order.
    return sorted(spans, key=lambda span: span[:2])


def _area(start: int, end: int, function: int, limits: ReadLimits) -> int | None:
    """Return the number of the meter's block from *start* to before *end*.

    Of a meter without blocks, all registers are one. None when no block has it all.
    """
    if not limits.blocks or function <= 2:
        return 0
    for number, (first, last) in enumerate(limits.blocks):
        if first <= start and end <= last + 1:
            return number
    return None


def _largest(function: int, limits: ReadLimits) -> int:
    """Return the addresses in one request, at most."""
    if function <= 2:
        return MAX_BITS
    return limits.max_registers // limits.registers_per_address


def width(function: int, limits: ReadLimits) -> int:
    """Return how many registers a reply brings for each address."""
    return limits.registers_per_address if function > 2 else 1


def _shortest(  # noqa: PLR0917
    spans: list[Span],
    function: int,
    limits: ReadLimits,
    line: LineSettings,
    turnaround_ns: int,
    gaps: Sequence[tuple[int, int]],
) -> list[ReadBlock]:
    """Return the blocks of one function; *spans* are sorted.

    A best split never interleaves sorted spans, so it is a shortest path whose
    edge from i to j is one request for the spans i up to before j.
    """
    # To read the first j spans: time, number of requests, where the last begins.
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    best += [(1 << 62, 0, 0)] * len(spans)
    for first in range(len(spans)):
        time_ns, requests, _ = best[first]
        for after, count in _runs(spans, first, function, limits, gaps):
            data = count * width(function, limits)
            cost = transaction_ns(function, data, line, turnaround_ns)
            best[after] = min(best[after], (time_ns + cost, requests + 1, first))
    blocks = []
    after = len(spans)
    while after:
        first = best[after][2]
        run = spans[first:after]
        count = max(span.end for span in run) - run[0].start
        indices = tuple(span.point for span in run)
        blocks.append(ReadBlock(
            function=function, address=run[0].start, count=count, points=indices,
            width=width(function, limits),
        ))  # fmt: skip
        after = first
    return blocks[::-1]


def _runs(
    spans: list[Span],
    first: int,
    function: int,
    limits: ReadLimits,
    gaps: Sequence[tuple[int, int]],
) -> Iterator[tuple[int, int]]:
    """Yield, for each request that may begin with span *first*, where it stops.

    That is the index after its last span, and the count of its registers.
    """
    bridging = limits.bridge_gaps and width(function, limits) == 1
    largest = _largest(function, limits)
    start = end = spans[first].start
    for index in range(first, len(spans)):
        span = spans[index]
        if span.start > end and not bridging:
            return
        end = max(end, span.end)
        if end - start > largest:
            return
        if _area(start, end, function, limits) is None:
            return
        alone = span.start == start
        if not alone and any(start <= address < end for address in limits.single):
            return
        if index > first and any(start <= a and b <= end for a, b in gaps):
            return
        yield index + 1, end - start
