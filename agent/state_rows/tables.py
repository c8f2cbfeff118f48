"""The tables of the stream ``state``, and ``restatement``: names and columns."""

from collections.abc import Sequence

from zerometer.agent.gather import Field, Value


def _texts(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, "", None, "text") for name in names)


def _integer(name: str, unit: str = "") -> Field:
    return Field(name, unit, 0, "integer")


def _number(name: str, unit: str = "") -> Field:
    return Field(name, unit, None)


def _moment(name: str) -> Field:
    """Return a column of ms since 1970 UTC, in which a row may have none."""
    return Field(name, "ms", 0)


#: By table, its columns after ``time``.
TABLES: dict[str, tuple[Field, ...]] = {
    "config/site": (
        *_texts("revision", "id", "name", "timezone"), _number("tick", "s"),
        *_texts("version"),
    ),
    "config/buses": (*_texts("bus", "protocol", "port"), _integer("baud")),
    "config/meters": (
        *_texts("meter", "name", "bus"), _integer("unit"), _integer("channel"),
        *_texts("serial", "map", "map_revision", "ct", "pt", "class"),
        _number("uncertainty", "%"),
    ),
    "config/points": (
        *_texts("meter", "point", "unit", "group", "kind"), _number("resolution"),
        _number("period", "s"), _integer("function"), _integer("address"),
        *_texts("type", "ratio"),
    ),
    "config/maps": _texts("map", "revision", "vendor", "model"),
    "config/graph": _texts(
        "place", "role", "kind", "carrier", "unit", "pool", "measure"
    ),
    "config/origins": (
        *_texts("origin", "view"), _integer("scope"), *_texts("ghg"), _integer("iso"),
    ),
    "config/factors": (
        *_texts("origin", "view"), _number("value", "kg"),
        *_texts("unit", "factor"), _integer("revision"), _moment("from"),
        _moment("until"), *_texts("status", "source"),
    ),
    "clock": (
        *_texts("cause", "boot"), _integer("boottime", "ms"),
        _integer("before", "ms"), _integer("after", "ms"), _integer("synchronised"),
    ),
    "health/buses": (
        *_texts("bus", "state"), _integer("requests"), _integer("errors"),
        _number("utilisation"),
    ),
    "health/meters": _texts("meter", "state"),
    "health/gateway": (
        _integer("journal", "B"), _number("free", "B"), _integer("backlog"),
        _integer("commits"), _number("temperature", "degC"),
    ),
}  # fmt: skip

#: A row: the table's name and its values after ``time``.
Row = tuple[str, Sequence[Value]]
