"""What one unit refuses, learnt from its answers: holes, lengths, single points.

A refused request covers an address that the meter does not have, crosses a border
that it draws, or is too long. Whatever covers the same addresses is refused as well
and never asked for again. Halving narrows the cause down; when both sides of a
place were granted, a short read across it tells a hole from a limit of length.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import Hole, extent, width
from zerometer.core.points import Point, ReadBlock

#: What identifies a request to one unit: function, address, count.
ReadKey = tuple[int, int, int]

#: Registers in one request that meters are known to allow at most. A limit that was
#: learnt is one of them, so that few attempts find it.
TYPICAL_LIMITS = (10, 11, 20, 50, 60, 80, 100, 120)


def key_of(block: ReadBlock) -> ReadKey:
    """Return what identifies *block*."""
    return block.function, block.address, block.count


@dataclass(slots=True)
class _Refusal:
    """A refused *block*; its cause is from *start* to before *end*, if a hole."""

    block: ReadBlock
    start: int
    end: int
    questioned: bool = False


class Refusals:
    """What the unit with *points* and *limits* is known to refuse.

    ``limits`` are those in force; ``longest`` is the longest request that was
    granted. *holes* and *retired* points, as indices, were learnt before.
    """

    def __init__(
        self,
        points: Sequence[Point],
        limits: ReadLimits,
        holes: Sequence[Hole] = (),
        retired: frozenset[int] = frozenset(),
    ) -> None:
        self.limits = limits
        #: Points that are not asked for any more.
        self.retired = retired
        #: What no request may cover.
        self.holes = tuple(holes)
        #: Whether the limit of registers was lowered.
        self.shortened = False
        self._points = tuple(points)
        self._known = list(holes)
        self._open: list[_Refusal] = []
        self._longest = 0
        self._too_long = 0

    @property
    def known(self) -> tuple[object, ...]:
        """All that requests depend on, to be compared."""
        return self.holes, self.retired, self.limits

    def move(self, points: Sequence[Point]) -> None:
        """Take over where the points are by now; which ones they are is the same."""
        self._points = tuple(points)

    def refused(self, block: ReadBlock) -> list[ReadBlock]:
        """Note that *block* was refused; return what to ask for instead.

        That is nothing when it was a question, or is one point, which is retired.
        """
        if any(_crossing(refusal, block) for refusal in self._open):
            return []
        halves = halved(block, self._points, self.limits)
        if not halves:
            self.retired |= {*block.points}
        self._add(_Refusal(block, block.address, block.address + block.count))
        return list(halves)

    def granted(self, block: ReadBlock) -> list[ReadBlock]:
        """Note that *block* was granted; return questions that this gives rise to."""
        self._longest = max(self._longest, self._length(block))
        if self.retired.intersection(block.points):
            self._reinstate(block)
        questions = []
        for refusal in [r for r in self._open if r.block.function == block.function]:
            if self._narrow(refusal, block):
                question = self._question(refusal)
                if question is not None:
                    questions.append(question)
        return questions

    def _narrow(self, refusal: _Refusal, granted: ReadBlock) -> bool:
        """Leave out of *refusal* what was *granted*; tell whether something is left."""
        start, end = granted.address, granted.address + granted.count
        if start <= refusal.start and refusal.end <= end:
            # Everything in it is granted: so it was too long.
            self._open.remove(refusal)
            if self._length(refusal.block) > self._longest:
                self._shorten(self._length(refusal.block))
            self._settle()
            return False
        # A border may lie right behind what was granted: its last address stays in.
        if start <= refusal.start < end:
            refusal.start = end - 1
        elif refusal.start < start < refusal.end <= end:
            refusal.end = start + 1
        else:
            return False
        self._settle()
        return True

    def _question(self, refusal: _Refusal) -> ReadBlock | None:
        """Return a short read across what is left of *refusal*, if that tells more."""
        block = refusal.block
        both = refusal.start > block.address and (
            refusal.end < block.address + block.count
        )
        if refusal.questioned or not both or self._length(block) <= self._longest:
            return None
        extents = [(*extent(self._points[i], self.limits), i) for i in block.points]
        before = [extent for extent in extents if extent[1] <= refusal.start + 1]
        behind = [extent for extent in extents if extent[0] >= refusal.end - 1]
        if not before or not behind:
            return None
        pair = (max(before, key=lambda e: e[1])[2], min(behind)[2])
        question = covering(block, pair, self._points, self.limits)
        if self._length(question) > self._longest:
            return None
        refusal.questioned = True
        return question

    def _shorten(self, length: int) -> None:
        """Take *length* for too long; allow what is likely."""
        self._too_long = min(self._too_long or length, length)
        likely = [limit for limit in TYPICAL_LIMITS if limit < self._too_long]
        needed = max(
            (end - start) * width(point.function, self.limits)
            for point in self._points
            for start, end in [extent(point, self.limits)]
            if point.function > 2
        )
        largest = max([*likely[-1:], self._longest, needed])
        if largest < self.limits.max_registers:
            self.limits = replace(self.limits, max_registers=largest)
            self.shortened = True

    def _reinstate(self, block: ReadBlock) -> None:
        self.retired -= {*block.points}
        start, end = block.address, block.address + block.count
        self._known = [
            hole
            for hole in self._known
            if hole.function != block.function
            or not (start <= hole.start and hole.end <= end)
        ]
        self._settle()

    def _add(self, refusal: _Refusal) -> None:
        """Add *refusal*; whatever covers it needs no other reason to be refused."""
        self._open = [
            other
            for other in self._open
            if other.block.function != refusal.block.function
            or not (other.start <= refusal.start and refusal.end <= other.end)
        ]
        self._open.append(refusal)
        self._settle()

    def _settle(self) -> None:
        found = [Hole(r.block.function, r.start, r.end) for r in self._open]
        self.holes = (*self._known, *found)

    def _length(self, block: ReadBlock) -> int:
        return block.count * block.width if block.function > 2 else 0


def halved(
    block: ReadBlock, points: Sequence[Point], limits: ReadLimits
) -> tuple[ReadBlock, ...]:
    """Return the two halves of *block*'s points, or nothing if it has but one."""
    if len(block.points) < 2:
        return ()
    middle = len(block.points) // 2
    return (
        covering(block, block.points[:middle], points, limits),
        covering(block, block.points[middle:], points, limits),
    )


def covering(
    block: ReadBlock,
    indices: tuple[int, ...],
    points: Sequence[Point],
    limits: ReadLimits,
) -> ReadBlock:
    """Return the part of *block* that has the points of *indices*."""
    extents = [extent(points[index], limits) for index in indices]
    start = min(start for start, _ in extents)
    end = max(end for _, end in extents)
    return replace(block, address=start, count=end - start, points=indices)


def _crossing(refusal: _Refusal, block: ReadBlock) -> bool:
    """Whether *block* was the question about *refusal*: both its ends were granted."""
    start, end = block.address, block.address + block.count
    return (
        refusal.questioned
        and refusal.block.function == block.function
        and start <= refusal.start
        and refusal.end <= end
    )
