"""An agent without buses and sockets: a pipeline on a real journal, and its clocks."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Self

from harness.journals import open_journal, unsent
from harness.sites import SECOND, World, small_site

from zerometer.agent.batch import Batch, Table, batch_hash, decode
from zerometer.agent.certificates.matcher import Matcher
from zerometer.agent.clock import Clock
from zerometer.agent.events import EventLog
from zerometer.agent.factors.keeper import FactorKeeper
from zerometer.agent.factors.store import FactorStore
from zerometer.agent.journal import StoredBatch
from zerometer.agent.pipeline import Pipeline
from zerometer.agent.reissue import Reissues
from zerometer.agent.site_events.feed import EventFeed
from zerometer.agent.state_rows.health import Health
from zerometer.core.factor import FactorRow
from zerometer.core.origin_factors import series_units
from zerometer.core.points import Reading
from zerometer.core.site import JournalSettings, Site

#: 2027-01-15T08:00:00Z, and an uptime.
WALL_NS = 1_800_000_000 * SECOND
BOOT_NS = 1_000 * SECOND

POWERS_W = {
    "grid": 60_000.0,
    "pv": 30_000.0,
    "battery": -6_000.0,
    "compressor": 24_000.0,
    "line": 48_000.0,
}
LINE = "sink.line:quantity"


class Times:
    """The two clocks of a machine, in a test's hands."""

    def __init__(self, boot_ns: int = BOOT_NS, wall_ns: int = WALL_NS) -> None:
        self.boot_ns = boot_ns
        self.wall_ns = wall_ns
        self.boot = bytes(16)
        #: Whether the kernel says that somebody keeps the wall clock right.
        self.synchronised = True

    def pass_ns(self, span_ns: int) -> None:
        """Let time pass on both."""
        self.boot_ns += span_ns
        self.wall_ns += span_ns

    def clock(self) -> Clock:
        """Return an agent's clock that runs by these."""
        return Clock(
            boottime_ns=lambda: self.boot_ns,
            realtime_ns=lambda: self.wall_ns,
            kernel_synchronised=lambda: self.synchronised,
            boot=self.boot,
        )

    def reboot(self, wall_ns: int, *, boot_ns: int = 20 * SECOND) -> None:
        """Let the machine start anew, *boot_ns* ago, with a wall clock of its own."""
        self.boot = bytes(15) + bytes([self.boot[-1] + 1])
        self.boot_ns, self.wall_ns = boot_ns, wall_ns
        self.synchronised = False


def journalled_site(folder: Path, *, commit_s: float = 5, seal_s: float = 30) -> Site:
    """Return the small site, with its journal in *folder*."""
    settings = JournalSettings(
        path=str(folder), commit_ns=int(commit_s * SECOND), seal_ns=int(seal_s * SECOND)
    )
    return replace(small_site(), journal=settings)


class Gateway:
    """Runs a pipeline over a world of meters, second by second; can be killed."""

    def __init__(
        self,
        folder: Path,
        site: Site | None = None,
        times: Times | None = None,
        matcher: Matcher | None = None,
    ) -> None:
        self.folder = folder
        self.matcher = matcher
        self.site = site or journalled_site(folder)
        self.times = times or Times()
        self.world = World(self.site, dict(POWERS_W), gas_nm3_h=36.0)
        self.start()

    def start(self) -> None:
        """Start an agent on the journal."""
        self.journal = open_journal(
            self.folder, self.site.journal.max_bytes, uplinks=["up"]
        )
        self.events = EventLog()
        self.clock = self.times.clock()
        self.reissues = Reissues()
        self.site_events = EventFeed(self.site)
        self.factor_keeper = self._open_factors()
        try:
            self.pipeline = Pipeline(
                self.site,
                self.journal,
                self.journal.resume(),
                self.clock,
                self.events,
                site_events=self.site_events,
                factor_keeper=self.factor_keeper,
                matcher=self.matcher,
                reissues=self.reissues,
                health=Health(lambda: (), self.journal.info).rows,
            )
        except BaseException:
            self._close()
            raise

    def _open_factors(self) -> FactorKeeper | None:
        """Return who has the values of series, whose rounds the test goes itself."""
        if not series_units(self.site) and self.matcher is None:
            return None
        return FactorKeeper(
            self.folder,
            {},
            lambda subject, text: self.events.add(0, "factors", subject, text),
            wall_ns=self.clock.wall_ns,
            boottime_ns=self.clock.boottime_ns,
        )

    def _close(self) -> None:
        self.journal.close()
        self.site_events.close()

    def seconds(self, count: int) -> None:
        """Let time pass, seen by the agent."""
        for _ in range(count):
            second = self.times.boot_ns // SECOND
            self.deliver(
                self.world.readings(self.times.boot_ns, counters=second % 5 == 0)
            )
            self.tick()
            self.unseen(1)

    def stalled(self, count: int) -> None:
        """Let time pass in which the buses read, but no tick runs."""
        for _ in range(count):
            second = self.times.boot_ns // SECOND
            self.deliver(
                self.world.readings(self.times.boot_ns, counters=second % 5 == 0)
            )
            self.unseen(1)

    def unseen(self, count: int) -> None:
        """Let time pass that only the meters see."""
        for _ in range(count):
            self.world.second()
            self.times.pass_ns(SECOND)

    def deliver(self, readings: Iterable[Reading]) -> None:
        """Hand readings over, as a bus does."""
        for reading in readings:
            self.pipeline.deliver(reading)

    def tick(self) -> None:
        """Run a tick, and let the journal finish what it brought."""
        self.pipeline.tick(self.times.boot_ns)
        self.settle()

    def settle(self) -> None:
        """Wait until the journal has done all it was asked for."""
        self.journal.oldest("up", 1)

    def say(self, *rows: FactorRow) -> None:
        """Let the agent's own thread find rows in the file of factors."""
        assert self.factor_keeper is not None
        with FactorStore(self.folder) as store:
            store.add(rows)
            self.factor_keeper.round(store)

    def kill(self) -> None:
        """End the agent as kill -9 does: what is not committed is lost."""
        self._close()

    def stop(self) -> None:
        """End the agent in order."""
        self.pipeline.finish(self.times.boot_ns)
        self._close()

    def stored(self) -> list[StoredBatch]:
        """Return what is in the journal, whose agent has ended."""
        with closing(open_journal(self.folder)) as journal:
            return unsent(journal)

    def sealed(self, stream: str) -> list[Batch]:
        """Return the batches of *stream* in the journal, whose agent has ended.

        They are checked to be a whole chain.
        """
        stored = [batch for batch in self.stored() if batch.stream == stream]
        previous = None
        for number, batch in enumerate(stored, 1):
            header = decode(batch.data).header
            assert (batch.seq, header.seq, header.prev) == (number, number, previous)
            assert batch.samples == header.samples
            previous = batch_hash(batch.data)
        return [decode(batch.data) for batch in stored]

    def books(self) -> list[Batch]:
        """Return the batches with windows and events, see ``sealed``."""
        return self.sealed("ledger") + self.sealed("minutes")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()


Row = dict[str, float | str | None]


def rows(batches: Iterable[Batch], table: str) -> list[Row]:
    """Return the rows of all tables of a name; numbers in their units."""
    return [
        row for batch in batches for t in batch.tables if t.name == table
        for row in table_rows(t)
    ]  # fmt: skip


def table_rows(table: Table) -> list[Row]:
    """Return the rows of a table by column name."""
    columns = [
        column.values if isinstance(column.values, list) else column.numbers()
        for column in table.columns
    ]
    names = [column.name for column in table.columns]
    return [
        dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)
    ]


def windows(batches: Iterable[Batch], length: str = "1min") -> dict[int, Row]:
    """Return the latest revision of each window, by its start in ms."""
    found: dict[int, Row] = {}
    for row in rows(batches, f"ledger/{length}"):
        start = row["time"]
        assert isinstance(start, int)
        found[start] = row
    return found


def total(batches: Iterable[Batch], cell: str, length: str = "1min") -> float:
    """Return the sum of a cell over the latest revisions of all windows."""
    values = [row[cell] for row in windows(batches, length).values()]
    return sum(value for value in values if isinstance(value, int | float))


def kwh(seconds: float) -> float:
    """Return what the line draws in so many seconds."""
    return POWERS_W["line"] / 3.6e6 * seconds


def kinds(gateway: Gateway) -> list[str]:
    """Return the kinds of the events so far."""
    return [event.kind for event in gateway.events.recent]
