"""Faults of what a unit answers, and of when."""

from random import Random

from zerometer.core._frame import crc16
from zerometer.drivers.simulator.faults.reply import Fault, Reply

_ILLEGAL_COUNT = 3


def dead(_reply: Reply) -> None:
    """The unit does not answer."""


def late(by_ns: int, at_most_ns: int | None = None, seed: int = 0) -> Fault:
    """The unit answers *by_ns* later than it should, or anything to *at_most_ns*."""
    random = Random(seed)

    def delay(reply: Reply) -> Reply:
        more_ns = by_ns if at_most_ns is None else random.randint(by_ns, at_most_ns)
        return reply._replace(delay_ns=reply.delay_ns + more_ns)

    return delay


def exception(code: int) -> Fault:
    """The unit refuses every request with the exception *code*."""

    def refuse(reply: Reply) -> Reply:
        body = bytes((reply.request[0], reply.request[1] | 0x80, code))
        return reply._replace(frame=body + crc16(body).to_bytes(2, "little"))

    return refuse


def longest(count: int) -> Fault:
    """The unit refuses to read more than *count* registers (or bits) at once."""
    refuse = exception(_ILLEGAL_COUNT)
    return lambda reply: refuse(reply) if _asked(reply) > count else reply


def speechless(count: int) -> Fault:
    """The unit is silent when more than *count* registers (or bits) are asked for."""
    return lambda reply: None if _asked(reply) > count else reply


def _asked(reply: Reply) -> int:
    """Return how many registers a reply's request asks for; 0 if it reads none."""
    request = reply.request
    if len(request) != 8 or request[1] > 4:
        return 0
    return int.from_bytes(request[4:6], "big")
