"""What a meter map says about meeting a meter: identity, settings, variants."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from zerometer.config import keys
from zerometer.config.problems import near
from zerometer.config.table import Table, is_number, shown
from zerometer.core.identity import (
    REGISTERS_OF_KIND,
    Check,
    Expected,
    Identity,
    Match,
    Register,
    RegisterKind,
    Variant,
)
from zerometer.core.points import REGISTERS_OF, Point, WordOrder

KINDS: tuple[str, ...] = get_args(RegisterKind)
MATCHES: tuple[str, ...] = get_args(Match)
ORDERS: tuple[str, ...] = get_args(WordOrder)

#: Functions that read registers; what tells a meter is never a single bit.
HOLDING, INPUT = 3, 4

#: Registers of a text, at most.
MAX_TEXT = 64

#: What a variant may not change of a counter: where it rolls over depends on it.
_OF_COUNTERS = ("type", "scale")


def read_identity(top: Table, function: int | None) -> Identity | None:
    """Return what ``[identity]`` says; *function* holds where it states none."""
    table = top.table("identity", "identity", keys.MAP_IDENTITY)
    if "identity" not in top:
        return None
    serial = None
    if "serial" in table:
        serial = _register(
            table.table("serial", "identity: serial", keys.MAP_REGISTER), function
        )
    named = [key for key in keys.MAP_IDENTITY if key in table and key != "serial"]
    if serial is not None and not named:
        return Identity(serial=serial)
    return Identity(
        model=_expected(table, function),
        optional=table.flag("optional", False),
        serial=serial,
    )


def read_checks(top: Table, function: int | None) -> tuple[Check, ...]:
    """Return what ``[[check]]`` says."""
    return tuple(
        Check(expected=_expected(table, function), note=table.text("note").strip())
        for table in top.listed("check", keys.MAP_CHECK)
    )


def read_variants(
    top: Table, function: int | None, points: Mapping[str, Point]
) -> tuple[Variant, ...]:
    """Return what ``[variant.NAME]`` says of these *points* of the map."""
    variants = []
    for name, table in top.named("variant", keys.MAP_VARIANT):
        if "when" not in table:
            table.missing("when", "the register that tells this variant")
            continue
        where = f"{table.where}: when"
        when = _expected(table.table("when", where, keys.MAP_WHEN), function)
        changed = table.table("points", f"{table.where}: points")
        if not changed.values:
            table.missing("points", "what differs from the points of the map")
        variants.append(
            Variant(
                name=name,
                when=when,
                points={
                    point: _changed(changed, point, points)
                    for point in changed.values
                    if _known(changed, point, points)
                },
            )
        )
    return tuple(variants)


def _expected(table: Table, function: int | None) -> Expected:
    register = _register(table, function)
    match = table.choice("match", MATCHES, "equal")
    if match == "prefix" and register.kind != "string":
        table.error("match", "only a string has a prefix")
    return Expected(
        register=register,
        values=_values(table, register.kind),
        match=cast(Match, match),
    )


def _values(table: Table, kind: str) -> tuple[int | str, ...]:
    values = table.values.get("values")
    wanted = "strings" if kind == "string" else "whole numbers from 0"
    if values is None:
        table.missing("values", f"a list of {wanted}: any of them is right")
        return ()
    if not isinstance(values, list) or not values:
        table.error("values", f"{shown(values)} is not a list of {wanted}")
        return ()
    for index, value in enumerate(values):
        right = isinstance(value, str) if kind == "string" else is_whole(value)
        if not right:
            table.error(
                "values", f"{shown(value)} does not go: it takes {wanted}", index
            )
    return tuple(values)


def is_whole(value: object) -> bool:
    """Tell whether a TOML value is a whole number, not below zero."""
    return isinstance(value, int) and is_number(value) and value >= 0


def _register(table: Table, function: int | None) -> Register:
    kind = table.choice("type", KINDS, None)
    count = REGISTERS_OF_KIND.get(kind, 1)
    if kind == "string":
        count = table.integer("registers", 1, MAX_TEXT)
    elif "registers" in table:
        table.error("registers", "only a string states how many it takes")
    address = table.integer("address", 0, 65_535)
    if address + count > 65_536:
        table.error("address", f"{address} leaves no room; last: {65_536 - count}")
    return Register(
        function=table.integer("function", HOLDING, INPUT, function),
        address=address,
        kind=cast(RegisterKind, kind),
        count=count,
        order=cast(WordOrder, table.choice("order", ORDERS, "ABCD")),
    )


def _known(changed: Table, name: str, points: Mapping[str, Point]) -> bool:
    if name not in points:
        message = f"the map has no such point{near(name, points)}"
        changed.error(name, message, of_key=True)
    return name in points


def _changed(changed: Table, name: str, points: Mapping[str, Point]) -> Point:
    """Return the map's point *name* with what the variant says of it."""
    point = points[name]
    table = changed.table(name, f"{changed.where}: {name}", keys.MAP_VARIANT_POINT)
    if point.kind == "counter":
        for key in _OF_COUNTERS:
            if key in table:
                message = "a counter keeps it, as it decides where it rolls over"
                table.error(key, f"{message}; make another map", of_key=True)
    changes: dict[str, Any] = {
        "function": table.integer("function", 1, 4, point.function),
        "type": table.choice("type", tuple(REGISTERS_OF), point.type),
        "order": table.choice("order", ORDERS, point.order),
        "scale": table.number("scale", point.scale),
    }
    if changes["scale"] == 0.0:
        table.error("scale", "0 makes every value 0")
        changes["scale"] = 1.0
    address = table.integer("address", 0, 65_535, point.address)
    last = 65_536 - REGISTERS_OF.get(changes["type"], 1)
    if address > last:
        message = f"{address} leaves no room for {changes['type']}"
        table.error("address", f"{message}; last: {last}")
    return replace(point.moved(address - point.address), **changes)
