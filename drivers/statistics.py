"""What a bus loop counts, and what others see of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatistics:
    """One meter on its bus since the loop started.

    ``good`` are transactions with a whole reply; ``errors`` counts the others by
    kind. ``last_good_ns`` is the boot-time clock, 0 if there was none.
    ``turnaround_ns`` is what the meter takes beyond the time of the bytes.
    """

    meter: str
    unit: int
    good: int
    errors: dict[str, int]
    last_good_ns: int
    turnaround_ns: int
    down: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BusStatistics:
    """A bus since its loop started; times in ns.

    ``busy_ns`` is the time spent in transactions and in draining, of
    ``elapsed_ns``. ``lateness_ns`` is by how much the latest cycle began too late,
    ``skipped`` how many cycles were left out because the bus is overloaded.
    ``wakes`` counts how often the thread was put to sleep.
    """

    bus: str
    alive: bool
    port_open: bool
    transactions: int
    readings: int
    busy_ns: int
    elapsed_ns: int
    lateness_ns: int
    skipped: int
    wakes: int
    discarded_bytes: int
    errors: dict[str, int]
    units: tuple[UnitStatistics, ...]

    @property
    def utilisation(self) -> float:
        """The part of the time in which the line was in use, 0 to 1."""
        return self.busy_ns / self.elapsed_ns if self.elapsed_ns else 0.0


@dataclass(slots=True)
class Tally:
    """Counts of transactions, for a unit."""

    good: int = 0
    last_good_ns: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def error(self, kind: str) -> None:
        """Count a failed transaction."""
        self.errors[kind] = self.errors.get(kind, 0) + 1


def total(tallies: list[Tally]) -> dict[str, int]:
    """Return the errors of all *tallies* by kind."""
    errors: dict[str, int] = {}
    for tally in tallies:
        # A copy: the loop's thread may count a new kind meanwhile.
        for kind, count in dict(tally.errors).items():
            errors[kind] = errors.get(kind, 0) + count
    return errors
