"""The outer layer: header, packed body, checksum."""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgpack

from zerometer.agent.batch.body import count_samples, pack_body, unpack_body
from zerometer.agent.batch.errors import (
    BadBodyError,
    BadCrcError,
    BadEnvelopeError,
    BadHashError,
    BadLengthError,
    UnknownCodecError,
)
from zerometer.agent.batch.header import check_format, pack_header, unpack_header
from zerometer.agent.batch.limits import deflate, inflate, unpack, within_ratio
from zerometer.agent.batch.model import Batch, Header, Table
from zerometer.agent.batch.signature import (
    Signature,
    Signer,
    check_signature,
    find_signature,
    pack_signature,
)
from zerometer.core.errors import FormatError, UsageError

# The checksum is the last element, always a 32-bit msgpack integer.
_CRC_MARK = b"\xce"
_CRC_SIZE = 5


def encode(
    header: Header, tables: Sequence[Table], sign: Signer | None = None
) -> bytes:
    """Return *tables* sealed under *header*, which is completed on the way.

    *sign* adds a signature. Raises UsageError when no decoder would take the result.
    """
    pieces = pack_body(tables)
    plain = b"".join(pieces)
    packed = deflate(pieces)
    smaller = len(packed) < len(plain) and within_ratio(len(plain), len(packed))
    body, codec = (packed, "deflate") if smaller else (plain, "none")
    header = replace(
        header,
        rows=sum(table.rows for table in tables),
        samples=count_samples(tables),
        codec=codec,
        length=len(plain),
        sha256=hashlib.sha256(body).digest(),
    )
    content: bytes = msgpack.packb(pack_header(header)) + msgpack.packb(body)
    if sign is None:
        sealed = b"\x93" + content
    else:
        sealed = b"\x94" + content + pack_signature(sign(content))
    data = sealed + _CRC_MARK + zlib.crc32(sealed).to_bytes(4, "big")
    try:
        decode(data)
    except FormatError as error:
        raise UsageError(f"encode: {error}") from None
    return data


def peek(data: bytes) -> Header:
    """Return the header of a batch that arrived whole; the body stays packed.

    Raises a FormatError when the bytes, the format or the header are wrong.
    """
    return _open(data)[0]


def verify(data: bytes, public_key: bytes) -> None:
    """Raise BadSignatureError unless the batch is signed by *public_key* (32 bytes).

    Raises another FormatError when the bytes, the format or the header are wrong.
    """
    check_signature(data, _open(data)[2], public_key)


def decode(data: bytes) -> Batch:
    """Return the batch in *data*; raise a FormatError, and nothing else."""
    header, body, signature = _open(data)
    if hashlib.sha256(body).digest() != header.sha256:
        raise BadHashError("batch: the body is not the one the header states by sha256")
    tables, rows, skipped = unpack_body(_unpack_codec(header, body))
    samples = header.samples if skipped else count_samples(tables)
    if (rows, samples) != (header.rows, header.samples):
        raise BadBodyError(
            f"batch: holds {rows} rows and {samples} samples, the header states "
            f"{header.rows} and {header.samples}"
        )
    return Batch(header, tables, skipped, signature)


def batch_hash(data: bytes) -> bytes:
    """Return the SHA-256 of a whole batch, which the next one names as ``prev``."""
    return hashlib.sha256(data).digest()


def _open(data: bytes) -> tuple[Header, bytes, Signature | None]:
    entries, body, *others = _check_envelope(unpack(data, BadEnvelopeError))
    check_format(entries)
    if data[-_CRC_SIZE:] != _CRC_MARK + zlib.crc32(data[:-_CRC_SIZE]).to_bytes(
        4, "big"
    ):
        raise BadCrcError(
            "batch: the checksum at its end does not fit what precedes it"
        )
    return unpack_header(entries), body, find_signature(others[:-1])


def _check_envelope(outer: Any) -> list[Any]:
    # Between body and checksum there is room for more elements.
    if not isinstance(outer, list) or len(outer) < 3:
        raise BadEnvelopeError("batch: is not a msgpack array of 3 or more elements")
    if not isinstance(outer[0], dict) or not isinstance(outer[1], bytes):
        raise BadEnvelopeError("batch: does not begin with a map and a bin")
    return outer


def _unpack_codec(header: Header, body: bytes) -> bytes:
    if header.codec == "deflate":
        return inflate(body, header.length)
    if header.codec != "none":
        raise UnknownCodecError(
            f'batch: codec is "{header.codec}", known are none and deflate'
        )
    if len(body) != header.length:
        raise BadLengthError(f"batch: body has {len(body)} bytes, not {header.length}")
    return body
