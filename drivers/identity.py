"""What a unit says of itself, against what its map and the site file expect."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from zerometer.core.identity import Check, Expected, Identity, Register, Variant
from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.core.points import Point
from zerometer.drivers.questions import Dialogue, ask


class Verdict(NamedTuple):
    """Whether a unit is the right one, and what to say about it if anything."""

    right: bool
    text: str = ""


def examine(identity: Identity, limits: ReadLimits) -> Dialogue[Verdict]:
    """Ask for the model."""
    if identity.model is None:
        return Verdict(True)
    found = yield from ask(identity.model.register, limits)
    if found is None:
        if identity.optional:
            return Verdict(True)
        return Verdict(False, f"{_refused(identity.model.register)}: {_ANOTHER}")
    if identity.model.holds(found):
        return Verdict(True)
    return Verdict(False, f"{_difference(identity.model, found)}: {_ANOTHER}")


def serial_number(register: Register, limits: ReadLimits) -> Dialogue[str]:
    """Ask for the serial number; empty if the unit has none to tell.

    Registers that nobody filled are all zeros or all ones.
    """
    found = yield from ask(register, limits)
    if not found or found == (1 << 16 * register.count) - 1:
        return ""
    return str(found)


def compared(stated: str, found: str) -> Verdict:
    """Compare the serial number *found* with the one the site file *stated*."""
    if not stated or _plain(stated) == _plain(found):
        return Verdict(True)
    if not found:
        return Verdict(
            True, f"tells no serial number: that it is {stated} cannot be checked"
        )
    return Verdict(
        False,
        f"is the meter with serial number {found}, expected {stated}, as the site file "
        "says: its values are missing until it is back or the site file is changed",
    )


def variant_of(meter_map: MeterMap) -> Dialogue[Variant | None]:
    """Return the first variant of the map that the unit is, None if it is none."""
    for variant in meter_map.variants:
        found = yield from ask(variant.when.register, meter_map.limits)
        if found is not None and variant.when.holds(found):
            return variant
    return None


def varied(
    points: Sequence[Point], meter_map: MeterMap, variant: Variant
) -> list[Point]:
    """Return *points* as *variant* has them.

    A site makes points of its own from points of the map, in the same registers and
    maybe with another scale.
    """
    changed = {
        _place(base): (base, variant.points[base.name])
        for base in meter_map.points
        if base.name in variant.points
    }
    return [_as(point, *changed.get(_place(point), (point, point))) for point in points]


def _place(point: Point) -> tuple[int, int, tuple[int, ...]]:
    return point.function, point.address, point.models


def _as(point: Point, base: Point, other: Point) -> Point:
    """Return *point*, made from *base*, as if it were made from *other*."""
    return replace(
        point.moved(other.address - base.address),
        function=other.function,
        type=other.type,
        order=other.order,
        scale=point.scale * (other.scale / base.scale),
    )


def setting(check: Check, limits: ReadLimits) -> Dialogue[str]:
    """Return what is wrong with a setting of the meter; empty if it is right."""
    found = yield from ask(check.expected.register, limits)
    if found is None:
        return f"{_refused(check.expected.register)}: cannot be checked; {check.note}"
    if check.expected.holds(found):
        return ""
    return f"{_difference(check.expected, found)}: {check.note}"


_ANOTHER = (
    "not the meter that its map describes; its values are missing until it is: check "
    "map, unit and wiring"
)


def _difference(expected: Expected, found: int | str) -> str:
    values = " or ".join(_shown(value) for value in expected.values)
    if expected.match == "prefix":
        values += " ..."
    return f"{_named(expected.register)} says {_shown(found)}, expected {values}"


def _refused(register: Register) -> str:
    return f"{_named(register)} is refused"


def _named(register: Register) -> str:
    return f"register {register.address} (function {register.function})"


def _shown(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _plain(serial: str) -> str:
    """Return *serial* without what people write differently: case, blanks, zeros."""
    return serial.replace(" ", "").upper().lstrip("0")
