"""Two meters with the same unit identifier."""

from itertools import zip_longest
from random import Random

from zerometer.core._frame import crc16
from zerometer.drivers.simulator.faults.reply import Fault, Reply
from zerometer.drivers.simulator.unit import Unit


def colliding(twin: Unit, seed: int = 0) -> Fault:
    """The *twin* answers at the same time: each byte is one of theirs, or a mix."""
    random = Random(seed)

    def mixed(one: int | None, other: int | None) -> int:
        if one is None or other is None:
            return one or other or 0
        return random.choice((one, other, one & other))

    def collide(reply: Reply) -> Reply:
        both = zip_longest(reply.frame, _answer(twin, reply))
        return reply._replace(frame=bytes(mixed(*pair) for pair in both))

    return collide


def by_turns(twin: Unit) -> Fault:
    """Every other reply is the *twin*'s, and all are clean."""
    own = False

    def answer(reply: Reply) -> Reply:
        nonlocal own
        own = not own
        return reply if own else reply._replace(frame=_answer(twin, reply))

    return answer


def _answer(twin: Unit, reply: Reply) -> bytes:
    body = reply.request[:1] + twin.answer(reply.request[1:-2], reply.heard_ns)
    return body + crc16(body).to_bytes(2, "little")
