"""A second decoder of batches, after the format's page: msgpack, zlib, loops."""

import hashlib
import struct
import zlib
from typing import Any

import msgpack

from reference.column import decode_integers


def decode(data: bytes) -> tuple[dict[str, Any], dict[str, dict[str, list[Any]]]]:
    """Return the header map and, by table and column, the values (None for null)."""
    header, body, checksum = msgpack.unpackb(data)
    assert checksum == zlib.crc32(data[:-5])
    assert header["sha256"] == hashlib.sha256(body).digest()
    if header["codec"] == "deflate":
        body = zlib.decompress(body, wbits=-15)
    assert len(body) == header["length"]
    tables = {
        table["name"]: {
            column["name"]: values(column, table["rows"]) for column in table["columns"]
        }
        for table in msgpack.unpackb(body)["tables"]
    }
    return header, tables


def values(column: dict[str, Any], rows: int) -> list[Any]:
    """Return a column's values, integers with exponent as integers."""
    data = column["data"]
    match column["encoding"]:
        case "array":
            result = data
        case "constant":
            result = [data] * rows
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
