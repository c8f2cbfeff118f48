"""How fast and at what cost each peer reads, on a slow line and on a fast one."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.bus.plant import BLOCKS, READ_INPUT_REGISTERS
from bench.peers.environments import PeerError
from bench.peers.measure import ADDRESSES, Measured, Pace, measure
from bench.peers.plant import Load
from bench.peers.roster import Setting
from zerometer.core.planner import transaction_ns
from zerometer.core.points import LineSettings

SLOW = Load(9600, turnaround_ms=20)
FAST = Load(115_200, turnaround_ms=5)
#: Lines, and how long each peer is watched on them.
LINES = {
    SLOW: Pace(least_s=15, most_s=15, warm_s=4),
    FAST: Pace(least_s=8, most_s=8, warm_s=4),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What one peer did on one line; ``error`` says why it did nothing."""

    setting: Setting
    load: Load
    measured: Measured | None
    error: str = ""

    @property
    def poll_s(self) -> float:
        """Time of a poll of all values of all meters."""
        assert self.measured is not None
        return self.measured.poll_s(self.load.units * len(ADDRESSES))

    @property
    def of_limit(self) -> float:
        """The same, by what the wire needs when the blocks are read."""
        return self.poll_s / limit_s(self.load)

    @property
    def cpu_ms(self) -> float:
        """Processor time of 1000 values."""
        assert self.measured is not None
        return self.measured.cpu_ns / 1e6 / (self.measured.values / 1000)

    @property
    def private_mb(self) -> float:
        """Memory of its own."""
        assert self.measured is not None
        return self.measured.private_kb / 1024

    @property
    def switches_s(self) -> float:
        """Voluntary context switches in a second."""
        assert self.measured is not None
        return self.measured.switches / self.measured.watched_s


def limit_s(load: Load) -> float:
    """Return what the wire needs for a poll in blocks, silences kept."""
    settings = LineSettings(baud=load.baud)
    turnaround_ns = load.turnaround_ms * 1_000_000
    times = [
        transaction_ns(READ_INPUT_REGISTERS, count, settings, turnaround_ns)
        for _, count in BLOCKS
    ]
    return load.units * sum(times) / 1e9


def race(settings: Sequence[Setting]) -> list[Row]:
    """Measure one peer after the other on each line."""
    return [
        _row(setting, load, pace)
        for load, pace in LINES.items()
        for setting in settings
    ]


def _row(setting: Setting, load: Load, pace: Pace) -> Row:
    try:
        row = Row(setting, load, measure(setting, load, pace))
        print(f"{load.baud}: {setting.peer}, {setting.text}: {row.of_limit:.2f}")
    except (PeerError, OSError) as error:
        row = Row(setting, load, None, str(error))
        print(f"{load.baud}: {setting.peer}, {setting.text}: {error}", flush=True)
    return row
