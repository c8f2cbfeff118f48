"""A column on the wire: a map, its values in the encoding that suits them."""

from array import array
from collections.abc import Sequence
from typing import Any

from zerometer.agent.batch.errors import BadColumnError
from zerometer.agent.batch.model import Column
from zerometer.core._column import choose_order, decode_integers, encode_integers
from zerometer.core.columns import (
    decode_floats,
    decode_runs,
    encode_floats,
    encode_runs,
)
from zerometer.core.errors import FormatError

_FLOATS = {"float64": "d", "float32": "f"}
_SCALARS = (str, int, float, type(None))
_ENCODINGS = {"array", "constant", "delta", *_FLOATS}
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


def pack_column(column: Column) -> dict[str, Any]:
    """Return *column* as a map; entries that have their default are left out."""
    entry: dict[str, Any] = {"name": column.name}
    if column.unit:
        entry["unit"] = column.unit
    if column.exponent:
        entry["exponent"] = column.exponent
    entry.update(_pack_values(column.values))
    if column.nulls is not None and any(column.nulls):
        entry["nulls"] = encode_runs(column.nulls)
    return entry


def unpack_column(entry: Any, count: int, table: str) -> Column | None:
    """Return the column of *count* rows, or None when its encoding is unknown."""
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
        values = _unpack_values(entry, encoding, count, where)
        nulls = decode_runs(runs, count) if runs else None
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


def _pack_values(values: "array[Any] | list[Any]") -> dict[str, Any]:
    if isinstance(values, list):
        return {"encoding": "array", "data": values}
    raw = values.tobytes()
    if values.typecode != "f" and raw and raw == raw[:8] * len(values):
        return {"encoding": "constant", "data": values[0]}
    if values.typecode == "q":
        order = choose_order(values)
        data = encode_integers(values, order)
        return {"encoding": "delta", "order": order, "data": data}
    encoding = "float64" if values.typecode == "d" else "float32"
    return {"encoding": encoding, "data": encode_floats(values)}


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
