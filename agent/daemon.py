"""The daemon: wires buses, pipeline, journal, uplinks and page; starts and stops them.

Threads: one per bus, one for the journal, two per uplink, one for who is shown live
values, one for factor series and one for certificates where there are any; the main
thread runs one asyncio loop with the ticks, the page and the signals. Nothing wakes
without a deadline that asked for it.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from zerometer.agent.bus_memory import BusMemory
from zerometer.agent.clock import Clock
from zerometer.agent.events import EventLog
from zerometer.agent.factors.forms import open_feed
from zerometer.agent.hardware import hardware_hash
from zerometer.agent.journal import Journal
from zerometer.agent.last_status import write_last
from zerometer.agent.pipeline import Pipeline
from zerometer.agent.reissue import Reissues
from zerometer.agent.site_events.feed import EventFeed
from zerometer.agent.snapshot import Snapshot
from zerometer.agent.state_rows.health import Health
from zerometer.agent.unit_plans import unit_plans
from zerometer.agent.uplink.base import Sender
from zerometer.agent.uplink.schemes import open_sender, time_check
from zerometer.agent.uplink.worker import Uplink
from zerometer.core.errors import ZerometerError
from zerometer.core.origin_factors import series_units
from zerometer.core.site import Bus, Site, UplinkSettings
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.lines.open_line import open_line
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.notices import BusNotice
from zerometer.drivers.statistics import BusStatistics

if TYPE_CHECKING:
    from zerometer.agent.certificates.matcher import MatcherThread
    from zerometer.agent.factors.keeper import FactorKeeper
    from zerometer.agent.page.keeper import PageKeeper
    from zerometer.agent.uplink.live_show import LiveShow

log = logging.getLogger("zerometer")

#: How long a stop waits for the uplinks to send what is left.
UPLINK_GRACE_S = 10.0


async def run(site: Site) -> None:
    """Run an agent for *site* until SIGTERM or SIGINT.

    ConfigError when something that the site file names cannot be had, JournalError
    when its journal cannot be taken up, trusted or finished, ZerometerError when it
    stopped in order because nobody read a bus any more.
    """
    journal = Journal.open(
        Path(site.journal.path),
        site.journal,
        uplinks={uplink.id: uplink.streams for uplink in site.uplinks},
        hardware=hardware_hash(),
    )
    with closing(journal):
        await Daemon(site, journal).run()


class Daemon:
    """A running agent for one site."""

    def __init__(self, site: Site, journal: Journal) -> None:
        """Take up where *journal* ends; JournalError if that cannot be."""
        self._site = site
        self._journal = journal
        self._events = EventLog()
        resume = self._journal.resume()
        self._clock = Clock()
        self._tell_notices()
        self._site_events = self._open_site_events()
        self._matcher = self._open_matcher()
        self._factors = self._open_factors()
        self._reissues = Reissues()
        self._pipeline = Pipeline(
            site,
            self._journal,
            resume,
            self._clock,
            self._events,
            site_events=self._site_events,
            factor_keeper=self._factors,
            matcher=self._matcher.matcher if self._matcher else None,
            reissues=self._reissues,
            health=Health(self._statistics, self._journal.info).rows,
        )
        self._memory = BusMemory(Path(site.journal.path), site.meters)
        if self._memory.notice:
            self._event("journal", "journal", self._memory.notice)
        self._buses = [self._bus(bus) for bus in site.buses]
        senders = {u.id: open_sender(u, journal.source) for u in site.uplinks}
        self._uplinks = [self._uplink(u, senders[u.id]) for u in site.uplinks]
        self._live = self._open_live(senders)
        self._snapshot = Snapshot(
            pipeline=self._pipeline,
            buses=self._buses,
            journal=self._journal,
            uplinks=self._uplinks,
            clock=self._clock,
            events=self._events,
        )
        self._page: PageKeeper | None = None
        self._stopping = asyncio.Event()
        self._failure: Exception | None = None
        self._blind: ZerometerError | None = None

    def _statistics(self) -> list[BusStatistics]:
        return [bus.statistics() for bus in self._buses]

    def _open_site_events(self) -> EventFeed:
        feed = EventFeed(self._site)
        try:
            feed.take_file(self._site, self._clock.wall_ns(self._clock.boottime_ns()))
        except BaseException:
            feed.close()
            raise
        return feed

    def _open_matcher(self) -> "MatcherThread | None":
        """Return who matches certificates; None for a site without that view."""
        if "market" not in self._site.views:
            return None
        from zerometer.agent.certificates.matcher import Matcher, MatcherThread

        return MatcherThread(
            Matcher(self._site, Path(self._site.journal.path)),
            lambda text: self._event("certificates", "certificates", text),
            lambda: self._clock.wall_ns(self._clock.boottime_ns()),
        )

    def _open_factors(self) -> "FactorKeeper | None":
        """Return who has the values of series; None for a site that names none."""
        if not (self._site.feeds or series_units(self._site) or self._matcher):
            return None
        from zerometer.agent.factors.keeper import FactorKeeper

        return FactorKeeper(
            Path(self._site.journal.path),
            {settings: open_feed(settings) for settings in self._site.feeds},
            lambda subject, text: self._event(
                "factors", subject, text or "brings values again"
            ),
            wall_ns=self._clock.wall_ns,
            boottime_ns=self._clock.boottime_ns,
        )

    def _open_live(self, senders: Mapping[str, Sender]) -> "LiveShow | None":
        """Return who shows latest values; None for a site that shows none."""
        if not self._site.live:
            return None
        from zerometer.agent.uplink.live_show import LiveShow

        latest = self._pipeline.latest
        return LiveShow(self._site, senders, latest, self._clock, self._event)

    def _bus(self, bus: Bus) -> BusLoop:
        units = unit_plans(self._site, bus)
        return BusLoop(
            bus.id,
            lambda: open_line(bus),
            bus.line,
            units,
            self._pipeline.deliver,
            self._notice,
            bus.timeout_ms * 1_000_000,
            self._memory.memories,
        )

    def _uplink(self, settings: UplinkSettings, sender: Sender) -> Uplink:
        return Uplink(
            settings,
            self._journal,
            sender,
            event=self._event,
            reissue=self._reissues.ask,
            time_is_known=time_check(settings),
        )

    def _notice(self, notice: BusNotice) -> None:
        """Turn what a bus reports into an event; called from the bus's thread."""
        time_ms = self._clock.wall_ns(notice.time_ns) // 1_000_000
        self._events.add(time_ms, notice.kind, notice.meter or notice.bus, notice.text)

    def _event(self, kind: str, subject: str, text: str) -> None:
        now_ns = self._clock.wall_ns(self._clock.boottime_ns())
        self._events.add(now_ns // 1_000_000, kind, subject, text)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT, then stop in order: nothing is lost."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            await self._start()
            await self._stopping.wait()
            await self._quieten()
            if self._failure is not None:
                raise self._failure
            self._finish()
            if self._blind is not None:
                raise self._blind
        finally:
            await self._quieten()
            self._stop_uplinks(0.0)
            self._site_events.close()

    async def _start(self) -> None:
        if self._site.page.enabled:
            from zerometer.agent.page.keeper import PageKeeper
            from zerometer.agent.site_events.api import EventsApi

            self._page = PageKeeper(
                self._site.page,
                self._snapshot.take,
                lambda text: self._event("page", "page", text),
                [EventsApi(self._site).route()],
            )
            await self._page.start()
        for bus in self._buses:
            bus.start()
        for uplink in self._uplinks:
            uplink.start()
        if self._live is not None:
            self._live.start()
        if self._factors is not None:
            self._factors.start()
        if self._matcher is not None:
            self._matcher.start()
        self._schedule()

    def _schedule(self) -> None:
        """Call ``_tick`` at the end of the tick that runs, on the wall clock."""
        now_ns = self._clock.wall_ns(self._clock.boottime_ns())
        rest_ns = self._site.tick_ns - now_ns % self._site.tick_ns
        asyncio.get_running_loop().call_later(rest_ns / 1e9, self._tick)

    def _tick(self) -> None:
        if self._stopping.is_set():
            return
        now_ns = self._clock.wall_ns(self._clock.boottime_ns())
        edge_ns = now_ns - now_ns % self._site.tick_ns
        try:
            self._pipeline.tick(self._clock.boottime_of(edge_ns))
        except Exception as error:
            log.error("agent: stops, a tick failed; what was committed is safe")
            self._failure = error
            self._stopping.set()
            return
        self._check()
        self._memory.keep(self._learnt, now_ns)
        if self._live is not None:
            self._live.tick(self._clock.boottime_ns())
        if self._page is not None:
            self._page.publish()
        self._schedule()

    def _learnt(self) -> dict[str, UnitMemory]:
        """Return what the buses know of their meters."""
        return {
            meter: memory
            for bus in self._buses
            for meter, memory in bus.memories().items()
        }

    def _check(self) -> None:
        """Stop when a part is gone that only a new start brings back."""
        self._tell_notices()
        for statistics in self._statistics():
            if not statistics.alive:
                self._blind = ZerometerError(
                    f"bus {statistics.bus}: its thread has ended, nobody reads its "
                    "meters; stopped in order, start again"
                )
                self._stopping.set()

    def _tell_notices(self) -> None:
        for notice in self._journal.take_notices():
            self._event("journal", "journal", notice)

    async def _quieten(self) -> None:
        """Let nothing new come in: no viewers, no readings."""
        if self._page is not None:
            await self._page.stop()
            self._page = None
        if self._live is not None:
            self._live.stop()
        for bus in self._buses:
            bus.stop()
        if self._factors is not None:
            self._factors.stop()
        if self._matcher is not None:
            self._matcher.stop()

    def _finish(self) -> None:
        """Make everything durable, forward it, and leave a last picture."""
        self._pipeline.finish(self._clock.boottime_ns())
        self._memory.write(self._learnt())
        self._stop_uplinks(UPLINK_GRACE_S)
        write_last(Path(self._site.journal.path), self._snapshot.take())

    def _stop_uplinks(self, grace_s: float) -> None:
        """Stop all uplinks at once; each may send for *grace_s*."""
        stops = [
            threading.Thread(target=uplink.stop, args=(grace_s,))
            for uplink in self._uplinks
        ]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
