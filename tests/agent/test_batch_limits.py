"""What a batch may not be: each fault by its own name, before it costs memory."""

import hashlib
import re
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import msgpack
import pytest
from harness.batches import header, readings, sealed

from zerometer.agent.batch import decode, encode, errors, peek
from zerometer.core import column_errors
from zerometer.core.errors import FormatError

ROOT = Path(__file__).resolve().parents[2]
ENTRIES, BODY, _ = msgpack.unpackb(encode(header(), readings()))
PLAIN = zlib.decompress(BODY, wbits=-15)


def packed(plain: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(plain) + packer.flush()


def around(body: bytes, **entries: Any) -> bytes:
    """Return a batch with a right checksum and hash around any packed body."""
    stated = {"sha256": hashlib.sha256(body).digest()}
    return sealed(ENTRIES | stated | entries, body)


def of_body(value: Any, **entries: Any) -> bytes:
    plain = msgpack.packb(value)
    return around(plain, codec="none", length=len(plain), **entries)


def of_table(**table: Any) -> bytes:
    return of_body({"tables": [{"name": "t", "rows": 1, "columns": []} | table]})


def linear(numbers: bytes, *columns: dict[str, Any], rows: int = 1) -> bytes:
    """Return a batch of linear columns, or as *columns* say, with these numbers."""
    head = {"name": "a", "encoding": "linear"}
    named = [head | {"name": chr(97 + i)} | c for i, c in enumerate(columns or ({},))]
    table = {"name": "t", "rows": rows, "columns": named}
    return of_body({"tables": [table], "values": numbers})


def constant(rows: int) -> bytes:
    column = {"name": "a", "encoding": "constant", "data": 0}
    return of_table(rows=rows, columns=[column])


CASES = {
    "bad-envelope": [b"\xc0", msgpack.packb([{}, b""]), msgpack.packb([[], b"", 0])],
    "surplus-bytes": [around(BODY) + b"\0"],
    "truncated": [b"", around(BODY)[:-1]],
    "newer-format": [around(BODY, format=2)],
    "bad-crc": [around(BODY)[:-1] + b"\0", msgpack.packb([ENTRIES, BODY, 7])],
    "bad-header": [around(BODY, format="1"), around(BODY, t0=True), sealed({}, BODY)],
    "bad-hash": [around(BODY, sha256=bytes(32))],
    "unknown-codec": [around(BODY, codec="zstd")],
    "bad-deflate": [
        around(b"\xff\xff\xff", length=9),
        around(BODY[:-1]),
        around(BODY + b"\0"),
    ],
    "bad-length": [
        around(BODY, length=len(PLAIN) - 1),
        around(BODY, length=len(PLAIN) + 1),
        around(PLAIN, codec="none", length=len(PLAIN) + 1),
    ],
    "too-large": [
        b"\xc0" * ((16 << 20) + 1),
        around(BODY, length=(16 << 20) + 1),
        around(b"\3\0", length=(1 << 20) + 1),
        constant((4 << 20) + 1),
        of_body([[[]] * 60_000] * 20),
        linear(b"\3\0", rows=(4 << 20) + 1),
    ],
    "bad-body": [
        of_body([]),
        of_body({}),
        of_body({"tables": [5]}),
        of_body([0] * 70_000),
        of_body({"tables": [], "values": "no"}),
        of_table(name=None),
        of_table(rows=-1),
        of_table(rows=1),
        around(PLAIN, codec="none", length=len(PLAIN), rows=1),
        around(PLAIN, codec="none", length=len(PLAIN), samples=1),
    ],
    "bad-column": [
        of_table(columns=[column])
        for column in (
            None,
            {"name": "a"},
            {"name": "a", "encoding": "array", "data": [1, 2]},
            {"name": "a", "encoding": "array", "data": [[]]},
            {"name": "a", "encoding": "constant", "data": "x"},
            {"name": "a", "encoding": "constant", "data": 1 << 63},
            {"name": "a", "encoding": "constant", "data": 1, "exponent": -23},
            {"name": "a", "encoding": "delta", "data": b"\0", "order": 3},
            {"name": "a", "encoding": "delta", "data": b"\0", "unit": 5},
            {"name": "a", "encoding": "delta", "data": b"\0", "nulls": "no"},
            {"name": "a", "encoding": "float64", "data": [1.0]},
            {"name": "a", "encoding": "constant", "data": 1.0, "exponent": 1},
            {"name": "a", "encoding": "array", "data": [1], "nulls": b"\2"},
            {"name": "a", "encoding": "linear", "scale": 1},
            {"name": "a", "encoding": "linear", "scale": float("inf")},
            {"name": "a", "encoding": "linear", "scale": 0.5, "exponent": 1},
        )
    ],
    "bad-reference": [
        linear(b"\x08\0"),  # there is none before it
        linear(b"\4\0\0\x80\x3f\0"),  # a factor of nothing
        linear(b"\0\2\x0c\0\0\xc0\x7f\0", {}, {}),  # not a number
        linear(b"\0\2\x0c\xff\xff\x7f\x7f\0", {}, {}),  # beyond 64 bits
        linear(b"\x08\0", {"encoding": "array", "data": ["x"]}, {}),
        linear(b"\x08\0", {"encoding": "float64", "data": bytes(8)}, {}),
        of_body(
            {
                "tables": [
                    {
                        "name": "t",
                        "rows": rows,
                        "columns": [{"name": name, "encoding": "linear"}],
                    }
                    for rows, name in ((1, "a"), (2, "b"))
                ],
                "values": b"\0\0\x08\0\0",
            }
        ),  # another number of rows
    ],
    "truncated-column": [
        linear(b""),
        linear(b"\0"),
        of_table(columns=[{"name": "a", "encoding": "float64", "data": b"1234567"}]),
    ],
    "surplus-column": [
        linear(b"\0\0\0"),
        of_table(columns=[{"name": "a", "encoding": "float32", "data": b"12345"}]),
    ],
    "overlong-varint": [
        linear(b"\0\x80\0"),
        of_table(columns=[{"name": "a", "encoding": "delta", "data": b"\x80\0"}]),
    ],
    "bad-runs": [
        of_table(
            columns=[
                {"name": "a", "encoding": "constant", "data": 0, "nulls": b"\4"},
            ]
        )
    ],
}


@pytest.mark.parametrize(
    ("code", "data"),
    [
        pytest.param(code, data, id=f"{code}-{number}")
        for code, cases in CASES.items()
        for number, data in enumerate(cases)
    ],
)
def test_each_fault_has_its_name(code: str, data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        decode(data)
    assert caught.value.code == code, str(caught.value)


def test_every_name_is_tested_and_documented() -> None:
    named = {
        error.code
        for module in (errors, column_errors)
        for error in vars(module).values()
        if isinstance(error, type)
        and issubclass(error, FormatError)
        and error is not FormatError
    }
    page = (ROOT / "docs" / "batch-format.md").read_text(encoding="utf-8")
    section = page.partition("## Errors")[2]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == named
    assert set(CASES) == named


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = around(packed(bytes(64 << 20)), length=16 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as caught:
            decode(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "too-large"
    assert peak < 2 << 20


def test_a_stream_longer_than_stated_is_not_unpacked_whole() -> None:
    data = around(packed(bytes(64 << 20)), length=1 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as caught:
            decode(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "bad-length"
    assert peak < 4 << 20


def test_a_peek_does_not_open_the_body() -> None:
    assert peek(around(b"nonsense")).seq == 1
