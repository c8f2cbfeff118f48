"""What goes wrong on the line, how often, and for how many transactions."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.wrong.units import NumberedUnit
from zerometer.drivers.simulator.faults import (
    Fault,
    Reply,
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

#: How long the loop waits for a reply; replies of late units take longer.
TIMEOUT_NS = 60_000_000
LATE_NS = 150_000_000
#: Later than any silence that the loop waits for after a time-out.
VERY_LATE_NS = 7_000_000_000

_TWIN = 1 << 20


class Counted:
    """A fault that knows how often it happened."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self.happened = 0

    def __call__(self, reply: Reply) -> Reply | None:
        """Let it happen to *reply*."""
        self.happened += 1
        return self._fault(reply)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault that happens to a *share* of the replies; ``unit`` gets all others too.

    ``fault`` makes it for a unit, by number; ``always`` is what kind of unit it is.
    """

    name: str
    transactions: int
    share: float
    fault: Callable[[int], Fault] | None = None
    always: Callable[[], Fault] | None = None
    echo: bool = False


#: What makes the line wait, for a time-out or a drain, happens less often: a run must
#: end some day.
TROUBLES = (
    Trouble(
        "late, unit deaf meanwhile", 100_000, 0.002, lambda _: late(LATE_NS), strict
    ),
    Trouble(
        "late, unit queues requests", 100_000, 0.002, lambda _: late(LATE_NS), queueing
    ),
    Trouble(
        "later than any drain", 20_000, 0.0005, lambda _: late(VERY_LATE_NS), queueing
    ),
    Trouble("a bit flipped", 100_000, 0.01, crc_noise),
    Trouble("short frame", 100_000, 0.002, lambda _: short(6)),
    Trouble("junk before", 100_000, 0.002, lambda unit: junk_before(3, unit)),
    Trouble("junk behind", 100_000, 0.002, lambda unit: junk_after(3, unit)),
    Trouble("other bytes", 100_000, 0.01, garbage),
    Trouble(
        "colliding twin",
        100_000,
        0.01,
        lambda unit: colliding(NumberedUnit(_TWIN), unit),
    ),
    Trouble("echo of every request", 100_000, 0.0, echo=True),
)


def faults(trouble: Trouble, unit: int) -> tuple[Counted | None, tuple[Fault, ...]]:
    """Return what counts the faults of *unit*, and all that it is given."""
    given: list[Fault] = []
    counted = None
    if trouble.fault is not None:
        counted = Counted(trouble.fault(unit))
        given.append(sometimes(counted, trouble.share, unit))
    if trouble.always is not None:
        given.append(trouble.always())
    return counted, tuple(given)
