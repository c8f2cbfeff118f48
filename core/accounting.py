"""The heart: readings in, windows of balanced integers out.

No clock and no I/O: readings and times are fed in, windows come out, and the
whole state can be taken out and put back. The daemon, a replay and the tests
drive the same object.

Time is cut into ticks. A tick integrates what was last seen of every flow; when
the shortest window closes, its ticks are settled to the counters, solved for
where every unit came from, and booked.
"""

from array import array
from dataclasses import dataclass, field
from datetime import tzinfo
from math import fsum
from typing import Any

from zerometer.core.alignment import window_start
from zerometer.core.attribution import Attribution, Rates
from zerometer.core.demand import minute_energies
from zerometer.core.errors import JournalError
from zerometer.core.event import SiteEvent
from zerometer.core.ledger import Cell, Ledger
from zerometer.core.metering import Column, Disagreement, Metering, Note
from zerometer.core.network import ConstantFactors, Network
from zerometer.core.points import Reading
from zerometer.core.quarter_record import QUARTER_NS
from zerometer.core.reconcile import Reconciliation
from zerometer.core.site import Site, View
from zerometer.core.totals import Factors, Totals
from zerometer.core.windows import MINUTE_NS, Leftover, OpenWindows, Window

#: A step back of the clock up to this long is waited for.
LONGEST_WAIT_NS = 15 * MINUTE_NS
#: An interruption that is longer is booked as if it had been so long.
LONGEST_GAP_NS = 7 * 24 * 60 * MINUTE_NS
STATE_FORMAT = 1


@dataclass(slots=True)
class Balance:
    """Emissions on both sides of the books, as floats, since the start."""

    entered_kg: float = 0.0
    received_kg: float = 0.0
    worst: float = 0.0

    def add(self, entered_kg: float, received_kg: float) -> None:
        """Add a window; note by how much its sides differ, relative."""
        self.entered_kg += entered_kg
        self.received_kg += received_kg
        scale = max(abs(entered_kg), abs(received_kg))
        if scale > 0:
            self.worst = max(self.worst, abs(entered_kg - received_kg) / scale)


@dataclass(slots=True)
class Closing:
    """What an advance of time brought: windows, and what did not fit in them."""

    windows: list[Window] = field(default_factory=list)
    totals: list[Totals] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    circular: bool = False


class Accounting:
    """Accounts for one site."""

    def __init__(
        self,
        site: Site,
        zone: tzinfo,
        factors: Factors | None = None,
        *,
        booking_ns: int = MINUTE_NS,
        ledger: bool = True,
        wait_ns: int | None = LONGEST_WAIT_NS,
    ) -> None:
        """Begin with nothing known.

        *factors* are those of the time, the site file's when None. What is booked
        comes out in spans of *booking_ns*, which divides a quarter hour; *ledger*
        says whether it is also rounded into windows. *wait_ns* is the longest wait
        for a meter that does not answer; None: without limit.
        """
        self.network = Network(site)
        self._zone = zone
        self._site = site
        self._booking_ns = booking_ns
        self._rounded = ledger
        self._factors: Factors = factors or ConstantFactors(self.network)
        #: The longest wait for a meter that does not answer; None: without limit.
        self.wait_ns = wait_ns
        self._fed: list[tuple[int, int, Reading]] = []
        self._tick_ns = site.tick_ns
        self.metering = Metering(
            site.meters,
            self.network.measures,
            [f"{m.meter}:{m.counter}:{m.sign}" for m in self.network.measures],
        )
        self._reconciliation = Reconciliation(self.network, site)
        self.attribution = Attribution(self.network)
        self._ledger = Ledger(self.network)
        self._windows = OpenWindows(self._ledger.cells, zone)
        self._last_ns: int | None = None
        self.balance: dict[View, Balance] = {
            view: Balance() for view in self.network.views
        }

    @property
    def cells(self) -> list[Cell]:
        """What the numbers of a window mean, in order."""
        return self._ledger.cells

    @property
    def last_ns(self) -> int | None:
        """The end of the last tick; None before the first."""
        return self._last_ns

    def read(self, reading: Reading, time_ns: int) -> list[Note]:
        """Take in a reading that was made at *time_ns* (Unix, UTC).

        Returns what was odd about its counters.
        """
        return self.metering.read(reading, time_ns)

    def feed(self, column: Column) -> list[Note]:
        """Take in many values of a point; return what was odd about its counter."""
        names = [p.point.name for p in self._site.meter(column.meter).points]
        points = (names.index(column.point),)
        qualities = column.qualities or bytes(len(column.values))
        for time_ns, value, quality in zip(
            column.times_ns, column.values, qualities, strict=True
        ):
            reading = Reading(
                column.meter, time_ns, points, array("d", [value]), bytes([quality])
            )
            self._fed.append((time_ns, len(self._fed), reading))
        return []

    def event(self, event: SiteEvent) -> None:
        """Take in what happened on the site."""

    def finish(self, now_ns: int) -> Closing:
        """Account for the time up to *now_ns* and book it all."""
        closing = self.advance(now_ns)
        self._book(closing)
        return closing

    def advance(self, now_ns: int) -> Closing:
        """Account for the time up to *now_ns*, tick by tick."""
        closing = Closing()
        self._fed.sort()
        if self._last_ns is None:
            self._last_ns = self._fed[0][0] if self._fed else now_ns
        while self._last_ns < now_ns:
            span = window_start(self._last_ns, self._booking_ns, self._zone)
            tick_end = (self._last_ns // self._tick_ns + 1) * self._tick_ns
            end_ns = min(now_ns, tick_end, span + self._booking_ns)
            while self._fed and self._fed[0][0] <= end_ns:
                time_ns, _, reading = self._fed.pop(0)
                closing.notes += self.metering.read(reading, time_ns)
            self.metering.tick(self._last_ns, end_ns)
            self._last_ns = end_ns
            if end_ns == span + self._booking_ns:
                self._book(closing)
                closing.windows.extend(self._windows.close(end_ns))
        return closing

    def resume(self, now_ns: int) -> None:
        """Go on after an interruption: nobody saw what lies between.

        Its energy is filled in from the counters when the current window
        closes, spread evenly over the time that was missed, or over its last week.
        """
        if self._last_ns is None:
            return
        self.metering.interrupted()
        self._last_ns = max(self._last_ns, now_ns - LONGEST_GAP_NS)
        while self._last_ns < now_ns:
            minute = window_start(self._last_ns, MINUTE_NS, self._zone)
            end_ns = min(now_ns, minute + MINUTE_NS)
            self.metering.skip(self._last_ns, end_ns)
            self._last_ns = end_ns

    def interrupt(self) -> Closing:
        """Book what is there and put out the open windows as they stand.

        They stay open: after a resume they go on, and come out again with the
        next revision.
        """
        closing = Closing()
        self._book(closing)
        closing.windows.extend(self._windows.put_out())
        return closing

    def rebase(self, step_ns: int) -> Closing:
        """Follow a step of the wall clock; return windows that end because of it.

        A small step back is waited for: time stands still until the clock has
        passed what is booked, and the counters bring the energy of the wait.
        """
        closing = Closing()
        if self._last_ns is not None and not -LONGEST_WAIT_NS <= step_ns < 0:
            self._book(closing)
            closing.windows.extend(self._windows.cut())
            self._last_ns += step_ns
        self.metering.rebase(step_ns)
        return closing

    def rates(self, now_ns: int) -> Rates:
        """Return what flows at *now_ns*, where it comes from and what it emits."""
        return self.attribution.rates(
            self.network.combined(self.metering.rates(now_ns)),
            self._factors.at(now_ns // QUARTER_NS * QUARTER_NS),
        )

    def _book(self, closing: Closing) -> None:
        """Settle the open ticks to the counters and book them, minute by minute."""
        closing.disagreements.extend(self.metering.settle())
        spans = self.metering.spans
        first = 0
        while first < len(spans.times):
            start = window_start(spans.times[first][0], self._booking_ns, self._zone)
            end = start + self._booking_ns
            last = first
            while last < len(spans.times) and spans.times[last][0] < end:
                last += 1
            self._book_span(start, first, last, closing)
            first = last
        spans.clear()

    def _book_span(self, start: int, first: int, last: int, closing: Closing) -> None:
        spans = self.metering.spans
        measured = spans.energies[first * spans.flows : last * spans.flows]
        sums = array("d", (sum(measured[m :: spans.flows]) for m in range(spans.flows)))
        self._reconciliation.adjust(measured)
        energies = self.network.combined(measured)
        times = spans.times[first:last]
        start_ns, end_ns = times[0][0], times[-1][1]
        totals = self.attribution.book(
            energies,
            array("q", (t1 - t0 for t0, t1 in times)),
            start_ns,
            end_ns,
            self._factors.at(start_ns // QUARTER_NS * QUARTER_NS),
        )
        closing.circular |= any(flag.startswith("circular:") for flag in totals.flags)
        self._weigh(totals)
        totals.measured = sums
        totals.minutes = minute_energies(
            totals.start_ns,
            [t1 - t0 for t0, t1 in spans.times[first:last]],
            energies,
            len(self.network.flows),
            tuple(self.network.demand.values()),
        )
        closing.totals.append(totals)
        if not self._rounded:
            return
        cells = self._ledger.book(totals)
        covered_ns = sum(t1 - t0 for t0, t1 in spans.times[first:last])
        seen_ns = spans.seen_ns(first, last)
        closing.windows.extend(self._windows.close(start))
        self._windows.add(start, cells, covered_ns, seen_ns)

    def _weigh(self, totals: Totals) -> None:
        for view, balance in self.balance.items():
            balance.add(fsum(totals.entered_kg[view]), fsum(totals.received_kg[view]))

    def state(self) -> dict[str, Any]:
        """Return everything that a restart needs, as plain values."""
        return {
            "format": STATE_FORMAT,
            "last_ns": self._last_ns,
            "metering": self.metering.state(),
            "tanks": self.attribution.state(),
            "ledger": self._ledger.state(),
            "windows": self._windows.state(),
        }

    def restore(self, state: dict[str, Any]) -> Leftover | None:
        """Take up where *state* was taken.

        When the site's graph changed meanwhile, counters and tanks go on by
        their names, and the windows that were open come back as a leftover, to
        be put out as they stand. JournalError when a later version wrote it.
        """
        if state["format"] != STATE_FORMAT:
            raise JournalError(
                f"journal: accounting state has format {state['format']}; "
                f"this version reads {STATE_FORMAT}: install the version that wrote it"
            )
        self._last_ns = state["last_ns"]
        leftover = self._windows.restore(state["windows"])
        self.metering.restore(state["metering"], with_spans=leftover is None)
        self.attribution.restore(state["tanks"])
        if leftover is None:
            self._ledger.restore(state["ledger"])
        return leftover
