"""A meter map file: what it may say, and how it becomes a core.points.MeterMap."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from zerometer.config import keys
from zerometer.config.document import Document
from zerometer.config.line import line_settings
from zerometer.config.map_identity import read_checks, read_identity, read_variants
from zerometer.config.problems import Problems, near
from zerometer.config.table import Table, is_number, shown
from zerometer.core.points import (
    REGISTERS_OF,
    Group,
    Kind,
    MeterMap,
    Point,
    Ratio,
    ReadLimits,
    RegisterType,
    WordOrder,
)
from zerometer.core.units import UNITS

FORMAT = 1
CONFIDENCE = ("high", "medium", "low")
ORDERS: tuple[str, ...] = get_args(WordOrder)
KINDS: tuple[str, ...] = get_args(Kind)
RATIOS: tuple[str, ...] = get_args(Ratio)
#: Modbus allows 125 registers in one request of function 3 or 4.
MAX_REGISTERS = 125
_UNSIGNED = {"u16": 16, "u32": 32, "u64": 64}


def parse_map(document: Document, problems: Problems) -> MeterMap:
    """Return the map that *document* describes; problems are collected."""
    top = Table(
        document, problems, path=(), values=document.values, where="map", keys=keys.MAP
    )
    check_format(top, FORMAT)
    map_id = top.identifier("id")
    name = Path(document.file).stem
    if map_id and map_id != name:
        top.error("id", f'"{map_id}" is not the name of its file, "{name}"')
    defaults = _Defaults(
        plain=_plain(top.table("defaults", "defaults", keys.MAP_DEFAULTS)),
        invalid=top.table("invalid", "invalid", tuple(REGISTERS_OF)),
        resolution=top.table("resolution", "resolution", tuple(UNITS)),
    )
    points = _points(top, defaults)
    function = defaults.plain.get("function")
    return MeterMap(
        id=map_id,
        vendor=top.text("vendor"),
        model=top.text("model"),
        category=top.text("category"),
        confidence=cast(Any, top.choice("confidence", CONFIDENCE, None)),
        points=tuple(points.values()),
        line=line_settings(top.table("line", "line", keys.MAP_LINE)),
        limits=_limits(top.table("read", "read", keys.MAP_READ)),
        identity=read_identity(top, function),
        checks=read_checks(top, function),
        variants=read_variants(top, function, points),
        sources=top.texts("sources"),
        notes=top.text("notes", "").strip(),
    )


def check_format(top: Table, newest: int) -> None:
    """Check the format's number: it must be there and be known."""
    value = top.values.get("format")
    if value is None:
        top.missing("format", f"this version reads format = {newest}")
    elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
        top.error("format", f"{shown(value)} is not a format; known: {newest}")
    elif value > newest:
        top.error(
            "format", f"{value} is newer than this version reads; known: {newest}"
        )


def _limits(read: Table) -> ReadLimits:
    single = read.values.get("single", [])
    if not isinstance(single, list) or not all(_is_address(item) for item in single):
        read.error("single", f"{shown(single)} is not a list of addresses")
        single = []
    timeout_ns = read.duration_ns("timeout", "10ms", "10s", 0)
    return ReadLimits(
        max_registers=read.integer("max_registers", 1, MAX_REGISTERS, MAX_REGISTERS),
        bridge_gaps=read.flag("bridge_gaps", True),
        even_only=read.flag("even_only", False),
        single=tuple(single),
        min_delay_ms=read.duration_ns("min_delay", "0ms", "10s", 0) // 1_000_000,
        timeout_ms=timeout_ns // 1_000_000 or None,
    )


def _is_address(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 65536


@dataclass(frozen=True)
class _Defaults:
    """What holds for points that do not say otherwise."""

    plain: dict[str, Any]
    invalid: Table
    resolution: Table


def _points(top: Table, defaults: _Defaults) -> dict[str, Point]:
    groups = top.table("points", "points", keys.MAP_GROUPS)
    points: dict[str, Point] = {}
    for group in keys.MAP_GROUPS:
        tables = groups.table(group, f"points.{group}")
        for name in tables.values:
            table = tables.table(name, f'point "{name}"', keys.MAP_POINT)
            if name in points:
                tables.error(name, "stands in another group already", of_key=True)
            points[name] = _point(table, name, cast(Group, group), defaults)
    if not points:
        top.missing("points")
    _check_times(groups, points)
    _check_overlaps(groups, points)
    return points


def _point(table: Table, name: str, group: Group, defaults: _Defaults) -> Point:
    table.values = {**defaults.plain, **table.values}
    kind = table.choice("kind", KINDS, "counter" if group == "energy" else "gauge")
    type_ = table.choice("type", tuple(REGISTERS_OF), None)
    address = table.integer("address", 0, 65535)
    last = 65536 - REGISTERS_OF.get(type_, 1)
    if address > last:
        table.error("address", f"{address} leaves no room for {type_}; last: {last}")
    unit = table.text("unit", "")
    if unit not in UNITS:
        table.error("unit", f"no unit named {shown(unit)}{near(unit, UNITS)}")
    scale = table.number("scale", 1.0)
    if scale == 0.0:
        table.error("scale", "0 makes every value 0")
    times = table.texts("times")
    return Point(
        name=name,
        function=table.integer("function", 1, 4),
        address=address,
        type=cast(RegisterType, type_),
        order=cast(WordOrder, table.choice("order", ORDERS, "ABCD")),
        scale=scale,
        offset=table.number("offset", 0.0),
        unit=unit,
        group=group,
        kind=cast(Kind, kind),
        ratio=_ratio(table, times),
        times=times,
        modulus=_modulus(table, kind, type_, scale),
        resolution=_resolution(table, defaults.resolution, type_, unit, scale),
        invalid=_invalid(table, defaults.invalid, type_),
        cross_checked=table.flag("cross_checked", False),
    )


def _plain(table: Table) -> dict[str, Any]:
    """Return the defaults that hold, so that a wrong one is reported once."""
    checked: dict[str, Any] = {
        "function": table.integer("function", 1, 4, 3),
        "type": table.choice("type", tuple(REGISTERS_OF), ""),
        "order": table.choice("order", ORDERS, "ABCD"),
    }
    for key, options in (("type", tuple(REGISTERS_OF)), ("order", ORDERS)):
        if checked[key] not in options:
            checked[key] = options[0]
    return {key: checked[key] for key in checked if key in table}


def _ratio(table: Table, times: tuple[str, ...]) -> Ratio:
    ratio = table.choice("ratio", RATIOS, "register" if times else "primary")
    if (ratio == "register") != bool(times):
        table.error("ratio", '"register" goes with times, and times with "register"')
    return cast(Ratio, ratio)


def _modulus(table: Table, kind: str, type_: str, scale: float) -> float | None:
    """Return where a counter rolls over: for unsigned integers, at their width."""
    if kind == "gauge":
        if "modulus" in table:
            table.error("modulus", "a gauge does not roll over; only counters have it")
        return None
    if "modulus" in table or type_ not in _UNSIGNED:
        return table.positive("modulus", 0.0) or None
    return float(2 ** _UNSIGNED[type_]) * scale


def _resolution(
    table: Table, by_unit: Table, type_: str, unit: str, scale: float
) -> float | None:
    """Return the step worth forwarding: of integers, what one unit of them is."""
    if "resolution" in table:
        return table.positive("resolution")
    if not type_.startswith("f"):
        return abs(scale)
    return by_unit.positive(unit, 0.0) or None


def _invalid(table: Table, by_type: Table, type_: str) -> tuple[int, ...]:
    own = "invalid" in table
    source, key = (table, "invalid") if own else (by_type, type_)
    value = source.values.get(key, [])
    if not isinstance(value, list) or not all(
        isinstance(item, int) and is_number(item) for item in value
    ):
        source.error(key, f"{shown(value)} is not a list of whole numbers")
        return ()
    return tuple(value)


def _check_times(groups: Table, points: dict[str, Point]) -> None:
    ratios = [point.name for point in points.values() if point.group == "ratio"]
    for point in points.values():
        for name in point.times:
            if name not in ratios:
                message = f"no ratio point named {shown(name)}{near(name, ratios)}"
                groups.error(point.group, message, point.name, "times")


def _check_overlaps(groups: Table, points: dict[str, Point]) -> None:
    """Warn of two points in one register: it is legal, and more often a slip."""
    taken: dict[tuple[int, int], str] = {}
    for point in points.values():
        if point.type not in REGISTERS_OF:
            continue
        cells = [(point.function, point.address + i) for i in range(point.registers)]
        other = next((taken[cell] for cell in cells if cell in taken), None)
        if other is not None:
            message = f'shares registers with "{other}"'
            groups.warn(point.group, message, point.name)
        taken.update(dict.fromkeys(cells, point.name))
