"""The payload of Sparkplug B: just as much of its protobuf as a node needs.

Field numbers and data types are those of Eclipse Sparkplug 3.0.0, chapter 6.4.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: Data types (6.4.16).
INT64, DOUBLE, BOOLEAN, STRING = 4, 10, 11, 12
#: What a host asks for a rebirth by (6.4.23).
REBIRTH = "Node Control/Rebirth"
#: Wire types of protobuf.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A value: by ``name`` and, where it has one, ``alias`` in a birth, else by alias.

    None is a number that is not known. ``time_ms`` is Unix time, UTC.
    """

    name: str = ""
    alias: int | None = None
    time_ms: int
    value: bool | int | float | None
    unit: str = ""


def payload(time_ms: int, metrics: Iterable[Metric], seq: int | None = None) -> bytes:
    """Return a message; *seq* is 0 to 255, or None in a death."""
    parts = [_varint_field(1, time_ms)]
    parts += [_bytes_field(2, _metric(metric)) for metric in metrics]
    if seq is not None:
        parts.append(_varint_field(3, seq))
    return b"".join(parts)


def asks_for_rebirth(data: bytes) -> bool:
    """Tell whether a command asks to be told everything anew.

    ValueError when *data* is no message.
    """
    for field, metric in _fields(data):
        if field == 2 and isinstance(metric, bytes):
            entries = dict(_fields(metric))
            if entries.get(1) == REBIRTH.encode() and entries.get(14):
                return True
    return False


def _metric(metric: Metric) -> bytes:
    parts = [_bytes_field(1, metric.name.encode())] if metric.name else []
    if metric.alias is not None:
        parts.append(_varint_field(2, metric.alias))
    parts.append(_varint_field(3, metric.time_ms))
    value = metric.value
    if isinstance(value, bool):
        parts += [_varint_field(4, BOOLEAN), _varint_field(14, value)]
    elif isinstance(value, int):
        parts += [_varint_field(4, INT64), _varint_field(11, value)]
    elif value is None:
        parts += [_varint_field(4, DOUBLE), _varint_field(7, True)]
    else:
        number = _varint(13 << 3 | FIXED64) + struct.pack("<d", value)
        parts += [_varint_field(4, DOUBLE), number]
    if metric.unit:
        unit = _varint_field(1, STRING) + _bytes_field(8, metric.unit.encode())
        properties = _bytes_field(1, b"engUnit") + _bytes_field(2, unit)
        parts.append(_bytes_field(9, properties))
    return b"".join(parts)


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _varint_field(field: int, number: int) -> bytes:
    return _varint(field << 3 | VARINT) + _varint(number)


def _bytes_field(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | BYTES) + _varint(len(data)) + data


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Return each field of a message: its number, and its value as it is written."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        wire = key & 7
        if wire == VARINT:
            value, at = _read_varint(data, at)
            yield key >> 3, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == BYTES:
            size, at = _read_varint(data, at)
        if size is None or at + size > len(data):
            raise ValueError("not a Sparkplug B message")
        yield key >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        number |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return number, at
    raise ValueError("not a Sparkplug B message")
