"""Puts what explains the numbers into the stream ``state``, when it is news."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zerometer.agent.clock import Clock
from zerometer.agent.recorder import STATE, Recorder
from zerometer.agent.restatement import Run
from zerometer.agent.state_rows.configuration import configuration_rows, revision_of
from zerometer.agent.state_rows.factor_rows import FactorRows
from zerometer.agent.state_rows.restatement_row import restatement_row
from zerometer.agent.state_rows.tables import TABLES, Row
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.network import Network
from zerometer.core.series_book import SeriesBook
from zerometer.core.site import Site
from zerometer.core.windows import Window

#: Between two rows of health.
HEALTH_NS = 300_000_000_000
_MS = 1_000_000


class StateTeller:
    """Owned by the thread of the ticks; ``health`` returns the rows of the moment."""

    def __init__(
        self,
        site: Site,
        network: Network,
        book: SeriesBook,
        recorder: Recorder,
        clock: Clock,
        *,
        health: Callable[[], Sequence[Row]] | None,
    ) -> None:
        self._configuration = configuration_rows(site, network)
        self._revision = revision_of(self._configuration)
        self._factors = FactorRows(site, network, book)
        self._recorder = recorder
        self._clock = clock
        self._health = health
        self._health_at_ns = 0
        #: Of the configuration, the boot and the synchronisation told last.
        self._told: bytes | None = None
        self._epoch: bytes | None = None
        self._boot: bytes | None = None
        self._synchronised = False

    def begin(self, epoch: bytes) -> None:
        """Tell what differs from what was told last.

        In an epoch that is new that is everything: a receiver may know nothing yet.
        """
        if self._boot != self._clock.boot:
            self.clock("floor" if self._clock.floored else "boot", 0)
        elif self._epoch != epoch:
            self.clock("epoch", 0)
        if self._told != self._revision or self._epoch != epoch:
            self._add(self._configuration)
            now_ns = self._now_ns()
            self._add(self._factors.whole(now_ns - now_ns % QUARTER_NS))
            self._told, self._epoch = self._revision, epoch
            self._recorder.seal(STATE)
        self._recorder.factors = self._factors.in_use

    def clock(self, cause: str, step_ns: int) -> None:
        """Tell of the clock: it has stepped by *step_ns*, or became another."""
        stamp = self._clock.stamp
        self._boot, self._synchronised = stamp.boot, stamp.synchronised
        boottime_ms = self._clock.boottime_ns() // _MS
        before_ms = stamp.offset_ms - round(step_ns / _MS)
        row = (
            cause, stamp.boot.hex(), boottime_ms, before_ms, stamp.offset_ms,
            int(stamp.synchronised),
        )  # fmt: skip
        self._add([("clock", row)])

    def tick(self, boottime_ns: int) -> None:
        """Tell of the clock if it is another kind of right; and of health."""
        if self._clock.synchronised != self._synchronised:
            self.clock("kept" if not self._synchronised else "unkept", 0)
        if self._health is not None and boottime_ns >= self._health_at_ns:
            self._health_at_ns = boottime_ns + HEALTH_NS
            self._add(self._health())

    def booked(self, windows: Iterable[Window]) -> None:
        """Tell of factors that are others than before, in windows that come out."""
        for window in windows:
            start_ns = window.start_ns - window.start_ns % QUARTER_NS
            self._add(self._factors.changed(start_ns))
            self._recorder.factors = self._factors.in_use

    def restated(self, windows: Iterable[Window], ended: Run | None) -> None:
        """Tell with what rows are restated, and what it came to in the end."""
        for window in windows:
            self._add(self._factors.restated(window.start_ns))
        if ended is not None:
            table, fields, row = restatement_row(ended)
            self._recorder.add_record(table, fields, self._now_ns() // _MS, row)

    def state(self) -> dict[str, Any]:
        """Return what was told, as plain values."""
        return {
            "configuration": self._told,
            "epoch": self._epoch,
            "boot": self._boot,
            "synchronised": self._synchronised,
            "factors": self._factors.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what was told."""
        self._told = state["configuration"]
        self._epoch = state["epoch"]
        self._boot = state["boot"]
        self._synchronised = state["synchronised"]
        if self._told == self._revision:
            self._factors.restore(state["factors"])

    def _add(self, rows: Iterable[Row]) -> None:
        time_ms = self._now_ns() // _MS
        for table, row in rows:
            self._recorder.add_state(table, TABLES[table], time_ms, row)

    def _now_ns(self) -> int:
        return self._clock.wall_ns(self._clock.boottime_ns())
