"""The points of a meter map file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from zerometer.config import keys
from zerometer.config.map_parts import (
    ORDERS,
    read_address,
    read_bits,
    read_codes,
    read_form,
    read_invalid,
    read_models,
    read_plus,
    read_scale,
    read_sign,
)
from zerometer.config.problems import near
from zerometer.config.table import Table, shown
from zerometer.core.points import (
    REGISTERS_OF,
    Group,
    Kind,
    Point,
    Ratio,
    RegisterType,
    WordOrder,
)
from zerometer.core.units import UNITS

KINDS: tuple[str, ...] = get_args(Kind)
RATIOS: tuple[str, ...] = get_args(Ratio)
_DIGITS = {"bcd16": 4, "bcd32": 8, "bcd64": 16}


@dataclass(frozen=True)
class Defaults:
    """What holds for points that do not say otherwise.

    ``fractions`` are the ratios that may be below 1: powers of ten, and codes.
    """

    plain: dict[str, Any]
    invalid: Table
    resolution: Table
    fractions: frozenset[str]

    @property
    def function(self) -> int | None:
        """The Modbus function, if one is stated."""
        return self.plain.get("function")


def read_defaults(top: Table) -> Defaults:
    """Return what the tables say that hold for all points."""
    return Defaults(
        plain=_plain(top.table("defaults", "defaults", keys.MAP_DEFAULTS)),
        invalid=top.table("invalid", "invalid", tuple(REGISTERS_OF)),
        resolution=top.table("resolution", "resolution", tuple(UNITS)),
        fractions=_fractions(top.values.get("points")),
    )


def read_points(groups: Table, defaults: Defaults) -> dict[str, Point]:
    """Return the points by name, of all groups."""
    points: dict[str, Point] = {}
    for group in keys.MAP_GROUPS:
        tables = groups.table(group, f"points.{group}")
        for name in tables.values:
            table = tables.table(name, f'point "{name}"', keys.MAP_POINT)
            if name in points:
                tables.error(name, "stands in another group already", of_key=True)
            points[name] = _point(table, name, cast(Group, group), defaults)
    return points


def _point(table: Table, name: str, group: Group, defaults: Defaults) -> Point:
    table.values = {**defaults.plain, **table.values}
    kind = table.choice("kind", KINDS, "counter" if group == "energy" else "gauge")
    type_ = table.choice("type", tuple(REGISTERS_OF), None)
    order = table.choice("order", ORDERS, "ABCD")
    address = read_address(table, type_)
    unit = table.text("unit", "")
    if unit not in UNITS:
        table.error("unit", f"no unit named {shown(unit)}{near(unit, UNITS)}")
    times = table.texts("times")
    point = Point(
        name=name,
        function=table.integer("function", 1, 4),
        address=address,
        type=cast(RegisterType, type_),
        order=cast(WordOrder, order),
        scale=read_scale(table),
        offset=table.number("offset", 0.0),
        unit=unit,
        group=group,
        kind=cast(Kind, kind),
        ratio=_ratio(table, times),
        times=times,
        bits=read_bits(table, type_),
        plus=read_plus(table, defaults.invalid, type_, order),
        sign=read_sign(table),
        form=read_form(table, group),
        codes=read_codes(table, group),
        models=read_models(table),
        shared=table.flag("shared", False),
        invalid=read_invalid(table, defaults.invalid, type_),
        cross_checked=table.flag("cross_checked", False),
    )
    if type_ not in REGISTERS_OF:
        return point
    return replace(
        point,
        modulus=_modulus(table, point),
        resolution=_resolution(table, defaults, point),
    )


def _plain(table: Table) -> dict[str, Any]:
    """Return the defaults that hold, so that a wrong one is reported once."""
    checked: dict[str, Any] = {
        "function": table.integer("function", 1, 4, 3),
        "type": table.choice("type", tuple(REGISTERS_OF), ""),
        "order": table.choice("order", ORDERS, "ABCD"),
        "model": list(read_models(table)),
    }
    for key, options in (("type", tuple(REGISTERS_OF)), ("order", ORDERS)):
        if checked[key] not in options:
            checked[key] = options[0]
    return {key: checked[key] for key in checked if key in table}


def _fractions(groups: object) -> frozenset[str]:
    ratios = groups.get("ratio") if isinstance(groups, Mapping) else None
    if not isinstance(ratios, Mapping):
        return frozenset()
    return frozenset(
        name
        for name, values in ratios.items()
        if isinstance(values, Mapping)
        and (values.get("as") == "pow10" or "codes" in values)
    )


def _ratio(table: Table, times: tuple[str, ...]) -> Ratio:
    ratio = table.choice("ratio", RATIOS, "register" if times else "primary")
    if (ratio == "register") != bool(times):
        table.error("ratio", '"register" goes with times, and times with "register"')
    return cast(Ratio, ratio)


def _modulus(table: Table, point: Point) -> float | None:
    """Return where a counter rolls over.

    For unsigned integers that are all of a value, at their width.
    """
    if point.kind == "gauge":
        if "modulus" in table:
            table.error("modulus", "a gauge does not roll over; only counters have it")
        return None
    if "modulus" in table or point.plus:
        return table.positive("modulus", 0.0) or None
    if point.type in _DIGITS:
        return 10.0 ** _DIGITS[point.type] * point.scale
    if point.type[0] != "u":
        return None
    low, high = point.bits or (0, 16 * point.registers - 1)
    return float(2 ** (high - low + 1)) * point.scale


def _resolution(table: Table, defaults: Defaults, point: Point) -> float | None:
    """Return the step worth forwarding: of integers, what one unit of them is."""
    if "resolution" in table:
        return table.positive("resolution")
    fraction = not defaults.fractions.isdisjoint(point.times)
    if point.step and not fraction:
        return point.step
    if fraction and point.kind == "counter":
        return None
    return defaults.resolution.positive(point.unit, 0.0) or None
