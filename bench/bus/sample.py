"""What one client of the line cost."""

import json
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median_low
from typing import Self


@dataclass(frozen=True, slots=True)
class Sample:
    """Sums over some transactions, all of which brought the right values.

    ``switches`` are the voluntary context switches: how often it went to sleep.
    """

    transactions: int
    cpu_ns: int
    wall_ns: int
    switches: int

    @property
    def cpu_ns_each(self) -> float:
        """Processor time of one transaction."""
        return self.cpu_ns / self.transactions

    @property
    def wall_ns_each(self) -> float:
        """Time on the line of one transaction."""
        return self.wall_ns / self.transactions

    @property
    def switches_each(self) -> float:
        """Context switches of one transaction."""
        return self.switches / self.transactions

    def __sub__(self, earlier: Self) -> "Sample":
        return Sample(
            self.transactions - earlier.transactions,
            self.cpu_ns - earlier.cpu_ns,
            self.wall_ns - earlier.wall_ns,
            self.switches - earlier.switches,
        )

    def text(self) -> str:
        """Return the sample as one line for ``from_text``."""
        return json.dumps(asdict(self))


def from_text(text: str) -> Sample:
    """Return the sample in *text*, which a client printed."""
    return Sample(**json.loads(text))


def middle(samples: Sequence[Sample]) -> Sample:
    """Return the median of each cost in *samples* of equally many transactions."""
    return Sample(
        samples[0].transactions,
        median_low(sample.cpu_ns for sample in samples),
        median_low(sample.wall_ns for sample in samples),
        median_low(sample.switches for sample in samples),
    )


def now(transactions: int, cpu_ns: Callable[[], int] = time.process_time_ns) -> Sample:
    """Return the sums of this process so far, at its transaction *transactions*."""
    return Sample(
        transactions,
        cpu_ns(),
        time.monotonic_ns(),
        resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw,
    )
