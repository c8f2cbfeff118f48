"""The live matching: loads and certificates become factors of the market view.

It has a thread of its own, as it waits for the disk. What it finds goes into the
store of factor rows, from where the accounting takes it up as it does any other
revision.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

from zerometer.agent.certificates.store import CertificateStore
from zerometer.agent.factors.store import FactorStore
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.errors import JournalError
from zerometer.core.factor import FactorRow
from zerometer.core.intervals import Calendar
from zerometer.core.market import PROVIDER, market_rows, match_sources
from zerometer.core.matching import TOLERANCE, Matching, Profile
from zerometer.core.network import Network
from zerometer.core.series_book import HORIZON_NS, SeriesBook
from zerometer.core.site import Site

#: How often it is looked whether there is anything new to match.
SPACING_S = 60.0


class Matcher:
    """Matches the certificates of a site; used by one thread, but for ``book``."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site = site
        self._store = CertificateStore(folder)
        self._folder = folder
        self._factors: FactorStore | None = None
        self._sources = {source.id: k for k, source in enumerate(site.sources)}
        zone = ZoneInfo(site.timezone)
        self._calendar = Calendar(site.matching, zone)
        origins = [origin.name for origin in Network(site).origins]
        self._book = SeriesBook(site, origins, zone)
        #: The last row that was read, and the last one of others.
        self._read = self._mix = 0
        self._booked: deque[tuple[str, int, float]] = deque()
        #: What the rows in the file say already, as far as it is known.
        self._written: dict[tuple[str, int], float] = {}
        self._done: object = None
        self._told: set[str] = set()

    def close(self) -> None:
        """Let go of the files; the next work opens them again."""
        if self._factors is not None:
            self._factors.close()
            self._factors = None

    def book(self, start_ns: int, loads: Mapping[str, float]) -> None:
        """Note what came in from each source in a quarter; from any thread."""
        self._booked.extend((source, start_ns, q) for source, q in loads.items())

    def work(self, now_ns: int) -> list[str]:
        """Match what is new; return what there is to say of certificates.

        JournalError when a file cannot be read or written: what was booked is kept
        for the next time.
        """
        self._keep_loads()
        certificates = self._store.certificates()
        if not certificates:
            return []
        # A connection is for one thread: that which works.
        factors = self._factors = self._factors or FactorStore(self._folder)
        self._learn(factors, now_ns)
        since_ns, _ = self._calendar.interval(now_ns - HORIZON_NS)
        since_ns = min([since_ns, *(c.start_ns for c in certificates)])
        loads = self._store.loads(since_ns)
        over_ns = self._over_ns(loads)
        news = self._store.revision(), self._mix, over_ns
        if news == self._done:
            return []
        matchings = match_sources(
            self._site,
            # What is sold is spread over what was made: all of that must be known.
            [c for c in certificates if c.kind != "sold" or c.end_ns <= over_ns],
            self._store.generation(),
            {
                source: [quarter for quarter in load if quarter[0] < over_ns]
                for source, load in loads.items()
            },
            self._calendar,
        )
        rows = market_rows(self._site, matchings, self._unmatched, now_ns)
        self._write(factors, [r for r in rows if r.t1_ns > now_ns - HORIZON_NS])
        self._done = news
        return self._sayings(matchings)

    def _over_ns(self, loads: Mapping[str, Profile]) -> int:
        """Return the end of the last interval that is booked whole."""
        until_ns = max((load[-1][0] for load in loads.values()), default=0) + QUARTER_NS
        start_ns, end_ns = self._calendar.interval(until_ns - 1)
        return end_ns if end_ns <= until_ns else start_ns

    def _write(self, factors: FactorStore, rows: Sequence[FactorRow]) -> None:
        """Keep the rows that say something else than before."""
        values = {(row.series, row.t0_ns): row.value for row in rows}
        known = self._written
        factors.add(
            row
            for row in rows
            if known.get((row.series, row.t0_ns)) != values[row.series, row.t0_ns]
        )
        self._written = values

    def _keep_loads(self) -> None:
        loads = list(self._booked)
        if loads:
            self._store.book(loads)
            for _ in loads:
                self._booked.popleft()

    def _learn(self, factors: FactorStore, now_ns: int) -> None:
        """Take in what others said of factors since the last time."""
        rows = factors.after(self._read, now_ns - HORIZON_NS)
        if rows:
            self._read = rows[-1].revision
        rows = [row for row in rows if row.provider != PROVIDER]
        if rows:
            self._book.load(rows)
            self._mix = rows[-1].revision

    def _unmatched(self, source: str, start_ns: int) -> float:
        return self._book.unmatched(start_ns)[self._sources[source]]

    def _sayings(self, matchings: Mapping[str, Matching]) -> list[str]:
        """Return what was not said before."""
        oversold = {
            f"{source}: {matching.excess:.1f} more sold than it made"
            for source, matching in matchings.items()
            if self._site.sources[self._sources[source]].kind == "own"
            and matching.excess > TOLERANCE
        }
        now = {
            f"{certificate}: {what}"
            for matching in matchings.values()
            for ids, what in (
                (matching.joined, "divided by its plant's profile"),
                (matching.unplaced, "matches nothing: its plant has no profile"),
            )
            for certificate in ids
        } | oversold
        new, self._told = now - self._told, now
        return sorted(new)


class MatcherThread:
    """Lets a matcher work every now and then."""

    def __init__(
        self, matcher: Matcher, tell: Callable[[str], None], now_ns: Callable[[], int]
    ) -> None:
        """*tell* is called, in the thread, with what there is to say.

        *now_ns* is the clock (Unix, UTC).
        """
        self._now_ns = now_ns
        self.matcher = matcher
        self._tell = tell
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificates")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Keep what was booked, and end."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with closing(self.matcher):
            stopping = False
            while not stopping:
                stopping = self._stopping.wait(SPACING_S)
                self._work()

    def _work(self) -> None:
        try:
            for saying in self.matcher.work(self._now_ns()):
                self._tell(saying)
        except JournalError as error:
            self._tell(str(error))
