"""Modbus RTU frames, bit by bit and without haste."""

from zerometer.core.verdict import Verdict


def crc16(data: bytes) -> int:
    """Divide by x16 + x15 + x2 + 1, lowest bit first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


def with_crc(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


def read_request(unit: int, function: int, address: int, count: int) -> bytes:
    body = bytes([unit, function])
    return with_crc(body + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


def data_bytes(request: bytes) -> int:
    count = int.from_bytes(request[4:6], "big")
    return 2 * count if request[1] in (3, 4) else -(-count // 8)


def expected_length(request: bytes) -> int:
    return 5 + data_bytes(request)


def granted(request: bytes, data: bytes) -> bytes:
    """Return a reply that carries *data*."""
    return with_crc(bytes([request[0], request[1], len(data)]) + data)


def refused(request: bytes, code: int) -> bytes:
    """Return an exception reply."""
    return with_crc(bytes([request[0], request[1] | 0x80, code]))


def judge(request: bytes, reply: bytes) -> Verdict:
    if len(reply) < 5:
        return Verdict.INCOMPLETE
    unit, function, third = reply[:3]
    announced = 5 if function >= 0x80 else 5 + third
    if len(reply) < announced:
        return Verdict.INCOMPLETE
    if with_crc(reply[:-2]) != reply:
        return Verdict.WRONG_CRC
    if unit != request[0]:
        return Verdict.WRONG_UNIT
    if function % 0x80 != request[1]:
        return Verdict.WRONG_FUNCTION
    if len(reply) != announced:
        return Verdict.WRONG_COUNT
    if function >= 0x80:
        return Verdict.EXCEPTION
    return Verdict.GOOD if third == data_bytes(request) else Verdict.WRONG_COUNT
