"""What a simulated meter says when it is asked who it is and how it is set up."""

import struct
from collections.abc import Iterator
from zlib import crc32

from zerometer.core.decoding import reordered
from zerometer.core.identity import Register
from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.drivers.questions import span


def told(meter_map: MeterMap, serial: str) -> dict[bytes, bytes]:
    """Return register bytes by request: a protocol data unit.

    The meter is the right model, and set up as it should be. Its registers say so
    when they are read alone: within a block some meters have something else there.
    """
    return {
        struct.pack(
            ">BHH", register.function, *span(register, meter_map.limits)
        ): _filled(register, value, meter_map.limits)
        for register, value in _said(meter_map, serial)
    }


def _said(meter_map: MeterMap, serial: str) -> Iterator[tuple[Register, int | str]]:
    identity = meter_map.identity
    if identity and identity.model:
        yield identity.model.register, identity.model.values[0]
    if identity and identity.serial:
        yield identity.serial, _serial(identity.serial, serial)
    for check in meter_map.checks:
        yield check.expected.register, check.expected.values[0]


def _serial(register: Register, serial: str) -> int | str:
    if register.kind == "string":
        return serial
    number = int(serial) if serial.isdecimal() else crc32(serial.encode())
    return number % ((1 << 16 * register.count) - 1)


def _filled(register: Register, value: int | str, limits: ReadLimits) -> bytes:
    size, order = 2 * register.count, register.order
    if isinstance(value, str):
        data = value.encode("ascii", "replace")[:size].ljust(size, b"\0")
        order = "BADC" if order in ("BADC", "DCBA") else "ABCD"
    else:
        data = value.to_bytes(size, "big")
    start, count = span(register, limits)
    before = b"\0\0" * (register.address - start)
    return (before + reordered(data, order)).ljust(2 * count, b"\0")
