"""Faults of the bytes of a reply: the wire, not the unit, is to blame."""

from random import Random

from zerometer.drivers.simulator.faults.reply import Fault, Reply


def garbage(seed: int = 0) -> Fault:
    """As many bytes come as should, but any."""
    random = Random(seed)
    return lambda reply: reply._replace(frame=random.randbytes(len(reply.frame)))


def crc_noise(seed: int = 0) -> Fault:
    """One bit of the reply flips on the wire."""
    random = Random(seed)

    def flip(reply: Reply) -> Reply:
        at, bit = random.randrange(len(reply.frame)), 1 << random.randrange(8)
        frame = bytearray(reply.frame)
        frame[at] ^= bit
        return reply._replace(frame=bytes(frame))

    return flip


def short(kept: int) -> Fault:
    """Only the first *kept* bytes of the reply come."""
    return lambda reply: reply._replace(frame=reply.frame[:kept])


def junk_before(count: int, seed: int = 0) -> Fault:
    """*count* bytes that nobody sent come right before the reply."""
    random = Random(seed)
    return lambda reply: reply._replace(frame=random.randbytes(count) + reply.frame)


def junk_after(count: int, seed: int = 0) -> Fault:
    """*count* bytes that nobody sent come right after the reply."""
    random = Random(seed)
    return lambda reply: reply._replace(frame=reply.frame + random.randbytes(count))
