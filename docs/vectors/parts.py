"""What batches for test vectors are put together from."""

import hashlib
import math
import struct
import zlib
from array import array
from typing import Any

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zerometer.agent.batch import Column, Header, Table
from zerometer.agent.batch.header import pack_header
from zerometer.agent.batch.signature import Signature

START_MS = 1_800_000_000_000
#: A factor of 1.5, as linear columns carry it.
FACTOR = struct.pack("<f", 1.5)


def header(**changes: Any) -> Header:
    """Return a valid header of a first quarter of an hour."""
    entries: dict[str, Any] = {
        "source": bytes(range(16)),
        "epoch": bytes(range(8)),
        "site": "demo",
        "stream": "readings",
        "seq": 1,
        "t0_ms": START_MS,
        "t1_ms": START_MS + 900_000,
        "boot": bytes(range(100, 116)),
    }
    return Header(**(entries | changes))


def integers(name: str, *values: int, exponent: int = 0, unit: str = "") -> Column:
    """Return a column of integers."""
    return Column(name, unit, exponent, array("q", values))


def floats(name: str, *values: float, unit: str = "") -> Column:
    """Return a column of floats, without a value where one is NaN."""
    marks = bytes(map(math.isnan, values))
    return Column(name, unit, 0, array("d", values), marks if any(marks) else None)


def sealed(entries: dict[str, Any], body: bytes, *between: Any) -> bytes:
    """Return a batch with a right checksum, whatever it holds."""
    data = bytes([0x93 + len(between)])
    data += b"".join(map(msgpack.packb, (entries, body, *between)))
    return data + b"\xce" + zlib.crc32(data).to_bytes(4, "big")


PLAIN_ENTRIES = pack_header(header())


def around(body: bytes, *between: Any, **entries: Any) -> bytes:
    """Return a batch around a body as it stands in the envelope."""
    stated = {"sha256": hashlib.sha256(body).digest(), "length": len(body)}
    return sealed(PLAIN_ENTRIES | stated | entries, body, *between)


def of_body(body: Any, **entries: Any) -> bytes:
    """Return a batch of an unpacked body."""
    return around(msgpack.packb(body), **entries)


def of_columns(
    *columns: Any, numbers: bytes | None = None, rows: int = 1, **entries: Any
) -> bytes:
    """Return a batch of one table; *numbers* are the body's ``values``."""
    body: dict[str, Any] = {"tables": [{"name": "t", "rows": rows, "columns": columns}]}
    if numbers is not None:
        body["values"] = numbers
    return of_body(body, **({"rows": rows} | entries))


def linear(name: str = "a", **entries: Any) -> dict[str, Any]:
    """Return the map of a linear column."""
    return {"name": name, "encoding": "linear", **entries}


def packed(plain: bytes) -> bytes:
    """Return a raw deflate stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(plain) + packer.flush()


def sign(data: bytes) -> Signature:
    """Sign with a key that everybody knows."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return Signature(private.public_key().public_bytes_raw(), private.sign(data))


def readings() -> list[Table]:
    """Return a quarter of an hour of a meter: what two requests brought."""
    rows = range(15)
    power = [20_000 + 977 * (row * row % 13) for row in rows]
    counted = [
        struct.unpack("<f", struct.pack("<f", 1000 + row / 3))[0] for row in rows
    ]
    times = [START_MS + 60_000 * row + row % 3 for row in rows]
    return [
        Table(
            "readings/m1/electrical",
            [
                integers("time", *times, unit="ms"),
                integers("current_l1", *(p // 7 for p in power), exponent=-3, unit="A"),
                integers("current_l2", *(p // 6 for p in power), exponent=-3, unit="A"),
                integers("frequency", *[5000] * 15, exponent=-2, unit="Hz"),
            ],
        ),
        Table(
            "readings/m1/energy",
            [
                integers("time", *(t + 20 for t in times), unit="ms"),
                floats("active_energy_import", *counted, unit="kWh"),
                floats("active_energy_import.index", *counted, unit="kWh"),
            ],
        ),
        Table(
            "readings/m1/power",
            [
                integers("time", *times, unit="ms"),
                integers("active_power", *power, exponent=-1, unit="W"),
            ],
        ),
    ]
