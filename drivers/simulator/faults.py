"""Faults that a simulated unit can be given: functions from reply to reply.

They compose: a line applies those of a unit one after the other, and a fault that
returns None keeps the unit silent.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from zerometer.core._frame import crc16


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply on its way: the whole frame, and its start after the request's end."""

    frame: bytes
    delay_ns: int


Fault = Callable[[Reply], Reply | None]


def dead(_reply: Reply) -> None:
    """The unit does not answer."""


def late(by_ns: int) -> Fault:
    """The unit answers *by_ns* later than it should."""
    return lambda reply: replace(reply, delay_ns=reply.delay_ns + by_ns)


def garbage(seed: int = 0) -> Fault:
    """The unit answers as many bytes as it should, but any."""
    random = Random(seed)
    return lambda reply: replace(reply, frame=random.randbytes(len(reply.frame)))


def crc_noise(seed: int = 0) -> Fault:
    """One bit of the reply flips on the wire."""
    random = Random(seed)

    def flip(reply: Reply) -> Reply:
        at, bit = random.randrange(len(reply.frame)), 1 << random.randrange(8)
        frame = bytearray(reply.frame)
        frame[at] ^= bit
        return replace(reply, frame=bytes(frame))

    return flip


def exception(code: int) -> Fault:
    """The unit refuses every request with the exception *code*."""

    def refuse(reply: Reply) -> Reply:
        body = bytes((reply.frame[0], reply.frame[1] | 0x80, code))
        return replace(reply, frame=body + crc16(body).to_bytes(2, "little"))

    return refuse


def sometimes(fault: Fault, share: float, seed: int = 0) -> Fault:
    """*fault* happens to a *share* (0 to 1) of the replies."""
    random = Random(seed)
    return lambda reply: fault(reply) if random.random() < share else reply
