"""Refusals: what is learnt of a meter that refuses some of what it is asked."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import plan_reads
from zerometer.core.points import LineSettings, Point, ReadBlock
from zerometer.drivers.holes import TYPICAL_LIMITS, Refusals, halved

LINE = LineSettings()


def points_at(addresses: list[int], function: int = 3) -> list[Point]:
    return [
        Point(name=f"p{address}", function=function, address=address, type="u16")
        for address in addresses
    ]


class Meter:
    """A meter that refuses *holes*, what crosses *borders*, and what is too long.

    A border lies before its address.
    """

    def __init__(
        self,
        points: list[Point],
        limits: ReadLimits,
        holes: set[int],
        borders: set[int] | None = None,
        longest: int = 125,
    ) -> None:
        self.refusals = Refusals(points, limits)
        self.points = points
        self.holes = holes
        self.borders = borders or set()
        self.longest = longest
        self.refused = 0

    def grants(self, block: ReadBlock) -> bool:
        asked = range(block.address, block.address + block.count)
        return not (
            self.holes.intersection(asked)
            or self.borders.intersection(asked[1:])
            or (block.function > 2 and block.count > self.longest)
        )

    def plan(self) -> list[ReadBlock]:
        """Return what is asked for in a cycle of all points that are not retired."""
        refusals = self.refusals
        kept = [i for i in range(len(self.points)) if i not in refusals.retired]
        blocks = plan_reads(
            [self.points[i] for i in kept], refusals.limits, LINE, 20_000_000,
            refusals.holes,
        )  # fmt: skip
        return [
            ReadBlock(
                function=b.function,
                address=b.address,
                count=b.count,
                points=tuple(kept[i] for i in b.points),
            )
            for b in blocks
        ]

    def cycle(self) -> tuple[int, set[int]]:
        """Ask for all points; return how many requests that took, and who came."""
        pending = deque(self.plan())
        asked = 0
        came: set[int] = set()
        while pending:
            block = pending.popleft()
            asked += 1
            if self.grants(block):
                came.update(block.points)
                pending.extend(self.refusals.granted(block))
            else:
                self.refused += 1
                pending.extendleft(reversed(self.refusals.refused(block)))
        return asked, came

    def learn(self) -> None:
        """Ask until nothing is refused any more."""
        for _ in range(60):
            before = self.refused
            _, came = self.cycle()
            assert came == self.readable(), "no point waits for learning"
            if self.refused == before:
                return
        pytest.fail("learns for ever")

    def readable(self) -> set[int]:
        return {
            index
            for index, point in enumerate(self.points)
            if point.address not in self.holes
        }


@given(
    addresses=st.lists(st.integers(0, 300), min_size=1, max_size=40, unique=True),
    function=st.sampled_from([1, 3]),
    holes=st.sets(st.integers(0, 300), max_size=6),
    borders=st.sets(st.integers(1, 300), max_size=4),
    longest=st.sampled_from([6, 10, 11, 20, 45, 60, 125]),
)
def test_what_can_be_read_is_read_and_soon_nothing_is_refused(
    addresses: list[int],
    function: int,
    holes: set[int],
    borders: set[int],
    longest: int,
) -> None:
    meter = Meter(points_at(addresses, function), ReadLimits(), holes, borders, longest)
    meter.learn()
    everything = set(range(len(addresses)))
    assert meter.refusals.retired == everything - meter.readable()
    # Another meter of the same kind that is told all this is never asked in vain.
    refusals = meter.refusals
    again = Meter(meter.points, refusals.limits, holes, borders, longest)
    again.refusals = Refusals(
        meter.points, refusals.limits, refusals.holes, refusals.retired
    )
    assert again.cycle()[1] == meter.readable()
    assert again.refused == 0


@pytest.mark.parametrize("longest", TYPICAL_LIMITS)
def test_a_limit_of_length_is_found(longest: int) -> None:
    meter = Meter(points_at(list(range(240))), ReadLimits(), set(), longest=longest)
    meter.learn()
    assert meter.refusals.limits.max_registers == longest
    assert meter.refusals.holes == ()
    assert meter.refusals.shortened
    assert meter.cycle()[0] == -(-240 // longest)


def test_a_hole_is_no_limit_and_costs_only_itself() -> None:
    addresses = [*range(40), *range(45, 80)]
    meter = Meter(points_at(addresses), ReadLimits(), {42})
    meter.learn()
    assert meter.refusals.limits == ReadLimits()
    assert [(b.address, b.count) for b in meter.plan()] == [(0, 40), (45, 35)]
    assert meter.refused <= 8


def test_a_hole_that_one_cycle_found_is_known_to_all() -> None:
    points = points_at([0, 2, 10, 12])
    meter = Meter(points, ReadLimits(), {5})
    meter.learn()
    chosen = [points[1], points[2]]
    blocks = plan_reads(
        chosen, meter.refusals.limits, LINE, 20_000_000, meter.refusals.holes
    )
    assert len(blocks) == 2


def test_a_retired_point_that_answers_is_read_with_the_others_again() -> None:
    meter = Meter(points_at([0, 1, 2]), ReadLimits(), {1})
    meter.learn()
    assert meter.refusals.retired == {1}
    assert len(meter.plan()) == 2
    meter.holes.clear()
    block = ReadBlock(function=3, address=1, count=1, points=(1,))
    assert meter.refusals.granted(block) == []
    assert meter.refusals.retired == frozenset()
    assert [(b.address, b.count) for b in meter.plan()] == [(0, 3)]


@pytest.mark.parametrize("even_only", [False, True])
def test_halves_cover_their_points(even_only: bool) -> None:
    points = points_at([1, 4, 9])
    limits = ReadLimits(even_only=even_only)
    (block,) = plan_reads(points, limits, LINE, 20_000_000)
    first, second = halved(block, points, limits)
    assert (first.points, second.points) == ((0,), (1, 2))
    if even_only:
        assert (first.address, first.count) == (0, 2)
        assert (second.address, second.count) == (4, 6)
    else:
        assert (first.address, first.count) == (1, 1)
        assert (second.address, second.count) == (4, 6)
    assert halved(first, points, limits) == ()
