"""The way of a reading through the agent, from the bus to the journal.

Bus threads hand readings over without waiting; once per tick the main thread
takes them all through accounting, rows and batches. One owner, one direction.
"""

import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgpack

from zerometer.agent.balance_watch import BalanceWatch
from zerometer.agent.batch.signature import Signer, load_signer
from zerometer.agent.clock import EPOCH_NS, Clock, Stamp
from zerometer.agent.commits import Commits
from zerometer.agent.events import EventLog
from zerometer.agent.factors.feed import FeedState
from zerometer.agent.figures import Figures
from zerometer.agent.journal import Commit, Journal, Resume
from zerometer.agent.latest import Latest
from zerometer.agent.reading_rows import ReadingRows
from zerometer.agent.recorder import Identity, Recorder
from zerometer.agent.reissue import Reissues
from zerometer.agent.reissuer import Reissuer
from zerometer.agent.restatement import Restatement
from zerometer.agent.site_events.feed import EventFeed, told
from zerometer.agent.state_rows.tables import Row
from zerometer.agent.state_rows.teller import StateTeller
from zerometer.agent.uplink.secrets import secret_path
from zerometer.core.accounting import Accounting, Closing
from zerometer.core.errors import JournalError
from zerometer.core.network import Network
from zerometer.core.notes import LASTING, Note
from zerometer.core.points import Reading
from zerometer.core.quarter_record import QuarterRecord
from zerometer.core.series_book import HORIZON_NS, SeriesBook
from zerometer.core.site import Site

if TYPE_CHECKING:
    from zerometer.agent.certificates.matcher import Matcher
    from zerometer.agent.factors.keeper import FactorKeeper

STATE_FORMAT = 1
#: Names and zeros are most of the state: the fastest level takes most of them away.
STATE_LEVEL = 1
MILLISECOND_NS = 1_000_000
#: What was booked within this time before a start may not have been told to all.
RECENT_NS = 86_400_000_000_000
#: A longer time without a tick is not gone through tick by tick.
LONGEST_STALL_NS = 600_000_000_000


class Pipeline:
    """Readings in, commits out; ``tick`` is called at the end of each tick."""

    def __init__(
        self,
        site: Site,
        journal: Journal,
        resume: Resume,
        clock: Clock,
        events: EventLog,
        *,
        site_events: EventFeed | None = None,
        factor_keeper: "FactorKeeper | None" = None,
        matcher: "Matcher | None" = None,
        reissues: Reissues | None = None,
        health: Callable[[], Sequence[Row]] | None = None,
    ) -> None:
        """*site_events* are what the site is told of, if it is to follow that.

        *factor_keeper* has the values of its factor series, if there are any;
        *matcher* is to be told of what sources delivered, if it matters. *reissues*
        are what uplinks ask for; *health* returns how the gateway is.
        """
        self._site = site
        self._journal = journal
        self._clock = clock
        self._events = events
        self._site_events = site_events
        self._factor_keeper = factor_keeper
        self._matcher = matcher
        self._queue: deque[Reading] = deque()
        #: Readings that wait for the wall clock.
        self._waiting: list[Reading] = []
        self._started_ns = clock.boottime_ns()
        self._last_factor: int | None = None
        self._zone = ZoneInfo(site.timezone)
        origins = [origin.name for origin in Network(site).origins]
        self.factors = SeriesBook(site, origins, self._zone)
        self.accounting = Accounting(site, self._zone, self.factors)
        network = self.accounting.network
        self.latest = Latest(site.meters)
        self.figures = Figures(site, network, self._zone)
        self._balances = BalanceWatch(network, site)
        index_of = self.accounting.metering.counters.index
        self._rows = ReadingRows(site.meters, index_of, raw=site.journal.raw)
        state = _unpacked(resume.state)
        self._recorder = self._make_recorder(resume, state.get("clock"))
        self._restatement = Restatement(
            site, network, self.accounting.cells, self.factors, journal
        )
        self._teller = StateTeller(
            site, network, self.factors, self._recorder, clock, health=health
        )
        self._commits = Commits(
            journal,
            spacing_ns=site.journal.commit_ns,
            following=self._next_commit,
            done=self._committed,
            trouble=lambda text: self._trouble("journal", "journal", text),
        )
        self._reissuer = Reissuer(
            reissues or Reissues(),
            journal,
            self._recorder,
            self._commits,
            began=self._teller.begin,
            event=self._event,
        )
        if state:
            self._restore(state)
        clock.take_up(state.get("clock"), self.accounting.last_ns)
        self._load_factors()
        if not clock.waits:
            self._take_up_time()
        if self._matcher is not None:
            self._match(self._restatement.recent(self._since_ns(RECENT_NS)))

    def _make_recorder(
        self, resume: Resume, clock: Mapping[str, Any] | None
    ) -> Recorder:
        """*clock*: what is known of the one that timed the open rows."""
        stamp = self._clock.stamp
        if clock is not None:
            offset_ms = clock["offset_ns"] // MILLISECOND_NS
            stamp = Stamp(clock["boot"], offset_ms, clock["synchronised"])
        return Recorder(
            Identity(
                source=self._journal.source,
                epoch=self._journal.epoch,
                site=self._site.id,
                config=self._site.revision,
                sign=_signer(self._site.journal.sign),
            ),
            resume,
            self._journal.gaps,
            stamp,
            seal_ns=self._site.journal.seal_ns,
            seal_samples=self._site.journal.seal_samples,
        )

    def _restore(self, state: Mapping[str, Any]) -> None:
        leftover = self.accounting.restore(state["accounting"])
        self.figures.restore(state["figures"])
        if "restatement" in state:
            self._restatement.restore(state["restatement"])
        if self._site_events is not None:
            self._site_events.last = state.get("site_events", 0)
        self._last_factor = state.get("factors")
        if "told" in state:
            self._teller.restore(state["told"])
        revision, samples = state.get("seal_samples", ("", 0))
        if revision == self._site.revision:  # else it is tried again
            self._recorder.seal_samples = samples
        if leftover is not None:
            for window in leftover.windows:
                self._recorder.add_window(window, leftover.cells)
            self._event("graph-changed", self._site.id, "the site's graph has changed")

    def _take_up_time(self) -> None:
        """Go on from the end of what is booked to when this agent started."""
        self._recorder.timed_by(self._clock.stamp)
        self._teller.begin(self._journal.epoch)
        last_ns = self.accounting.last_ns
        if last_ns is None:
            return
        start_ns = self._clock.wall_ns(self._started_ns)
        if start_ns < last_ns or last_ns < EPOCH_NS <= start_ns:
            # The clock was set while we were away: how long that was is not known.
            self._rebase(start_ns - last_ns)
        else:
            if not self._clock.away_is_known:
                self.accounting.time_is_a_guess()
            self._record(self.accounting.resume(start_ns))

    @property
    def site(self) -> Site:
        """The site that is metered."""
        return self._site

    def feeds(self) -> list[FeedState]:
        """Return how each feed of factors is."""
        return self._factor_keeper.states() if self._factor_keeper else []

    def deliver(self, reading: Reading) -> None:
        """Take a reading from a bus; callable from any thread."""
        self._queue.append(reading)

    def tick(self, boottime_ns: int) -> None:
        """Account for the time up to *boottime_ns* and record what it brought."""
        if self._clock.waits:
            self._wait_for_clock()
        if self._clock.waits:
            return
        self._follow_clock()
        now_ns = self._clock.wall_ns(boottime_ns)
        self._follow_site_events()
        self._follow_factors(now_ns)
        self._account(now_ns)
        self._restate()
        self._teller.tick(boottime_ns)
        self._record_events()
        self._recorder.seal_due(now_ns // MILLISECOND_NS)
        self._reissuer.tick(boottime_ns)
        self._commits.tick(boottime_ns)

    def finish(self, boottime_ns: int) -> None:
        """Book and seal everything, the open windows as they stand; make it durable.

        JournalError when that fails; what was committed before is safe.
        """
        if self._clock.waits:
            self._wait_for_clock(longer=False)
        self.tick(boottime_ns)
        self._record(self.accounting.interrupt())
        self._record_events()
        self._recorder.seal_all()
        self._commits.flush(boottime_ns)

    def _wait_for_clock(self, *, longer: bool = True) -> None:
        """Let readings wait, shown but not booked, until the wall clock is right."""
        held = len(self._waiting)
        while self._queue:
            self._waiting.append(self._queue.popleft())
        for reading in self._waiting[held:]:
            self.latest.read(reading)
        step_ns = self._clock.wait(longer=longer)
        if step_ns is not None:
            self._events.rebase(step_ns // MILLISECOND_NS)
            self._take_up_time()
            self._queue.extendleft(reversed(self._waiting))
            self._waiting.clear()

    def _follow_site_events(self) -> None:
        """Let the accounts know what the site was told since the last tick."""
        if self._site_events is None:
            return
        try:
            for event in self._site_events.new():
                self._event("told", event.subject, told(event, self._site))
                for note in self.accounting.event(event):
                    self._note(note, event.time_ns // MILLISECOND_NS)
                self.figures.event(event)
        except JournalError as error:
            self._trouble("journal", "events", str(error))

    def _load_factors(self) -> None:
        """Take in what was known of factors when the state was written."""
        if self._factor_keeper is not None:
            since_ns = self._since_ns(HORIZON_NS)
            rows = self._factor_keeper.begin(self._last_factor, since_ns)
            self.factors.load(rows)

    def _since_ns(self, length_ns: int) -> int:
        """Return the time so long before what is booked ends, or before now."""
        now_ns = self._clock.wall_ns(self._clock.boottime_ns())
        return (self.accounting.last_ns or now_ns) - length_ns

    def _follow_factors(self, now_ns: int) -> None:
        """Take in what has become known of factors since the last tick."""
        if self._factor_keeper is not None:
            changes = self.factors.add(self._factor_keeper.take(), now_ns)
            self._restatement.dirty(changes)

    def _restate(self) -> None:
        """Put out again what revised factors make of it, a little at a time."""
        step = self._restatement.step()
        self._teller.restated(step.windows, step.ended)
        for window in step.windows:
            self._recorder.add_window(window, self.accounting.cells)
        for start_ns, delta_kg in step.deltas:
            self.figures.restated(start_ns, delta_kg)
        if step.openings is not None:
            self.accounting.attribution.reopen(step.openings)
        if step.ended is not None:
            self._event("restated", self._site.id, str(step.ended))

    def _match(self, records: Iterable[QuarterRecord]) -> None:
        """Tell what sources delivered, for their certificates."""
        if self._matcher is None:
            return
        inflows = self.accounting.network.inflows
        for record in records:
            loads = {
                source.id: record.entered[inflow.origin]
                for source, inflow in zip(self._site.sources, inflows, strict=True)
            }
            self._matcher.book(record.start_ns, loads)

    def _follow_clock(self) -> None:
        step_ns = self._clock.follow()
        if step_ns:
            self._recorder.distrust()  # what is timed by the clock as it was
        self._recorder.timed_by(self._clock.stamp)
        if step_ns:
            self._teller.clock("step", step_ns)
            self._rebase(step_ns)

    def _rebase(self, step_ns: int) -> None:
        self._event(
            "clock-step", "clock", f"wall clock stepped by {step_ns / 1e9:+.3f} s"
        )
        self._record(self.accounting.rebase(step_ns))

    def _record_events(self) -> None:
        for event in self._events.take():
            self._recorder.add_event(
                event.time_ms, event.kind, event.subject, event.text
            )

    def _account(self, now_ns: int) -> None:
        """Account for the time up to *now_ns*, tick by tick, with its readings.

        After a stall there are many ticks; after a long one (the machine slept) what
        lies between was not seen.
        """
        last_ns = self.accounting.last_ns
        if last_ns is not None and now_ns - last_ns > LONGEST_STALL_NS:
            self._record(self.accounting.resume(now_ns - self._site.tick_ns))
            last_ns = self.accounting.last_ns
        tick_ns = self._site.tick_ns
        edge_ns = now_ns if last_ns is None else (last_ns // tick_ns + 1) * tick_ns
        while edge_ns < now_ns:
            self._drain(self._clock.boottime_of(edge_ns))
            self._record(self.accounting.advance(edge_ns))
            edge_ns += tick_ns
        self._drain(self._clock.boottime_of(now_ns))
        self._record(self.accounting.advance(now_ns))

    def _drain(self, boottime_ns: int) -> None:
        """Take in the readings that were made until *boottime_ns*."""
        while self._queue and self._queue[0].time_ns <= boottime_ns:
            reading = self._queue.popleft()
            wall_ns = self._clock.wall_ns(reading.time_ns)
            for note in self.accounting.read(reading, wall_ns):
                self._note(note, wall_ns // MILLISECOND_NS)
            self.latest.read(reading)
            for table, fields, row in self._rows.rows(reading):
                self._recorder.add_row(table, fields, wall_ns // MILLISECOND_NS, row)

    def _note(self, note: Note, time_ms: int) -> None:
        if note.kind in LASTING:
            self._events.add_standing(
                time_ms, note.kind, note.meter, note.text, note.point
            )
        else:
            self._events.add(time_ms, note.kind, note.meter, note.text)

    def _record(self, closing: Closing) -> None:
        records = self.accounting.attribution.take_records()
        self._restatement.booked(closing, records)
        self._match(record for record, _ in records)
        for totals in closing.totals:
            self.figures.add(totals)
            for kind, pool, text in self._balances.add(totals):
                self._trouble(kind, pool, text)
        self._teller.booked(closing.windows)
        for window in closing.windows:
            self._recorder.add_window(window, self.accounting.cells)
        for note in closing.notes:
            now_ms = self._clock.wall_ns(self._clock.boottime_ns()) // MILLISECOND_NS
            self._note(note, now_ms)
        for disagreement in closing.disagreements:
            measure = self.accounting.network.measures[disagreement.measure]
            ratio, power = disagreement.ratio, measure.power or "its rate"
            story = (
                f"while {power} promised nothing"
                if isnan(ratio)
                else f"{ratio:.3f} times what {power} promised"
            )
            self._trouble(
                "disagreement",
                measure.meter,
                f"{measure.counter} gained {story}: check ratios and units",
                measure.counter,
            )
        if closing.circular:
            self._trouble(
                "circular",
                self._site.id,
                "energy flows in a circle without an exit: check directions",
            )

    def _event(self, kind: str, subject: str, text: str) -> None:
        now_ms = self._clock.wall_ns(self._clock.boottime_ns()) // MILLISECOND_NS
        self._events.add(now_ms, kind, subject, text)

    def _trouble(self, kind: str, subject: str, text: str, detail: str = "") -> None:
        """Add an event about something that may last."""
        now_ms = self._clock.wall_ns(self._clock.boottime_ns()) // MILLISECOND_NS
        self._events.add_standing(now_ms, kind, subject, text, detail)

    def _next_commit(self) -> Commit:
        state = {
            "format": STATE_FORMAT,
            "accounting": self.accounting.state(),
            "figures": self.figures.state(),
            "factors": self._factor_keeper and self._factor_keeper.last,
            "site_events": self._site_events.last if self._site_events else 0,
            "restatement": self._restatement.state(),
            "clock": self._clock.known(),
            "told": self._teller.state(),
            "seal_samples": (self._site.revision, self._recorder.seal_samples),
        }
        packed = zlib.compress(msgpack.packb(state), STATE_LEVEL)
        restatement = self._restatement
        return self._recorder.commit(
            packed, restatement.unsaved, restatement.kept_from_ns
        )

    def _committed(self, commit: Commit) -> None:
        self._recorder.committed(commit)
        self._restatement.saved(commit.shares)
        self._events.over("journal", "journal")


def _unpacked(packed: bytes | None) -> dict[str, Any]:
    """Return the state of the last commit, empty if there is none.

    JournalError when a later version wrote it.
    """
    if not packed:
        return {}
    state: dict[str, Any] = msgpack.unpackb(zlib.decompress(packed))
    if state["format"] != STATE_FORMAT:
        raise JournalError(
            f"journal: state has format {state['format']}; this version reads "
            f"{STATE_FORMAT}: install the version that wrote it"
        )
    return state


def _signer(path: str) -> Signer | None:
    """Return what signs batches with the key at *path*; None if there is none."""
    return load_signer(secret_path(path)) if path else None
