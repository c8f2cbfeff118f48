"""How the points of one request become the fields of a decode plan."""

from collections.abc import Sequence

from zerometer.core._decode import DecodePlan
from zerometer.core.identity import Register
from zerometer.core.points import Part, Point, ReadBlock

_Part = tuple[int, str, str, float, tuple[int, int] | None, tuple[int, ...]]
_Field = tuple[
    list[_Part], tuple[int, int] | None, float, tuple[tuple[float, float], ...], str
]


def decode_plan(points: Sequence[Point], block: ReadBlock) -> DecodePlan:
    """Return the plan that decodes replies to *block*.

    Its fields run beside ``block.points``, which are indices into *points*. What
    functions 1 and 2 read has one bit for each point, whatever its type.
    """
    return DecodePlan([_field(points[index], block) for index in block.points])


def told(register: Register, data: bytes) -> int | str:
    """Return what the *data* of *register* say: a number or a text.

    A text has one or two characters in a register, its order only says whether those
    are swapped; it ends in zeros or blanks. What is not ASCII is replaced.
    """
    words = [data[i : i + 2] for i in range(0, len(data), 2)]
    if register.order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    if register.kind == "string":
        return b"".join(words).replace(b"\0", b"").decode("ascii", "replace").strip()
    if register.order in ("CDAB", "DCBA"):
        words.reverse()
    return int.from_bytes(b"".join(words), "big")


def _field(point: Point, block: ReadBlock) -> _Field:
    parts = [_part(point, block), *(_part(part, block) for part in point.plus)]
    sign = None
    if point.sign:
        sign = ((point.sign.address - block.address) * block.width, point.sign.bit)
    return parts, sign, point.offset, point.codes, point.form


def _part(part: Point | Part, block: ReadBlock) -> _Part:
    kind = "bit" if block.function <= 2 else part.type
    place = (part.address - block.address) * block.width
    return place, kind, part.order, part.scale, part.bits, part.invalid
