"""Batches that are wrong, each in one way."""

import math
import struct
import zlib
from collections.abc import Iterator

import msgpack
from parts import (
    FACTOR,
    START_MS,
    around,
    header,
    linear,
    of_body,
    of_columns,
    readings,
    sealed,
)

from zerometer.agent.batch import encode


def invalid() -> Iterator[tuple[str, str, bytes]]:
    """Yield the error, the name and the bytes of batches that are wrong."""
    whole = encode(header(), readings())
    entries, body, _ = msgpack.unpackb(whole)
    plain = zlib.decompress(body, wbits=-15)
    entries.pop("sha256")
    yield "truncated", "no bytes", b""
    yield "truncated", "the last byte is not there", whole[:-1]
    yield "truncated", "cut within the body", whole[: len(whole) // 2]
    yield "surplus-bytes", "a byte too many", whole + b"\0"
    yield "bad-envelope", "no array", b"\xc0"
    yield "bad-envelope", "two elements", msgpack.packb([{}, b""])
    yield "bad-envelope", "the header is no map", msgpack.packb([[], b"", 0])
    yield "bad-envelope", "the body is no bin", msgpack.packb([{}, "", 0])
    yield "newer-format", "format 2", msgpack.packb([{"format": 2}, b"", "and so on"])
    yield "bad-crc", "another checksum", whole[:-1] + bytes([whole[-1] ^ 1])
    yield "bad-crc", "a checksum in a byte", msgpack.packb([entries, body, 7])
    yield "bad-header", "no format", sealed({}, body)
    for what, change in (
        ("format is a text", {"format": "1"}),
        ("source of 15 bytes", {"source": bytes(15)}),
        ("epoch is no bin", {"epoch": "12345678"}),
        ("stream is empty", {"stream": ""}),
        ("seq is 0", {"seq": 0}),
        ("t1 is before t0", {"t1": START_MS - 1}),
        ("t0 is true", {"t0": True}),
        ("an unknown clock", {"clock": "perhaps"}),
        ("prev of 31 bytes", {"prev": bytes(31)}),
        ("a gap that ends before it begins", {"gaps": [[5, 4, "why"]]}),
        ("factors are numbers", {"factors": [1]}),
        ("offset of 2^53", {"offset": 1 << 53}),
        ("site of 129 characters", {"site": "x" * 129}),
        ("no length", {"length": None}),
    ):
        yield "bad-header", what, around(body, codec="deflate", **change)
    yield "bad-hash", "another hash", around(body, codec="deflate", sha256=bytes(32))
    yield "unknown-codec", "an unknown codec", around(body, codec="lzma")
    size = {"codec": "deflate", "length": len(plain)}
    yield "bad-deflate", "no deflate", around(b"\xff\xff\xff", codec="deflate")
    yield "bad-deflate", "the stream is cut", around(body[:-1], **size)
    yield "bad-deflate", "the stream is half", around(body[: len(body) // 2], **size)
    yield "bad-deflate", "bytes follow the stream", around(body + b"\0", **size)
    for off in (-1, 1):
        yield (
            "bad-length",
            f"length is off by {off}",
            around(body, codec="deflate", length=len(plain) + off),
        )
    yield "bad-length", "a plain body of another length", around(plain, length=1)
    yield (
        "too-large",
        "length above 16 MiB",
        around(body, codec="deflate", length=(16 << 20) + 1),
    )
    yield (
        "too-large",
        "more than 256 to one",
        around(b"\3\0", codec="deflate", length=(1 << 20) + 1),
    )
    yield (
        "too-large",
        "more than 4 Mi values",
        of_columns(linear(), numbers=b"\3\0", rows=(4 << 20) + 1),
    )
    yield from bad_bodies()
    yield from bad_columns()
    yield from bad_numbers()


def bad_bodies() -> Iterator[tuple[str, str, bytes]]:
    """Yield batches of which the body is wrong, but for columns."""
    for what, body in (
        ("the body is an array", []),
        ("no tables", {}),
        ("a table is a number", {"tables": [5]}),
        ("a table without a name", {"tables": [{"rows": 0, "columns": []}]}),
        ("rows below 0", {"tables": [{"name": "t", "rows": -1, "columns": []}]}),
        ("rows without columns", {"tables": [{"name": "t", "rows": 1, "columns": []}]}),
        ("values are a text", {"tables": [], "values": "no"}),
    ):
        yield "bad-body", what, of_body(body)
    yield "bad-body", "another number of rows", of_body({"tables": []}, rows=1)
    yield (
        "bad-body",
        "another number of samples",
        of_columns(linear(), numbers=b"\0\2", samples=2),
    )
    yield "bad-body", "msgpack that there is not", around(b"\xc1")
    yield "truncated", "the body ends early", around(b"\x81\xa6table")
    yield (
        "surplus-bytes",
        "bytes follow the body",
        around(msgpack.packb({"tables": []}) + b"\0"),
    )


def bad_columns() -> Iterator[tuple[str, str, bytes]]:
    """Yield batches of which the map of a column is wrong."""
    number = struct.pack("<d", 1.0)
    for what, column in (
        ("a column is nil", None),
        ("no encoding", {"name": "a"}),
        ("no name", {"encoding": "linear"}),
        ("unit is a number", linear(unit=5)),
        ("exponent of 23", linear(exponent=23)),
        ("scale is infinite", linear(scale=math.inf)),
        ("scale is a text", linear(scale="1")),
        ("scale and exponent", linear(scale=0.5, exponent=1)),
        ("nulls are a text", linear(nulls="no")),
        ("too many in an array", {"name": "a", "encoding": "array", "data": [1, 2]}),
        ("an array in an array", {"name": "a", "encoding": "array", "data": [[]]}),
        ("a bin in an array", {"name": "a", "encoding": "array", "data": [b""]}),
        (
            "nulls of an array",
            {"name": "a", "encoding": "array", "data": [1], "nulls": b"\2"},
        ),
        ("floats in an array", {"name": "a", "encoding": "float64", "data": [1.0]}),
        (
            "an exponent of floats",
            {"name": "a", "encoding": "float64", "data": number, "exponent": 1},
        ),
    ):
        yield "bad-column", what, of_columns(column, numbers=b"\0\2", samples=1)
    yield (
        "bad-column",
        "two columns of one name",
        of_columns(linear(), linear(), numbers=b"\0\2\0\2", samples=2),
    )
    float64 = {"name": "a", "encoding": "float64"}
    yield (
        "truncated-column",
        "a float of 7 bytes",
        of_columns(float64 | {"data": number[:7]}, samples=1),
    )
    yield (
        "surplus-column",
        "a float of 9 bytes",
        of_columns(float64 | {"data": number + b"\0"}, samples=1),
    )
    for what, nulls in (
        ("null runs of too few rows", b"\2"),
        ("null runs of too many rows", b"\x0a"),
        ("an empty null run", b"\2\0\4"),
        ("a null run below 0", b"\1\x0a"),
    ):
        column = linear(nulls=nulls)
        yield "bad-runs", what, of_columns(column, numbers=b"\0\0\0\0", rows=3)


def bad_numbers() -> Iterator[tuple[str, str, bytes]]:
    """Yield batches of which the numbers of linear columns are wrong."""
    two = (linear(), linear("b"))
    for error, what, numbers, columns in (
        ("truncated-column", "no numbers at all", b"", two),
        ("truncated-column", "numbers end after a head", b"\0\2\0", two),
        ("truncated-column", "numbers end in a varint", b"\0\2\0\x80", two),
        ("truncated-column", "numbers end in a factor", b"\0\2\x0c\0\0", two),
        ("surplus-column", "numbers follow the last column", b"\0\2\0\2\0", two),
        ("overlong-varint", "a varint with a group too many", b"\0\x80\0\0\2", two),
        (
            "overlong-varint", "a varint of 65 bits",
            b"\0" + b"\xff" * 9 + b"\2\0\2", two,
        ),
        (
            "overlong-varint", "a varint of 11 groups",
            b"\0" + b"\xff" * 10 + b"\1\0\2", two,
        ),
        ("bad-reference", "a reference to before the first", b"\x08\0", two[:1]),
        ("bad-reference", "a factor of nothing", b"\4" + FACTOR + b"\0", two[:1]),
        (
            "bad-reference", "a factor that is no number",
            b"\0\2\x0c" + struct.pack("<f", math.nan) + b"\0", two,
        ),
        (
            "bad-reference", "a factor that leads out of 64 bits",
            b"\0\2\x0c" + struct.pack("<f", 3e38) + b"\0", two,
        ),
        (
            "bad-reference", "a reference to texts", b"\x08\0",
            ({"name": "x", "encoding": "array", "data": ["x"]}, linear()),
        ),
    ):  # fmt: skip
        yield error, what, of_columns(*columns, numbers=numbers, samples=len(columns))
    tables = [
        {"name": "t", "rows": 1, "columns": [linear()]},
        {"name": "t", "rows": 2, "columns": [linear("b")]},
    ]
    yield (
        "bad-reference",
        "a reference to other rows",
        of_body({"tables": tables, "values": b"\0\2\x08\0\0"}, rows=3, samples=3),
    )
