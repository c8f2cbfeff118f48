"""Read plans: complete, within the meter's limits, and the fastest there is."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import planner as reference

from zerometer.core.errors import UsageError
from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import (
    Hole,
    block_ns,
    plan_reads,
    transaction_ns,
    unreadable,
)
from zerometer.core.points import LineSettings, Part, Point, RegisterType, SignBit

LINE = LineSettings(baud=9600)
TURNAROUND_NS = 20_000_000


def point(address: int, type_: RegisterType = "f32", function: int = 4) -> Point:
    return Point(name=f"p{address}", function=function, address=address, type=type_)


@st.composite
def point_lists(draw: st.DrawFn, max_size: int) -> list[Point]:
    # Few addresses, so that points overlap, touch and leave gaps of any size.
    return [
        point(
            draw(st.integers(0, 60)),
            draw(st.sampled_from(["u16", "f32", "u64"])),
            draw(st.sampled_from([3, 3, 3, 4, 1])),
        )
        for _ in range(draw(st.integers(0, max_size)))
    ]


@st.composite
def read_limits(draw: st.DrawFn) -> ReadLimits:
    return ReadLimits(
        max_registers=draw(st.sampled_from([6, 10, 20, 60, 125])),
        bridge_gaps=draw(st.booleans()),
        even_only=draw(st.booleans()),
    )


LINES = st.builds(
    LineSettings,
    baud=st.sampled_from([2400, 9600, 19_200, 115_200]),
    parity=st.sampled_from(["N", "E"]),
)
TURNAROUNDS = st.sampled_from([0, 3_000_000, 20_000_000, 100_000_000])


@given(point_lists(6), read_limits(), LINES, TURNAROUNDS)
def test_no_partition_is_faster(
    points: list[Point], limits: ReadLimits, line: LineSettings, turnaround_ns: int
) -> None:
    blocks = plan_reads(points, limits, line, turnaround_ns)
    planned = sum(
        transaction_ns(b.function, b.count, line, turnaround_ns) for b in blocks
    )
    assert planned == reference.least_ns(points, limits, line, turnaround_ns)


@st.composite
def parted_points(draw: st.DrawFn) -> list[Point]:
    """Draw points some of which have parts and signs elsewhere."""
    points = []
    for plain in draw(point_lists(5)):
        near = st.integers(max(plain.address - 9, 0), plain.address + 9)
        plus = tuple(
            Part(address=draw(near), type=draw(st.sampled_from(["u16", "f32"])))
            for _ in range(draw(st.integers(0, 2)))
        )
        sign = draw(st.none() | near.map(lambda a: SignBit(address=a, bit=0)))
        points.append(replace(plain, plus=plus, sign=sign))
    return points


@st.composite
def block_limits(draw: st.DrawFn) -> ReadLimits:
    edges = sorted(draw(st.sets(st.integers(1, 70), max_size=3)))
    blocks = tuple((a, b - 1) for a, b in pairwise([0, *edges, 90]))
    limits = replace(draw(read_limits()), blocks=draw(st.sampled_from([(), blocks])))
    if draw(st.booleans()):
        width = draw(st.sampled_from([2, 4]))
        limits = replace(limits, registers_per_address=width, even_only=False)
    return limits


@given(parted_points(), block_limits(), TURNAROUNDS)
def test_what_belongs_together_is_read_together(
    points: list[Point], limits: ReadLimits, turnaround_ns: int
) -> None:
    if any(unreadable(point, limits) for point in points):
        with pytest.raises(UsageError, match=r"^point p"):
            plan_reads(points, limits, LINE, turnaround_ns)
        return
    blocks = plan_reads(points, limits, LINE, turnaround_ns)
    planned = sum(block_ns(block, LINE, turnaround_ns) for block in blocks)
    assert planned == reference.least_ns(points, limits, LINE, turnaround_ns)
    for block in blocks:
        inside = range(block.address, block.address + block.count)
        for index in block.points:
            assert {address for address, _ in points[index].places} <= set(inside)


def test_bits_are_bridged_whatever_an_address_of_registers_holds() -> None:
    points = [
        Point(name=f"p{address}", function=1, address=address, type="u16")
        for address in (0, 2)
    ]
    (block,) = plan_reads(points, ReadLimits(registers_per_address=2), LINE, 0)
    assert (block.address, block.count, block.width) == (0, 3, 1)


@given(point_lists(5), read_limits(), st.data())
def test_no_partition_is_faster_when_addresses_stand_alone(
    points: list[Point], limits: ReadLimits, data: st.DataObject
) -> None:
    free = {
        p.address
        for p in points
        if not any(q.address != p.address and q.address < p.address + 4
                   and p.address < q.address + 4 for q in points)
    }  # fmt: skip
    single = data.draw(st.sets(st.sampled_from(sorted(free)))) if free else set()
    limits = ReadLimits(
        max_registers=limits.max_registers,
        bridge_gaps=limits.bridge_gaps,
        single=tuple(sorted(single)),
    )
    blocks = plan_reads(points, limits, LINE, TURNAROUND_NS)
    planned = sum(
        transaction_ns(b.function, b.count, LINE, TURNAROUND_NS) for b in blocks
    )
    assert planned == reference.least_ns(points, limits, LINE, TURNAROUND_NS)
    for block in blocks:
        starts = {points[index].address for index in block.points}
        inside = single & set(range(block.address, block.address + block.count))
        assert not inside or starts == inside


@st.composite
def hole_lists(draw: st.DrawFn) -> list[Hole]:
    starts = draw(st.lists(st.integers(0, 69), max_size=3))
    functions = st.sampled_from([3, 3, 4, 1])
    return [
        Hole(draw(functions), start, start + draw(st.integers(1, 4)))
        for start in starts
    ]


@settings(max_examples=400)
@given(
    parted_points(), block_limits(), st.sets(st.integers(0, 69), max_size=3),
    hole_lists(), LINES, TURNAROUNDS,
)  # fmt: skip
def test_no_partition_is_faster_whatever_the_meter_wants(  # noqa: PLR0917
    points: list[Point],
    limits: ReadLimits,
    single: set[int],
    holes: list[Hole],
    line: LineSettings,
    turnaround_ns: int,
) -> None:
    """Blocks, even addresses, singles, wide addresses, holes, all at once."""
    limits = replace(limits, single=tuple(sorted(single)))
    readable = [point for point in points if not unreadable(point, limits)]
    blocks = plan_reads(readable, limits, line, turnaround_ns, holes)
    planned = sum(block_ns(block, line, turnaround_ns) for block in blocks)
    least = reference.least_ns(readable, limits, line, turnaround_ns, holes)
    assert planned == least


@given(point_lists(40), read_limits(), LINES, TURNAROUNDS)
def test_every_point_is_read_once_within_the_limits(
    points: list[Point], limits: ReadLimits, line: LineSettings, turnaround_ns: int
) -> None:
    blocks = plan_reads(points, limits, line, turnaround_ns)
    assert sorted(i for b in blocks for i in b.points) == list(range(len(points)))
    assert [(b.function, b.address) for b in blocks] == sorted(
        (b.function, b.address) for b in blocks
    )
    for block in blocks:
        members = [points[index] for index in block.points]
        assert {p.function for p in members} == {block.function}
        assert block.count <= (2000 if block.function == 1 else limits.max_registers)
        size = 1 if block.function == 1 else None
        for p in members:
            assert block.address <= p.address
            end = p.address + (size or p.registers)
            assert end <= block.address + block.count
        if limits.even_only and block.function > 1:
            assert block.address % 2 == block.count % 2 == 0


def test_gap_is_bridged_while_that_is_cheaper_than_a_request() -> None:
    line = LineSettings(baud=115_200)
    # A gap of g registers costs 2 g characters of 86 us; a request costs
    # 13 characters and 1.75 ms of silence: between 16 and 17 registers break even.
    near = plan_reads([point(0), point(2 + 16)], ReadLimits(), line, 0)
    far = plan_reads([point(0), point(2 + 18)], ReadLimits(), line, 0)
    assert [b.count for b in near] == [20]
    assert [b.count for b in far] == [2, 2]
    slow_unit = plan_reads([point(0), point(2 + 18)], ReadLimits(), line, TURNAROUND_NS)
    assert [b.count for b in slow_unit] == [22]


def test_best_split_is_not_the_greedy_one() -> None:
    """Filling the first request crosses a gap that the limit then wastes."""
    points = [point(0), point(50), *[point(a) for a in range(54, 114, 2)]]
    blocks = plan_reads(points, ReadLimits(max_registers=64), LINE, TURNAROUND_NS)
    assert [(b.address, b.count) for b in blocks] == [(0, 2), (50, 64)]


def test_bits_are_counted_as_bits() -> None:
    whole = [point(0, "u16", 1), point(1999, "u16", 1)]
    blocks = plan_reads(whole, ReadLimits(max_registers=2), LINE, 10**10)
    assert [b.count for b in blocks] == [2000]
    beyond = [*whole, point(2000, "u16", 1)]
    blocks = plan_reads(beyond, ReadLimits(max_registers=2), LINE, 10**10)
    assert [b.count for b in blocks] == [1, 2]
    assert transaction_ns(1, 9, LINE, 0) == 15 * LINE.character_ns + LINE.silence_ns


def test_time_of_a_transaction() -> None:
    # 9600 8N1: 10 bits at 104 us; 8 + 5 + 120 characters and a silence of 3.5.
    assert transaction_ns(3, 60, LINE, TURNAROUND_NS) == pytest.approx(
        136.5 * 10 / 9600 * 1e9 + 20e6, rel=1e-5
    )


def test_no_points_need_no_request() -> None:
    assert plan_reads([], ReadLimits(), LINE, TURNAROUND_NS) == ()


def test_point_beyond_the_limit_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"^point p7: needs 4 registers .* allows 3$"):
        plan_reads([point(7, "f64")], ReadLimits(max_registers=3), LINE, 0)
    with pytest.raises(UsageError, match="needs 4 registers"):
        plan_reads([point(7)], ReadLimits(max_registers=3, even_only=True), LINE, 0)
