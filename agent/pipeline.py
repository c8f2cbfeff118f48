"""The way of a reading through the agent, from the bus to the journal.

Bus threads hand readings over without waiting; once per tick the main thread
takes them all through accounting, rows and batches. One owner, one direction.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from zoneinfo import ZoneInfo

import msgpack

from zerometer.agent.clock import Clock, read_boot_id
from zerometer.agent.events import EventLog
from zerometer.agent.figures import Figures
from zerometer.agent.journal import Commit, Journal, Resume
from zerometer.agent.latest import Latest
from zerometer.agent.reading_rows import ReadingRows
from zerometer.agent.recorder import Identity, Recorder
from zerometer.core.accounting import Accounting, Closing, Window
from zerometer.core.errors import JournalError
from zerometer.core.points import Reading
from zerometer.core.site import Site

STATE_FORMAT = 1
MILLISECOND_NS = 1_000_000


class Pipeline:
    """Readings in, commits out; ``tick`` is called at the end of each tick."""

    def __init__(
        self, site: Site, journal: Journal, clock: Clock, events: EventLog
    ) -> None:
        self._site = site
        self._journal = journal
        self._clock = clock
        self._events = events
        self._queue: deque[Reading] = deque()
        self._commit_at_ns = 0
        self._pending: tuple[Commit, Future[None]] | None = None
        resume = journal.resume()
        self.accounting = Accounting(site, ZoneInfo(site.timezone))
        self.latest = Latest(site.meters)
        self.figures = Figures()
        self._rows = ReadingRows(site.meters, self.accounting.metering.counters.index)
        self._recorder = self._make_recorder(resume)
        self._restore(resume.state)

    def _make_recorder(self, resume: Resume) -> Recorder:
        origins = [*self._site.sources, *(f for p in self._site.processes for f in p.fuels)]
        series = {f.series for o in origins for f in o.factors.values() if f.series}
        return Recorder(
            Identity(
                source=self._journal.source,
                epoch=self._journal.epoch,
                site=self._site.id,
                boot=read_boot_id(),
                config=self._site.revision,
                factors=tuple(sorted(series)),
            ),
            resume,
            self.accounting.cells,
            seal_ns=self._site.journal.seal_ns,
            # A sample takes about a byte: the size of a batch is its samples.
            seal_samples=self._site.journal.seal_bytes,
        )

    def _restore(self, packed: bytes | None) -> None:
        if packed is None:
            return
        state = msgpack.unpackb(packed)
        if state["format"] != STATE_FORMAT:
            raise JournalError(
                f"journal: state has format {state['format']}; this version reads "
                f"{STATE_FORMAT}: install the version that wrote it"
            )
        leftover = self.accounting.restore(state["accounting"])
        self.figures.restore(state["figures"])
        if leftover is not None:
            for window in leftover.windows:
                self._recorder.add_window(window, leftover.cells)
            self._event("graph-changed", self._site.id, "the site's graph has changed")
        self.accounting.resume(self._clock.wall_ns(self._clock.boottime_ns()))
