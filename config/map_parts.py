"""What a point of a meter map is made of besides its own number."""

from typing import cast, get_args

from zerometer.config import keys
from zerometer.config.table import Table, is_number, shown
from zerometer.core.points import (
    REGISTERS_OF,
    Form,
    Part,
    RegisterType,
    SignBit,
    WordOrder,
)

ORDERS: tuple[str, ...] = get_args(WordOrder)
FORMS: tuple[str, ...] = get_args(Form)


def read_address(table: Table, type_: str) -> int:
    """Return the address of a number of *type_*."""
    address = table.integer("address", 0, 65_535)
    last = 65_536 - REGISTERS_OF.get(type_, 1)
    if address > last:
        table.error("address", f"{address} leaves no room for {type_}; last: {last}")
    return address


def read_scale(table: Table) -> float:
    """Return what multiplies a number; never 0."""
    scale = table.number("scale", 1.0)
    if scale == 0.0:
        table.error("scale", "0 makes every value 0")
        return 1.0
    return scale


def read_invalid(table: Table, by_type: Table, type_: str) -> tuple[int, ...]:
    """Return the raw integers that mean "no value": the table's own, or the type's."""
    own = "invalid" in table
    source, key = (table, "invalid") if own else (by_type, type_)
    value = source.values.get(key, [])
    if not isinstance(value, list) or not all(
        isinstance(item, int) and is_number(item) for item in value
    ):
        source.error(key, f"{shown(value)} is not a list of whole numbers")
        return ()
    bits = 16 * REGISTERS_OF.get(type_, 4)
    for item in value:
        if not -(1 << (bits - 1)) <= item < 1 << bits:
            source.error(key, f"{item} has more than the {bits} bits of {type_}")
            return ()
    return tuple(value)


def read_bits(table: Table, type_: str) -> tuple[int, int] | None:
    """Return the lowest and the highest bit that count; None for all."""
    if "bits" not in table:
        return None
    value = table.values["bits"]
    size = 16 * REGISTERS_OF.get(type_, 4)
    whole = isinstance(value, list) and all(type(item) is int for item in value)
    if not whole or len(value) != 2 or not 0 <= value[0] <= value[1] < size:
        message = f"is not a lowest and a highest bit within 0 to {size - 1}"
        table.error("bits", f"{shown(value)} {message}")
        return None
    if type_[0] not in "ui":
        table.error(
            "bits", f"{type_} is one number as a whole; only integers have bits"
        )
        return None
    return value[0], value[1]


def read_plus(table: Table, by_type: Table, type_: str, order: str) -> tuple[Part, ...]:
    """Return the parts that are added to a point of *type_* and *order*."""
    value = table.values.get("plus", [])
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        table.error("plus", f"{shown(value)} is not a list of tables")
        return ()
    parts = []
    for index, values in enumerate(value):
        part = Table(
            table.document,
            table.problems,
            path=(*table.path, "plus", index),
            values=values,
            where=f"{table.where}: plus {index + 1}",
            keys=keys.MAP_PART,
        )
        own = part.choice("type", tuple(REGISTERS_OF), type_)
        if own not in REGISTERS_OF:
            continue
        parts.append(
            Part(
                address=read_address(part, own),
                type=cast(RegisterType, own),
                order=cast(WordOrder, part.choice("order", ORDERS, order)),
                scale=read_scale(part),
                bits=read_bits(part, own),
                invalid=read_invalid(part, by_type, own),
            )
        )
    return tuple(parts)


def read_sign(table: Table) -> SignBit | None:
    """Return the bit that makes the value negative, None if there is none."""
    if "sign" not in table:
        return None
    sign = table.table("sign", f"{table.where}: sign", keys.MAP_SIGN)
    return SignBit(
        address=sign.integer("address", 0, 65_535), bit=sign.integer("bit", 0, 15)
    )


def read_form(table: Table, group: str) -> Form:
    """Return what becomes of the number."""
    form = table.choice("as", FORMS, "number")
    if form == "pow10" and group != "ratio":
        table.error("as", f'"pow10" is for ratios, not for points of {group}')
    return cast(Form, form)


def read_codes(table: Table, group: str) -> tuple[tuple[float, float], ...]:
    """Return numbers and the ratios that they stand for."""
    if "codes" not in table:
        return ()
    if group != "ratio":
        table.error("codes", f"are for ratios, not for points of {group}")
    if "as" in table:
        table.error("codes", "say already what becomes of the number; leave out as")
    codes = table.table("codes", f"{table.where}: codes")
    pairs = []
    for key in codes.values:
        try:
            code = float(key)
        except ValueError:
            codes.error(key, f"{shown(key)} is not a number", of_key=True)
            continue
        pairs.append((code, codes.positive(key)))
    return tuple(pairs)


def read_models(table: Table) -> tuple[int, ...]:
    """Return the SunSpec models that the address counts from, of which one is there."""
    value = table.values.get("model", [])
    models = value if isinstance(value, list) else [value]
    if not all(type(model) is int and 1 <= model < 65_535 for model in models):
        table.error("model", f"{shown(value)} is no number of a model, nor a list")
        return ()
    return tuple(models)
