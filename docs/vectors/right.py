"""Batches that are right: as we write them, as others may, as later versions may."""

import math
import struct
from array import array
from collections.abc import Iterator

import msgpack
from parts import (
    FACTOR,
    START_MS,
    around,
    floats,
    header,
    integers,
    linear,
    of_body,
    of_columns,
    packed,
    readings,
    sign,
)

from zerometer.agent.batch import Column, Gap, Table, batch_hash, encode

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1


def valid() -> Iterator[tuple[str, bytes]]:
    """Yield the names and bytes of batches that are right."""
    yield "nothing in it", encode(header(), [])
    yield "no rows", encode(header(), [Table("t", [integers("a"), floats("b")])])
    yield "one value", encode(header(), [Table("t", [integers("a", 7)])])
    yield "a quarter of an hour of a meter", encode(header(), readings())
    full = header(
        stream="ledger",
        seq=12,
        clock="unsynced",
        prev=batch_hash(encode(header(), [])),
        config="r7",
        factors=("cn-grid/2023", "tariff/4"),
        gaps=(Gap(3, 5, "evicted"), Gap(9, 9, "damaged")),
        offset_ms=-7,
    )
    yield "all entries of a header", encode(full, [])
    yield (
        "events",
        encode(
            header(stream="ledger"),
            [
                Table(
                    "events",
                    [
                        integers("time", START_MS, START_MS + 5, unit="ms"),
                        Column("kind", "", 0, ["dead", "back"]),
                        Column("text", "", 0, ["3 s 无回答", None]),
                    ],
                )
            ],
        ),
    )
    yield (
        "any values in an array",
        encode(
            header(),
            [
                Table(
                    "t", [Column("a", "", 0, ["", True, False, -1, 1 << 60, 0.5, None])]
                )
            ],
        ),
    )
    yield (
        "exponents",
        encode(
            header(),
            [
                Table(
                    "t",
                    [integers("a", 3, 4, exponent=2), integers("b", 5, 6, exponent=-3)],
                )
            ],
        ),
    )
    yield (
        "64 bits, and around",
        encode(
            header(), [Table("t", [integers("a", LOWEST, HIGHEST, 0, -1, 1 << 53)])]
        ),
    )
    yield (
        "two tables of one name",
        encode(
            header(),
            [Table("t", [integers("a", 1)]), Table("t", [integers("b", 2, 3)])],
        ),
    )
    yield (
        "nulls",
        encode(
            header(),
            [
                Table(
                    "t",
                    [
                        Column("a", "W", 0, array("q", [0, 5, 5, 9]), b"\1\0\1\0"),
                        floats("b", 0.5, math.nan, math.nan, 1.25),
                        floats("c", math.nan, 1e300, 1e-300, 0.1),
                    ],
                )
            ],
        ),
    )
    yield (
        "floats that are no multiples",
        encode(
            header(),
            [Table("t", [floats("a", -0.0, math.inf, -math.inf, 5e-324)])],
        ),
    )
    yield (
        "floats of 32 bits times a scale",
        encode(
            header(),
            [Table("t", [floats("a", *(n * 0.001 for n in (7.5, 8.25, 9.0)))])],
        ),
    )
    yield "a signature", encode(header(), [Table("t", [integers("a", 7)])], sign)
    yield from handmade()
    yield from of_later_versions()


def handmade() -> Iterator[tuple[str, bytes]]:
    """Yield what an encoder may write, though ours may not."""
    body = msgpack.packb({"tables": []})
    yield "no numbers", around(body)
    yield (
        "packed though longer",
        around(packed(body), codec="deflate", length=len(body)),
    )
    for order, numbers in ((0, "cc03ce03ca03"), (1, "cc030203"), (2, "cc030205")):
        yield (
            f"order {order}",
            of_columns(
                linear(),
                numbers=bytes([order]) + bytes.fromhex(numbers),
                rows=3,
                samples=3,
            ),
        )
    yield "alike", of_columns(linear(), numbers=b"\3\x0e", rows=3, samples=3)
    one = b"\0\x0a\x0b\x0a"  # 5, -6, 5
    yield (
        "the same as the column before",
        of_columns(linear(), linear("b"), numbers=one + b"\x0b\0", rows=3, samples=6),
    )
    yield (
        "a factor rounds half up",
        of_columns(
            linear(),
            linear("b"),
            numbers=one + b"\x0f" + FACTOR + b"\0",
            rows=3,
            samples=6,
        ),
    )
    yield (
        "a reference through all tables, and by name",
        of_body(
            {
                "tables": [
                    {"name": "t", "rows": 1, "columns": [linear("a"), linear("b")]},
                    {"name": "u", "rows": 1, "columns": [linear("b"), linear("a")]},
                ],
                "values": bytes.fromhex("0002 1002 0004 1002".replace(" ", "")),
            },
            rows=2,
            samples=4,
        ),
    )
    yield (
        "modulo 2^64",
        of_columns(
            linear(),
            linear("b"),
            numbers=b"\0" + b"\xfe" + b"\xff" * 8 + b"\1" + b"\x0b\2",
            samples=2,
        ),
    )
    yield (
        "a scale of a third",
        of_columns(linear(scale=1 / 3), numbers=b"\0\x0e", samples=1),
    )
    yield (
        "floats of 32 bits",
        of_columns(
            {"name": "a", "encoding": "float32", "data": struct.pack("<f", 0.1)},
            samples=1,
        ),
    )


def of_later_versions() -> Iterator[tuple[str, bytes]]:
    """Yield batches with what this version does not know and leaves aside."""
    column = linear()
    yield (
        "an unknown key in the header",
        of_columns(column, numbers=b"\0\2", samples=1, novelty={"any": ["thing"]}),
    )
    table = {"name": "t", "rows": 1, "columns": [column | {"new": 1}], "new": [2]}
    yield (
        "unknown keys in body, table and column",
        of_body({"tables": [table], "values": b"\0\2", "new": None}, rows=1, samples=1),
    )
    unknown = {"name": "b", "encoding": "pcodec", "data": {"any": "thing"}}
    yield "an unknown encoding", of_columns(column, unknown, numbers=b"\0\2", samples=2)
    yield (
        "a column that refers to one that is skipped",
        of_columns(
            unknown, linear("c"), linear("d"), numbers=b"\x0b\0\x0b\0", samples=3
        ),
    )
    yield (
        "elements between body and checksum",
        around(msgpack.packb({"tables": []}), b"a signature", {"and": "more"}),
    )
