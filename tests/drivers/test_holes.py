"""Splitting what a meter refuses: every point stays in exactly one read."""

from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.planner import plan_reads
from zerometer.core.points import LineSettings, Point, ReadLimits
from zerometer.drivers.holes import around_holes, halved, key_of


def points_at(addresses: list[int], function: int = 3) -> list[Point]:
    return [
        Point(name=f"p{address}", function=function, address=address, type="u16")
        for address in addresses
    ]


@given(
    addresses=st.lists(st.integers(0, 300), min_size=1, max_size=20, unique=True),
    function=st.sampled_from([1, 3]),
    even_only=st.booleans(),
    holes=st.sets(st.integers(0, 300), max_size=6),
)
def test_reads_end_up_without_holes_or_alone(
    addresses: list[int], function: int, even_only: bool, holes: set[int]
) -> None:
    points = points_at(addresses, function)
    limits = ReadLimits(even_only=even_only)
    blocks = list(plan_reads(points, limits, LineSettings(), 20_000_000))
    refused: set[tuple[int, int, int]] = set()
    for _ in range(400):
        bad = next(
            (
                block
                for block in blocks
                if len(block.points) > 1
                and holes & set(range(block.address, block.address + block.count))
            ),
            None,
        )
        if bad is None:
            break
        refused.add(key_of(bad))
        blocks = around_holes(blocks, refused, points, limits)
    assert bad is None
    read = sorted(index for block in blocks for index in block.points)
    assert read == list(range(len(points)))
    for block in blocks:
        for index in block.points:
            address = points[index].address
            assert block.address <= address < block.address + block.count
        if even_only and function == 3:
            assert block.address % 2 == block.count % 2 == 0


def test_one_point_cannot_be_halved() -> None:
    points = points_at([5])
    (block,) = plan_reads(points, ReadLimits(), LineSettings(), 0)
    assert halved(block, points, ReadLimits()) is None
    assert around_holes([block], {key_of(block)}, points, ReadLimits()) == [block]
