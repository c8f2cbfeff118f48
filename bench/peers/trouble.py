"""What may happen to one reply in a hundred of a unit, by name."""

from collections.abc import Callable

from bench.bus.plant import FloatUnit
from zerometer.drivers.simulator.faults import (
    Fault,
    colliding,
    crc_noise,
    garbage,
    junk_after,
    junk_before,
    late,
    queueing,
    short,
    sometimes,
    strict,
)

SHARE = 0.01
#: Later than ``TIMEOUT_S``, so that the next request is out already.
LATE_NS = 80_000_000
#: How long the clients wait for a reply where there is trouble.
TIMEOUT_S = 0.05
#: The adapter gives back what is written to it; no fault of a unit's.
ECHO = "echo of every request"

#: Faults of the unit with a number, in the order in which they happen.
_FAULTS: dict[str, Callable[[int], tuple[Fault, ...]]] = {
    "late reply, unit deaf meanwhile": lambda unit: (_late(unit), strict()),
    "late reply, unit queues requests": lambda unit: (_late(unit), queueing()),
    "a bit flipped": lambda unit: (sometimes(crc_noise(unit), SHARE, unit),),
    "short frame": lambda unit: (sometimes(short(6), SHARE, unit),),
    "junk before": lambda unit: (sometimes(junk_before(3, unit), SHARE, unit),),
    "junk behind": lambda unit: (sometimes(junk_after(3, unit), SHARE, unit),),
    "other bytes": lambda unit: (sometimes(garbage(unit), SHARE, unit),),
    "colliding twin": lambda unit: (
        sometimes(colliding(FloatUnit(unit + 100), unit), SHARE, unit),
    ),
}
TROUBLES = (*_FAULTS, ECHO)
LATE = tuple(name for name in TROUBLES if name.startswith("late"))


def _late(unit: int) -> Fault:
    return sometimes(late(LATE_NS), SHARE, unit)


def faults(name: str, unit: int) -> tuple[Fault, ...]:
    """Return the faults of *unit* where the trouble is *name*."""
    return _FAULTS[name](unit) if name in _FAULTS else ()
