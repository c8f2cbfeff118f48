"""A thread that asks the feeds, keeps what they say, and hands it on.

It owns the file of factor rows. Whoever accounts takes what is new, with no
waiting: rows of feeds, and those that ``factors import`` wrote into the file.
"""

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from zerometer.agent.clock import EPOCH_NS, read_boottime_ns
from zerometer.agent.factors.feed import Feed, FeedError, FeedState, Said
from zerometer.agent.factors.store import FactorStore
from zerometer.agent.uplink.backoff import Backoff
from zerometer.core.errors import ZerometerError
from zerometer.core.factor import FactorRow
from zerometer.core.site import FeedSettings

log = logging.getLogger("zerometer")

#: What ``factors import`` wrote is looked for so often.
LOOK_NS = 60 * 10**9
#: After a large import there is more to take soon.
HURRY_NS = 10**9
#: Rows that wait to be taken, at most twice so many; and those taken in a tick.
WAITING = 5000
TAKEN_AT_ONCE = 500
#: Waits after failures: the shortest, and the first limit of a random one.
RETRY_AT_LEAST_S = 5.0
RETRY_FIRST_S = 60.0
#: By how much of its period a feed may be asked early, so that sites do not all
#: ask at once.
JITTER = 0.1
#: A request in progress is cut; a stop waits so long for that.
CUT_S = 2.0

#: The subject of what is told of the file.
STORE = "factors"
#: Called with a feed, and what went wrong; empty when it works again.
Tell = Callable[[str, str], None]


@dataclass(slots=True)
class _Asked:
    """A feed, when it is asked next (boot time), and what became of it."""

    settings: FeedSettings
    feed: Feed
    backoff: Backoff
    state: FeedState
    due_ns: int = 0


class FactorKeeper:
    """Asks feeds when they are due; ``take`` hands on what is new."""

    def __init__(
        self,
        folder: Path,
        feeds: Mapping[FeedSettings, Feed],
        tell: Tell,
        *,
        wall_ns: Callable[[int], int],
        boottime_ns: Callable[[], int] = read_boottime_ns,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Keep rows in *folder*.

        *wall_ns* turns boot time into Unix time, *draw* returns numbers from 0 to 1.
        """
        self._folder = folder
        self._tell = tell
        #: The last revision that was handed on: where a start goes on.
        self.last = 0
        self._seen = 0
        self._wall_ns = wall_ns
        self._boottime_ns = boottime_ns
        self._draw = draw
        self._feeds = [
            _Asked(
                settings,
                feed,
                Backoff(RETRY_FIRST_S, draw),
                FeedState(id=settings.id, series=settings.series, form=settings.form),
            )
            for settings, feed in feeds.items()
        ]
        self._new: deque[FactorRow] = deque()
        self._changed = threading.Condition()
        self._woken: set[str] = set()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="factors", daemon=True)

    def begin(self, last: int | None, since_ns: int) -> list[FactorRow]:
        """Return the rows up to revision *last*, about times after *since_ns*.

        They are no news; those after them are handed on by ``take``. With None, all
        are no news. JournalError when the file cannot be opened.
        """
        with FactorStore(self._folder) as store:
            if store.notice:
                self._tell(STORE, store.notice)
            newest = store.last_revision()
            # A file that was begun anew counts from 1 again.
            self.last = newest if last is None else last if last <= newest else 0
            rows = store.after(0, since_ns)
        self._seen = self.last
        return [row for row in rows if row.revision <= self.last]

    def start(self) -> None:
        """Begin to ask."""
        for asked in self._feeds:
            asked.feed.start(partial(self._wake, asked))
        self._thread.start()

    def stop(self) -> None:
        """End promptly; what a feed has not said yet is asked for after a start."""
        if self._thread.ident is None:
            return
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for asked in self._feeds:
            asked.feed.abort()
        self._thread.join(CUT_S)

    def take(self) -> list[FactorRow]:
        """Return rows that are new since the last call, in order; a few at a time."""
        rows: list[FactorRow] = []
        while self._new and len(rows) < TAKEN_AT_ONCE:
            rows.append(self._new.popleft())
            self.last = rows[-1].revision
        return rows

    def states(self) -> list[FeedState]:
        """Return a snapshot of each feed."""
        with self._changed:
            return [asked.state for asked in self._feeds]

    def round(self, store: FactorStore) -> int:
        """Ask what is due, look for imports; return when to come again (boot time)."""
        for asked in self._feeds:
            if self._is_due(asked):
                self._ask(asked, store)
        if len(self._new) < WAITING:
            news = store.after(self._seen, limit=WAITING)
            self._new.extend(news)
            self._seen = news[-1].revision if news else self._seen
        more = len(self._new) >= WAITING
        look_ns = self._boottime_ns() + (HURRY_NS if more else LOOK_NS)
        return min([look_ns, *(asked.due_ns for asked in self._feeds)])

    def _run(self) -> None:
        try:
            while not self._over:
                self._work()
        finally:
            for asked in self._feeds:
                asked.feed.close()

    def _work(self) -> None:
        """Go round after round, until the end or a fault of the file."""
        try:
            with FactorStore(self._folder) as store:
                if store.notice:
                    self._tell(STORE, store.notice)
                    self._seen = 0
                while not self._over:
                    self._sleep_until(self.round(store))
        except ZerometerError as error:
            self._tell(STORE, str(error))
            self._sleep_until(self._boottime_ns() + LOOK_NS)
        except Exception:
            # The agent accounts on, with the values that it has.
            log.exception("factors: failed")
            self._tell(STORE, "failed; the log has the details")
            self._sleep_until(self._boottime_ns() + LOOK_NS)

    def _sleep_until(self, due_ns: int) -> None:
        with self._changed:
            wait_s = max(due_ns - self._boottime_ns(), 0) / 1e9
            self._changed.wait_for(lambda: self._over or bool(self._woken), wait_s)

    def _wake(self, asked: _Asked) -> None:
        with self._changed:
            self._woken.add(asked.settings.id)
            self._changed.notify_all()

    def _is_due(self, asked: _Asked) -> bool:
        now_ns = self._boottime_ns()
        with self._changed:
            woken = asked.settings.id in self._woken
            self._woken.discard(asked.settings.id)
            return woken or now_ns >= asked.due_ns

    def _ask(self, asked: _Asked, store: FactorStore) -> None:
        """Ask a feed and keep what it says; set when it is asked next."""
        boot_ns = self._boottime_ns()
        now_ns = self._wall_ns(boot_ns)
        wait_s = RETRY_AT_LEAST_S
        if now_ns < EPOCH_NS:
            # Nothing can be said of times before the clock is set.
            asked.due_ns = boot_ns + int(wait_s * 1e9)
            return
        try:
            said = asked.feed.poll(now_ns)
        except FeedError as error:
            at_least_s = max(error.retry_after_s, RETRY_AT_LEAST_S)
            wait_s = asked.backoff.next_s(at_least_s)
            self._became(asked, str(error), None)
        else:
            wait_s = asked.settings.period_ns / 1e9 * (1 - JITTER * self._draw())
            asked.backoff.reset()
            self._became(asked, self._kept(said, store, now_ns), now_ns)
        asked.due_ns = boot_ns + int(wait_s * 1e9)

    def _kept(self, said: Said, store: FactorStore, now_ns: int) -> str:
        """Keep what a feed said; return what was wrong with it."""
        _, misfits = store.add(said.rows)
        store.set_aside(said.bad, now_ns)
        bad = [*said.bad, *misfits]
        if bad:
            more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
            return f"set aside: {bad[0].where}: {bad[0].reason}{more}"
        return said.trouble

    def _became(self, asked: _Asked, error: str, fetched_ns: int | None) -> None:
        """Note how a feed is, and tell when that is not as it was."""
        with self._changed:
            before = asked.state
            asked.state = replace(
                before,
                last_error=error,
                last_fetch_ns=fetched_ns or before.last_fetch_ns,
            )
        if error != before.last_error:
            self._tell(asked.settings.id, error)
