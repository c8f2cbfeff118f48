"""One peer on one line: how fast, at what cost, and whether it is right."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.bus.plant import BLOCKS
from bench.peers import cost
from bench.peers.environments import PeerError
from bench.peers.job import TIMEOUT_S, Came, Job, Start, check, started
from bench.peers.line import Plant, Reads, plant
from bench.peers.plant import Load
from bench.peers.roster import Setting

#: The values of a meter: floats, two registers each.
ADDRESSES = tuple(
    place for address, count in BLOCKS for place in range(address, address + count, 2)
)
#: Who reads each value by itself takes as long for each: two show what many would.
FEW = ADDRESSES[:2]

_START_S = 40.0  # until the first request
_OUT_S = 2.0  # until what was read has come out
_RECURRENCES = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to watch: at least, at most, and before it counts; seconds."""

    least_s: float
    most_s: float
    warm_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a peer did.

    ``cycle_s`` is how long it took until a healthy meter's value was read again,
    None where that did not happen within ``watched_s``.
    """

    came: Came
    values: int
    watched_s: float
    cycle_s: float | None
    cpu_ns: int
    switches: int
    private_kb: int

    def poll_s(self, values: int) -> float:
        """Return the time of a poll of *values* values in all."""
        return self.cycle_s or self.watched_s * values / self.values


def singles(addresses: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Return a block of two registers for each address."""
    return tuple((address, 2) for address in addresses)


def addresses_of(setting: Setting, *, few: bool) -> tuple[int, ...]:
    """Return what a meter is read for; *few* where the number does not matter."""
    return FEW if few and not setting.blocks else ADDRESSES


@contextmanager
def running(
    setting: Setting,
    load: Load,
    addresses: tuple[int, ...],
    timeout_s: float = TIMEOUT_S,
) -> Iterator[tuple[Plant, Job, Start, int]]:
    """Run a peer on a line meanwhile, until it has read something."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-peers-") as name,
        plant(load) as line,
    ):
        folder = Path(name)
        job = Job(
            port=line.port,
            baud=load.baud,
            units=tuple(range(1, load.units + 1)),
            blocks=BLOCKS if setting.blocks else singles(addresses),
            timeout_s=None if setting.own else timeout_s,
            folder=folder,
        )
        with setting.prepare(job) as start, started(start, folder) as process:
            deadline = time.monotonic() + _START_S
            while not line.reads(addresses).values():
                check(process, folder)
                if time.monotonic() > deadline:
                    raise PeerError(f"read nothing within {_START_S:.0f} s")
                time.sleep(0.1)
            yield line, job, start, process.pid
            check(process, folder)


def measure(setting: Setting, load: Load, pace: Pace, *, few: bool = False) -> Measured:
    """Watch a peer read *load*; PeerError when it cannot."""
    addresses = addresses_of(setting, few=few)
    with running(setting, load, addresses) as (line, _, start, pid):
        time.sleep(pace.warm_s)
        line.clear()
        before = cost.now(pid)
        reads = _watch(line, load, addresses, pace)
        after = cost.now(pid)
        time.sleep(_OUT_S)
        came = start.came()
    return Measured(
        came=came,
        values=reads.values(),
        watched_s=(after.time_ns - before.time_ns) / 1e9,
        cycle_s=reads.cycle_s(load.healthy),
        cpu_ns=after.cpu_ns - before.cpu_ns,
        switches=after.switches - before.switches,
        private_kb=after.private_kb,
    )


def _watch(line: Plant, load: Load, addresses: tuple[int, ...], pace: Pace) -> Reads:
    """Return what was read when all came round often enough, or time is up."""
    start_s = time.monotonic()
    while True:
        time.sleep(min(1.0, pace.least_s))
        reads = line.reads(addresses)
        watched_s = time.monotonic() - start_s
        often = reads.fewest(load.healthy, addresses) > _RECURRENCES
        if (often and watched_s >= pace.least_s) or watched_s >= pace.most_s:
            return reads
