"""From a value to the registers that show it: the inverse of decoding."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from zerometer.core.points import STEPLESS, Part, Point
from zerometer.drivers.simulator import numbers

#: Step of a counter in floating point whose map states no resolution.
FLOAT_STEP = 0.001

#: How much of a value the first of several equal parts shows, as tariffs do.
_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Shown:
    """Register bytes in wire order by address, and the value that they say."""

    registers: tuple[tuple[int, bytes], ...]
    said: float


def shown(point: Point, value: float, ratio: float = 1.0) -> Shown:
    """Return the registers that show *value*, which *ratio* multiplies, as *point*.

    Counters are rounded down to their step and roll over; gauges are rounded and
    stop at the ends of the type's range.
    """
    total = (_unformed(point, value) - point.offset) / ratio
    negative = point.sign is not None and total < 0
    if negative:
        total = -total
    parts: tuple[Point | Part, ...] = (point, *point.plus)
    raws = _raws(point, parts, total)
    registers = [
        (part.address, numbers.encode(part, raw))
        for part, raw in zip(parts, raws, strict=True)
    ]
    said = sum(
        numbers.said(part, raw) * part.scale
        for part, raw in zip(parts, raws, strict=True)
    )
    if point.sign:
        word = (1 << point.sign.bit) if negative else 0
        registers.append((point.sign.address, word.to_bytes(2, "big")))
    said = (-said if negative else said) * ratio + point.offset
    return Shown(tuple(registers), _formed(point, said))


def _unformed(point: Point, value: float) -> float:
    """Return what the registers say of a *value* of the point's form."""
    if point.codes:
        return min(point.codes, key=lambda pair: abs(pair[1] - value))[0]
    if point.form == "pow10":
        return math.log10(value)
    if point.form == "absolute":
        # Meters that need this count below zero.
        return -abs(value) if point.type[0] == "i" else abs(value)
    if point.form == "4q_fp_pf":
        # A leading power factor, which is the one that is folded.
        return math.copysign(2.0, value) - value
    return value


def _formed(point: Point, said: float) -> float:
    if point.codes:
        return dict(point.codes)[said]
    if point.form == "pow10":
        return math.pow(10.0, said)
    if point.form == "absolute":
        return abs(said)
    if point.form == "4q_fp_pf" and abs(said) > 1.0:
        return float(math.copysign(2.0, said) - said)
    return said


def _raws(
    point: Point, parts: Sequence[Point | Part], total: float
) -> list[float | int]:
    """Return the numbers in the registers, those of the largest scale first."""
    order = sorted(range(len(parts)), key=lambda i: -abs(parts[i].scale))
    last = parts[order[-1]]
    if point.kind == "counter":
        total = _floored(point, total)
    elif len(parts) > 1 and last.type not in numbers.INEXACT:
        # First, because a part that is full cannot round up into the one before.
        total = round(total / last.scale) * last.scale
    raws: list[float | int] = [0] * len(parts)
    for place, index in enumerate(order):
        part = parts[index]
        later = [parts[i] for i in order[place + 1 :]]
        raws[index] = _raw(part, total, later)
        total -= numbers.said(part, raws[index]) * part.scale
    return raws


def modulus_of(point: Point) -> float:
    """Return where a counter's registers roll over, in its unit before ratios."""
    if point.modulus is not None:
        return point.modulus
    if point.plus or point.type in STEPLESS:
        return math.inf
    return (numbers.limits(point)[1] + 1) * abs(point.scale)


def _floored(point: Point, total: float) -> float:
    """Return what a counter shows of *total*: whole steps, and rolled over."""
    modulus = modulus_of(point)
    step = point.step or point.resolution or FLOAT_STEP
    if point.step:
        # In whole steps: the modulus of a counter is seldom a binary fraction.
        count = int(total / step + math.copysign(1e-7, total))
        if modulus < math.inf:
            count = int(math.fmod(count, round(modulus / step)))
        return count * step
    total = math.fmod(total, modulus)
    return math.floor(total / step) * step


def _raw(part: Point | Part, rest: float, later: Sequence[Point | Part]) -> float | int:
    """Return what *part* shows of *rest*; *later* parts show what is left."""
    exact = rest / part.scale
    if any(other.scale == part.scale for other in later):
        exact *= _SHARE
    if part.type in numbers.INEXACT:
        return exact
    low, high = numbers.limits(part)
    if not later:
        raw = round(exact)
    elif any(other.type[0] in "ift" for other in later):
        # Some meters count exports below zero: towards zero is down for both.
        raw = int(exact + math.copysign(1e-7, exact))
    else:
        raw = math.floor(exact + 1e-7)
    return min(max(raw, low), high)
