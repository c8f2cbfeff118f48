"""A reply on its way, and what may happen to it."""

from collections.abc import Callable
from random import Random
from typing import NamedTuple


class Reply(NamedTuple):
    """A reply on its way: the whole frame, and its start after the request's end.

    ``request`` is the whole frame that it answers, which ended at ``heard_ns`` of
    the boot-time clock.
    """

    frame: bytes
    delay_ns: int
    request: bytes
    heard_ns: int


#: None keeps the unit silent. Called once for each reply, in order.
Fault = Callable[[Reply], Reply | None]


def sometimes(fault: Fault, share: float, seed: int = 0) -> Fault:
    """*fault* happens to a *share* (0 to 1) of the replies."""
    random = Random(seed)
    return lambda reply: fault(reply) if random.random() < share else reply
