"""The two clocks of a machine, in the bench's hands, and an agent that runs by them."""

import time

from bench.outage.factory import PERIOD_NS, Meters
from zerometer.agent.clock import Clock
from zerometer.agent.events import EventLog
from zerometer.agent.journal import Journal
from zerometer.agent.pipeline import Pipeline
from zerometer.core.site import Site


class Times:
    """Boot time and wall time, ns."""

    def __init__(self, wall_ns: int) -> None:
        self.boot_ns = 1_000_000_000_000
        self.wall_ns = wall_ns

    def clock(self) -> Clock:
        """Return an agent's clock that runs by these."""
        return Clock(
            boottime_ns=lambda: self.boot_ns,
            realtime_ns=lambda: self.wall_ns,
            kernel_synchronised=lambda: True,
        )

    def pass_ns(self, span_ns: int) -> None:
        """Let time pass."""
        self.boot_ns += span_ns
        self.wall_ns += span_ns


class Agent:
    """A pipeline on *journal*, whose meters are read every ten seconds."""

    def __init__(self, site: Site, journal: Journal, times: Times) -> None:
        self.journal = journal
        self.pipeline = Pipeline(
            site, journal, journal.resume(), times.clock(), EventLog()
        )
        self._times = times
        self._meters = Meters(site)

    def run(self, seconds: int) -> float:
        """Let so much time pass; return the seconds that it took."""
        start = time.perf_counter()
        for _ in range(seconds * 1_000_000_000 // PERIOD_NS):
            for reading in self._meters.read(self._times.boot_ns):
                self.pipeline.deliver(reading)
            self.pipeline.tick(self._times.boot_ns)
            self._times.pass_ns(PERIOD_NS)
        return time.perf_counter() - start

    def stop(self) -> None:
        """Make everything durable."""
        self.pipeline.finish(self._times.boot_ns)
