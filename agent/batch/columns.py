"""A column on the wire: a map, its values in the encoding that suits them."""

from array import array
from collections.abc import Sequence
from math import isfinite
from typing import Any

from zerometer.agent.batch.errors import BadColumnError
from zerometer.agent.batch.linear import Linear, LinearWriter, as_multiples
from zerometer.agent.batch.model import Column
from zerometer.core._column import decode_integers
from zerometer.core.columns import (
    decode_floats,
    decode_runs,
    encode_floats,
    encode_runs,
)
from zerometer.core.errors import FormatError

_FLOATS = {"float64": "d", "float32": "f"}
_SCALARS = (str, int, float, type(None))
_ENCODINGS = {"array", "constant", "delta", "linear", *_FLOATS}
_INT64 = range(-(1 << 63), 1 << 63)


def take(
    entry: Any,
    name: str,
    kind: type,
    where: Sequence[str],
    error: type[FormatError],
    *,
    default: Any = None,
) -> Any:
    """Return what *entry*, a map, holds under *name*; raise *error* unless a *kind*.

    An absent entry is *default*, if that is given. *where*, a text or the parts of
    one, is put together only for an error: there are many columns.
    """
    value = entry.get(name, default) if isinstance(entry, dict) else None
    if type(value) is not kind:
        shown = "not there" if value is None else f"is {repr(value)[:40]}"
        raise error(f"{''.join(where)}: {name}: {shown}, allowed is a {kind.__name__}")
    return value


def pack_column(column: Column, writer: LinearWriter) -> dict[str, Any]:
    """Return *column* as a map; entries that have their default are left out.

    The numbers of a linear column go to *writer*, which has seen all before it.
    """
    entry: dict[str, Any] = {"name": column.name}
    if column.unit:
        entry["unit"] = column.unit
    if column.exponent:
        entry["exponent"] = column.exponent
    entry.update(_pack_values(column, writer))
    if column.nulls is not None and any(column.nulls):
        entry["nulls"] = encode_runs(column.nulls)
    return entry


def unpack_column(entry: Any, count: int, table: str) -> Column | Linear | None:
    """Return the column of *count* rows, or None when its encoding is unknown.

    A linear one lacks its numbers yet.
    """
    name = take(entry, "name", str, ('table "', table, '": column'), BadColumnError)
    where = ('table "', table, '": column "', name, '"')
    encoding = take(entry, "encoding", str, where, BadColumnError)
    if encoding not in _ENCODINGS:
        return None
    unit = take(entry, "unit", str, where, BadColumnError, default="")
    exponent = take(entry, "exponent", int, where, BadColumnError, default=0)
    if not -22 <= exponent <= 22:
        raise BadColumnError(f"{''.join(where)}: exponent is {exponent}, not -22 to 22")
    runs = take(entry, "nulls", bytes, where, BadColumnError, default=b"")
    try:
        nulls = decode_runs(runs, count) if runs else None
        if encoding == "linear":
            scale = _scale(entry, exponent, where)
            return Linear(name, unit, exponent, scale, nulls, count, where)
        values = _unpack_values(entry, encoding, count, where)
    except BadColumnError:
        raise
    except FormatError as error:  # the codec does not know which column it is at
        raise type(error)(f"{''.join(where)}: {error}") from None
    if isinstance(values, array) and values.typecode == "q":
        return Column(name, unit, exponent, values, nulls)
    if exponent or (nulls is not None and isinstance(values, list)):
        raise BadColumnError(
            f"{''.join(where)}: has an exponent or nulls, which it cannot have"
        )
    return Column(name, unit, 0, values, nulls)


def _pack_values(column: Column, writer: LinearWriter) -> dict[str, Any]:
    values = column.values
    if isinstance(values, list):
        writer.skip()
        return {"encoding": "array", "data": values}
    if values.typecode == "q":
        writer.add(column.name, values, writer.encoded(column.name, values))
        return {"encoding": "linear"}
    floats = _pack_floats(values)
    multiples = as_multiples(column)
    if multiples:
        integers, scale = multiples
        encoded = writer.encoded(column.name, integers)
        if len(encoded) <= len(floats["data"]):
            writer.add(column.name, integers, encoded)
            return {"encoding": "linear", "scale": scale}
    writer.skip()
    return floats


def _pack_floats(values: "array[float]") -> dict[str, Any]:
    """Return floats as they are: of 32 bits if those hold them."""
    short = array("f", values)
    same = all(a == b or a != a for a, b in zip(short, values, strict=True))  # noqa: PLR0124
    if same:
        return {"encoding": "float32", "data": encode_floats(short)}
    return {"encoding": "float64", "data": encode_floats(array("d", values))}


def _scale(entry: dict[str, Any], exponent: int, where: Sequence[str]) -> float | None:
    if "scale" not in entry:
        return None
    scale: float = take(entry, "scale", float, where, BadColumnError)
    if exponent or not isfinite(scale):
        raise BadColumnError(
            f"{''.join(where)}: scale is {scale}, allowed is a finite one, "
            "without an exponent"
        )
    return scale


def _unpack_values(
    entry: dict[str, Any], encoding: str, count: int, where: Sequence[str]
) -> "array[Any] | list[Any]":
    if encoding == "array":
        return _unpack_list(entry, count, where)
    if encoding == "constant":
        value = entry.get("data")
        if isinstance(value, float):
            return array("d", [value]) * count
        value = take(entry, "data", int, where, BadColumnError)
        if value not in _INT64:
            raise BadColumnError(
                f"{''.join(where)}: data: {value} does not fit in 64 bits"
            )
        return array("q", [value]) * count
    data = take(entry, "data", bytes, where, BadColumnError)
    if encoding == "delta":
        order = take(entry, "order", int, where, BadColumnError, default=0)
        if not 0 <= order <= 2:
            raise BadColumnError(
                f"{''.join(where)}: order is {order}, allowed is 0, 1 or 2"
            )
        return decode_integers(data, count, order)
    return decode_floats(data, count, _FLOATS[encoding])


def _unpack_list(entry: dict[str, Any], count: int, where: Sequence[str]) -> list[Any]:
    values: list[Any] = take(entry, "data", list, where, BadColumnError)
    if len(values) != count:
        raise BadColumnError(
            f"{''.join(where)}: data has {len(values)} entries, expected {count}"
        )
    if not all(isinstance(value, _SCALARS) for value in values):
        raise BadColumnError(
            f"{''.join(where)}: data: allowed are texts, numbers, booleans, nil"
        )
    return values
