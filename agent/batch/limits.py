"""What a decoder takes before it refuses, and msgpack opened within that."""

import zlib
from collections.abc import Sequence
from typing import Any

import msgpack

from zerometer.agent.batch.errors import (
    BadDeflateError,
    BadLengthError,
    SurplusBytesError,
    TooLargeError,
    TruncatedError,
)
from zerometer.core.errors import FormatError

#: Bytes of a batch as sent, and of its body unpacked.
MAX_BYTES = 16 << 20
#: Unpacked bytes per packed byte, enforced above FREE_BYTES.
MAX_RATIO = 256
FREE_BYTES = 1 << 20
#: Values of all columns together.
MAX_VALUES = 4 << 20
#: Entries of all msgpack arrays and maps together, and of one of them.
MAX_ENTRIES = 1 << 20
MAX_ARRAY = 1 << 16
MAX_TEXT = 1 << 16
#: What is of one kind gets a deflate block, and with it a code, of its own, unless it
#: is shorter than this: a code takes some 60 bytes.
BLOCK_BYTES = 1000


class _Meter:
    """Counts what msgpack builds: small containers cost 60 bytes per byte sent."""

    def __init__(self) -> None:
        self.entries = 0

    def count(self, container: Any) -> Any:
        self.entries += 1 + len(container)
        if self.entries > MAX_ENTRIES:
            raise TooLargeError(f"batch: more than {MAX_ENTRIES} msgpack entries")
        return container


def unpack(data: bytes, malformed: type[FormatError]) -> Any:
    """Return the one msgpack object that *data* is; raise a FormatError otherwise.

    *malformed* is what to raise when the bytes are not msgpack at all.
    """
    if len(data) > MAX_BYTES:
        raise TooLargeError(f"batch: {len(data)} bytes, allowed are {MAX_BYTES}")
    meter = _Meter()
    unpacker = msgpack.Unpacker(
        object_hook=meter.count,
        list_hook=meter.count,
        max_buffer_size=MAX_BYTES,
        max_array_len=MAX_ARRAY,
        max_map_len=MAX_ARRAY,
        max_str_len=MAX_TEXT,
        max_ext_len=MAX_TEXT,
    )
    unpacker.feed(data)
    try:
        value = unpacker.unpack()
    except msgpack.OutOfData:
        raise TruncatedError(f"batch: {len(data)} bytes end within a value") from None
    except (ValueError, OverflowError, msgpack.UnpackException) as error:
        raise malformed(f"batch: not the msgpack expected: {error}") from None
    if unpacker.tell() != len(data):
        raise SurplusBytesError(
            f"batch: {len(data) - unpacker.tell()} bytes follow its end"
        )
    return value


def deflate(pieces: Sequence[bytes]) -> bytes:
    """Return *pieces* as one raw deflate stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed: list[bytes] = []
    pending = 0
    for piece in pieces:
        if pending >= BLOCK_BYTES:
            packed.append(packer.flush(zlib.Z_BLOCK))
            pending = 0
        packed.append(packer.compress(piece))
        pending += len(piece)
    return b"".join(packed) + packer.flush()


def within_ratio(length: int, packed: int) -> bool:
    """Tell whether *length* bytes may come from *packed* ones."""
    return length <= max(FREE_BYTES, packed * MAX_RATIO)


def inflate(data: bytes, length: int) -> bytes:
    """Return the *length* bytes in a raw deflate stream, and never hold more."""
    if length > MAX_BYTES or not within_ratio(length, len(data)):
        raise TooLargeError(
            f"batch: length is {length} from {len(data)} bytes, allowed are "
            f"{MAX_BYTES} and {MAX_RATIO} to one"
        )
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = unpacker.decompress(data, length + 1)
    except zlib.error as error:
        raise BadDeflateError(f"batch: body: {error}") from None
    if len(body) > length:
        raise BadLengthError(f"batch: body unpacks to more than {length} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise BadDeflateError(
            "batch: body: the deflate stream does not end with the body"
        )
    if len(body) < length:
        raise BadLengthError(
            f"batch: body unpacks to {len(body)} bytes, not to {length}"
        )
    return body
