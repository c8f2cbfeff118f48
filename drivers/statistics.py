"""What a bus loop counts, and what others see of it."""

from dataclasses import dataclass, field

#: So many corrupted replies are many, if they are this part of the good ones, too.
_MANY = 10

#: Half of the time that counts as recent.
_RECENT_NS = 60_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatistics:
    """One meter on its bus since the loop started.

    ``trusted`` says that it was recognised, or tells nothing to recognise it by;
    ``serial`` is the serial number that it told, empty if none.
    ``good`` are transactions with a whole reply; ``errors`` counts the others by
    kind. ``last_good_ns`` is the boot-time clock, 0 if there was none.
    ``turnaround_ns`` is what the meter takes beyond the time of the bytes,
    ``latency_ns`` a whole transaction, both smoothed; ``timeout_ns`` is the time-out
    in force. ``lateness_ns`` is by how much its latest cycle began too late,
    ``skipped`` how many were left out. ``retries`` counts reads that were repeated
    in their cycle. ``refused`` names the points that the meter refuses or has not.
    ``reads`` is the number of requests in its largest cycle, each of at most
    ``max_registers``.
    """

    meter: str
    unit: int
    trusted: bool
    serial: str
    good: int
    errors: dict[str, int]
    last_good_ns: int
    turnaround_ns: int
    latency_ns: int
    timeout_ns: int
    lateness_ns: int
    skipped: int
    retries: int
    refused: tuple[str, ...]
    reads: int
    max_registers: int
    down: bool

    @property
    def state(self) -> str:
        """``up``, ``down``, or ``untrusted``: it answers, and is not recognised."""
        if self.down:
            return "down"
        return "up" if self.trusted else "untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class BusStatistics:
    """A bus since its loop started; times in ns.

    ``busy_ns`` is the time spent in transactions and in draining, of
    ``elapsed_ns``. ``lateness_ns`` is by how much the latest cycle began too late,
    ``lateness_max_ns`` the most of it in the last minute or so, ``skipped`` how many
    cycles were left out because the bus has too much to do; ``overloaded`` says that
    it is so now. ``wakes`` counts how often the thread was put to sleep.
    """

    bus: str
    alive: bool
    port_open: bool
    transactions: int
    readings: int
    busy_ns: int
    elapsed_ns: int
    lateness_ns: int
    lateness_max_ns: int
    overloaded: bool
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
    """What is counted and smoothed of a unit's transactions."""

    good: int = 0
    last_good_ns: int = 0
    latency_ns: int = 0
    lateness_ns: int = 0
    retries: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    latest_error: str = ""

    def replied(self, end_ns: int, latency_ns: int) -> None:
        """Count a good transaction of *latency_ns* that ended at *end_ns*."""
        self.good += 1
        self.last_good_ns = end_ns
        if self.latency_ns:
            self.latency_ns += (latency_ns - self.latency_ns) // 8
        else:
            self.latency_ns = latency_ns

    @property
    def noisy(self) -> bool:
        """Whether many replies are corrupted while others are whole."""
        corrupted = self.errors.get("crc", 0)
        return corrupted >= _MANY and 0 < self.good <= _MANY * corrupted

    def error(self, kind: str) -> None:
        """Count a failed transaction."""
        self.errors[kind] = self.errors.get(kind, 0) + 1
        self.latest_error = kind


class Recent:
    """The largest of some numbers, as far as they are of the last minute or two."""

    def __init__(self) -> None:
        self._until_ns = 0
        self._before = self._now = 0

    def note(self, time_ns: int, number: int) -> None:
        """Note a *number* of *time_ns*."""
        self._pass(time_ns)
        self._now = max(self._now, number)

    def largest(self, time_ns: int) -> int:
        """Return the largest number up to *time_ns*; 0 if there was none."""
        if time_ns >= self._until_ns + _RECENT_NS:
            return 0
        if time_ns >= self._until_ns:
            return self._now
        return max(self._before, self._now)

    def _pass(self, time_ns: int) -> None:
        if time_ns < self._until_ns:
            return
        self._before = 0 if time_ns >= self._until_ns + _RECENT_NS else self._now
        self._now = 0
        self._until_ns = time_ns + _RECENT_NS


def total(tallies: list[Tally]) -> dict[str, int]:
    """Return the errors of all *tallies* by kind."""
    errors: dict[str, int] = {}
    for tally in tallies:
        # A copy: the loop's thread may count a new kind meanwhile.
        for kind, count in dict(tally.errors).items():
            errors[kind] = errors.get(kind, 0) + count
    return errors
