"""What stands beside integer columns: raw floats and runs of null marks."""

import struct
from array import array
from sys import byteorder

from zerometer.core._column import decode_integers, encode_integers
from zerometer.core.column_errors import (
    BadRunsError,
    SurplusColumnError,
    TruncatedColumnError,
)

_CONTINUED = bytes(range(0x80, 0x100))


def encode_floats(values: "array[float]") -> bytes:
    """Return an ``array("d")`` or ``array("f")`` as little-endian bytes."""
    return struct.pack(f"<{len(values)}{values.typecode}", *values)


def decode_floats(data: bytes, count: int, typecode: str) -> "array[float]":
    """Return *count* little-endian floats; *typecode* is "d" or "f"."""
    size = count * struct.calcsize(f"<{typecode}")
    if len(data) < size:
        raise TruncatedColumnError(f"column: {len(data)} bytes, expected {size}")
    if len(data) > size:
        raise SurplusColumnError(f"column: {len(data)} bytes, expected {size}")
    values: array[float] = array(typecode, data)
    if byteorder == "big":
        values.byteswap()
    return values


def encode_runs(nulls: bytes) -> bytes:
    """Return null marks (a byte per row, 0 or 1) as alternating run lengths.

    The runs are an integer column of order 0. The first counts rows that have a
    value, and it alone may be 0.
    """
    runs = array("q")
    mark, at = 0, 0
    while at < len(nulls):
        end = nulls.find(1 - mark, at)
        end = len(nulls) if end < 0 else end
        runs.append(end - at)
        mark, at = 1 - mark, end
    return encode_integers(runs, 0)


def decode_runs(data: bytes, count: int) -> bytes:
    """Return the null marks of *count* rows; the inverse of encode_runs."""
    varints = len(data.translate(None, _CONTINUED))
    marks = bytearray()
    for index, run in enumerate(decode_integers(data, varints, 0)):
        lowest = 1 if index or not count else 0
        if not lowest <= run <= count - len(marks):
            raise BadRunsError(f"column: null run {index} has {run} of {count} rows")
        marks += (b"\1" if index % 2 else b"\0") * run
    if len(marks) != count:
        raise BadRunsError(f"column: null runs cover {len(marks)} of {count} rows")
    return bytes(marks)
