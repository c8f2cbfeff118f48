"""Batches for tests: a header to start from, and a look inside without our decoder."""

import zlib
from array import array
from typing import Any

import msgpack

from zerometer.agent.batch import Column, Header, Table

SOURCE = bytes(range(16))
EPOCH = bytes(range(8))


def header(stream: str = "readings", seq: int = 1, **changes: Any) -> Header:
    """Return a valid header of a first minute."""
    entries: dict[str, Any] = {
        "source": SOURCE,
        "epoch": EPOCH,
        "site": "demo",
        "stream": stream,
        "seq": seq,
        "t0_ms": 1_700_000_000_000,
        "t1_ms": 1_700_000_060_000,
        "boot": bytes(16),
    }
    return Header(**(entries | changes))


def readings(rows: int = 60) -> list[Table]:
    """Return a meter's table with one value missing, and a table of events."""
    nulls = (b"\1" + bytes(rows))[:rows]
    return [
        Table(
            "readings/press-3/power",
            [
                Column("time", "ms", 0, array("q", range(0, rows * 1000, 1000))),
                Column("power", "kW", -3, array("q", range(rows)), nulls),
                Column("energy", "kWh", 0, array("d", range(rows))),
            ],
        ),
        Table("events", [Column("text", "", 0, ["up", "down", None])]),
    ]


def sealed(entries: dict[str, Any], body: bytes) -> bytes:
    """Return a batch with a right checksum whatever *entries* and *body* are."""
    data: bytes = b"\x93" + msgpack.packb(entries) + msgpack.packb(body)
    return data + b"\xce" + zlib.crc32(data).to_bytes(4, "big")
