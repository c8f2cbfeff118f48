"""How the points of one request become the fields of a decode plan."""

from collections.abc import Sequence

from zerometer.core._decode import DecodePlan
from zerometer.core.points import Point, ReadBlock


def decode_plan(points: Sequence[Point], block: ReadBlock) -> DecodePlan:
    """Return the plan that decodes replies to *block*.

    Its fields run beside ``block.points``, which are indices into *points*. What
    functions 1 and 2 read has one bit for each point, whatever its type.
    """
    return DecodePlan([_field(points[index], block) for index in block.points])


def _field(
    point: Point, block: ReadBlock
) -> tuple[int, str, str, float, float, tuple[int, ...]]:
    kind = "bit" if block.function <= 2 else point.type
    place = point.address - block.address
    return place, kind, point.order, point.scale, point.offset, point.invalid
