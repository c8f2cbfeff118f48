"""A second decoder of batches, after the format's page: msgpack, zlib, loops."""

import hashlib
import math
import struct
import zlib
from typing import Any

import msgpack

from reference.column import decode_integers, wrap


def decode(data: bytes) -> tuple[dict[str, Any], dict[str, dict[str, list[Any]]]]:
    """Return the header map and, by table and column, the values (None for null)."""
    header, body, checksum = msgpack.unpackb(data)
    assert checksum == zlib.crc32(data[:-5])
    assert header["sha256"] == hashlib.sha256(body).digest()
    if header["codec"] == "deflate":
        body = zlib.decompress(body, wbits=-15)
    assert len(body) == header["length"]
    opened = msgpack.unpackb(body)
    columns = [
        column | {"rows": table["rows"]}
        for table in opened["tables"]
        for column in table["columns"]
    ]
    add_numbers(columns, opened.get("values", b""))
    rest = iter(columns)
    tables = {
        table["name"]: {
            column["name"]: values(next(rest), table["rows"])
            for column in table["columns"]
        }
        for table in opened["tables"]
    }
    return header, tables


def add_numbers(columns: list[dict[str, Any]], data: bytes) -> None:
    """Give each linear column its integers, as ``data``."""
    linear = [column for column in columns if column["encoding"] == "linear"]
    names = list(dict.fromkeys(column["name"] for column in linear))
    linear.sort(key=lambda column: names.index(column["name"]))
    for column in linear:
        column["factor"] = None
        (head,), data = varints(data, 1)
        column["back"], has_factor, form = head // 8, head // 4 % 2, head % 4
        if has_factor:
            (column["factor"],) = struct.unpack("<f", data[:4])
            data = data[4:]
        rows = column["rows"]
        stored, data = varints(data, 1 if form == 3 and rows else rows)
        if form == 3:
            stored = stored * rows
        packed = b"".join(map(varint, stored))
        column["data"] = decode_integers(packed, rows, form % 3)
    assert not data
    for number, column in enumerate(columns):
        if column["encoding"] == "linear" and column["back"]:
            before = columns[number - column["back"]]["data"]
            column["data"] = [
                wrap(stored + predicted(value, column["factor"]))
                for stored, value in zip(column["data"], before, strict=True)
            ]


def predicted(value: int, factor: float | None) -> int:
    return value if factor is None else math.floor(factor * value + 0.5)


def varints(data: bytes, count: int) -> tuple[list[int], bytes]:
    """Return *count* unsigned numbers and what follows them."""
    numbers = []
    for _ in range(count):
        size = next(i for i, byte in enumerate(data) if byte < 128) + 1
        numbers.append(sum(byte % 128 << 7 * i for i, byte in enumerate(data[:size])))
        data = data[size:]
    return numbers, data


def varint(number: int) -> bytes:
    low, high = number % 128, number // 128
    return bytes([low + 128]) + varint(high) if high else bytes([low])


def values(column: dict[str, Any], rows: int) -> list[Any]:
    """Return a column's values, integers with exponent as integers."""
    data = column["data"]
    match column["encoding"]:
        case "array":
            result = data
        case "constant":
            result = [data] * rows
        case "linear":
            scale = column.get("scale")
            result = data if scale is None else [value * scale for value in data]
        case "delta":
            result = decode_integers(data, rows, column["order"])
        case "float64":
            result = list(struct.unpack(f"<{rows}d", data))
        case "float32":
            result = list(struct.unpack(f"<{rows}f", data))
    at, null = 0, False
    for run in runs(column.get("nulls", b"")):
        if null:
            result[at : at + run] = [None] * run
        at, null = at + run, not null
    return result


def runs(data: bytes) -> list[int]:
    """Return run lengths written as an integer column of order 0."""
    return decode_integers(data, sum(byte < 128 for byte in data), 0)
