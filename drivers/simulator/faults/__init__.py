"""Faults that a simulated unit can be given: functions from reply to reply.

They compose: a line applies those of a unit one after the other, and a fault that
returns None keeps the unit silent.
"""

from zerometer.drivers.simulator.faults.answers import (
    dead,
    exception,
    late,
    longest,
    speechless,
)
from zerometer.drivers.simulator.faults.busy import queueing, strict
from zerometer.drivers.simulator.faults.noise import (
    crc_noise,
    garbage,
    junk_after,
    junk_before,
    short,
)
from zerometer.drivers.simulator.faults.reply import Fault, Reply, sometimes
from zerometer.drivers.simulator.faults.twins import by_turns, colliding

__all__ = [
    "Fault",
    "Reply",
    "by_turns",
    "colliding",
    "crc_noise",
    "dead",
    "exception",
    "garbage",
    "junk_after",
    "junk_before",
    "late",
    "longest",
    "queueing",
    "short",
    "sometimes",
    "speechless",
    "strict",
]
