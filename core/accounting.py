"""The heart: readings in, windows of balanced integers out.

No clock and no I/O: readings and times are fed in, windows come out, and the
whole state can be taken out and put back. The daemon, a replay and the tests
drive the same object.

Readings are kept until counters have told what flowed up to the end of a span (a
minute). Then the span is cut into steps of steady flows, solved step by step for
where every unit came from, and booked.
"""

from array import array
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import pairwise
from math import fsum
from typing import Any

from zerometer.core.agenda import Agenda
from zerometer.core.alignment import MINUTE_NS, QUARTER_NS, window_start
from zerometer.core.attribution import Attribution, Rates
from zerometer.core.demand import minute_energies
from zerometer.core.errors import JournalError
from zerometer.core.event import SiteEvent
from zerometer.core.first_state import FIRST_FORMAT, booked_until
from zerometer.core.ledger import Cell, Ledger
from zerometer.core.metering import Column, Metering
from zerometer.core.network import ConstantFactors, Network
from zerometer.core.notes import Disagreement, Note
from zerometer.core.points import Reading
from zerometer.core.reconcile import Reconciliation
from zerometer.core.site import Site, View
from zerometer.core.ticks import cut_into_ticks
from zerometer.core.totals import Factors, FactorSet, Totals
from zerometer.core.windows import Leftover, OpenWindows, Window

#: A step back of the clock up to this long is waited for.
LONGEST_WAIT_NS = 15 * MINUTE_NS
#: More spans are not booked at once while time goes on: the rest comes next time.
MOST_SPANS = 240
#: An interruption that is longer is booked as if it had been so long.
LONGEST_GAP_NS = 7 * 24 * 60 * MINUTE_NS
STATE_FORMAT = 2


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
    """What an advance of time brought: windows, and what did not fit in them.

    ``unseen_ns``: how long flows were not seen that stand on power alone, by measure.
    """

    windows: list[Window] = field(default_factory=list)
    totals: list[Totals] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    unseen_ns: dict[int, int] = field(default_factory=dict)
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
        self._tick_ns = site.tick_ns
        self.metering = Metering(site.meters, self.network)
        measures = enumerate(self.network.measures)
        self._alone = [i for i, measure in measures if not measure.counter]
        self.attribution = Attribution(self.network)
        tanks = self.network.tanks
        self._storages = [(tank.charge, tank.discharge) for tank in tanks]
        self._bought = tuple(self.network.demand.values())
        self._agenda = Agenda(site, self.network)
        self._gauged = {meter for meter, _ in self._agenda.gauges}
        self._reconciliation = Reconciliation(self.network, site)
        self._ledger = Ledger(self.network)
        self._windows = OpenWindows(self._ledger.cells, zone)
        #: Up to when all is booked, and up to when time has passed.
        self._booked_ns: int | None = None
        self._now_ns: int | None = None
        #: From when on meters have had time to answer; when the first one has.
        self._resumed_ns = 0
        self._first_ns: int | None = None
        self.balance: dict[View, Balance] = {
            view: Balance() for view in self.network.views
        }

    @property
    def cells(self) -> list[Cell]:
        """What the numbers of a window mean, in order."""
        return self._ledger.cells

    @property
    def booked_ns(self) -> int | None:
        """Up to when all is booked; None before the first advance."""
        return self._booked_ns

    @property
    def last_ns(self) -> int | None:
        """Up to when time has passed; None before the first advance."""
        return self._now_ns

    def read(self, reading: Reading, time_ns: int) -> list[Note]:
        """Take in a reading that was made at *time_ns* (Unix, UTC).

        Returns what was odd about it. Readings of one meter come in the order of their
        times; meters among each other in any.
        """
        if self._booked_ns is None:
            self._begin(time_ns)
        if reading.meter in self._gauged:
            points = self._site.meter(reading.meter).points
            for index, value in zip(reading.points, reading.values, strict=True):
                name = points[index].point.name
                self._agenda.gauge(reading.meter, name, time_ns, value)
        return self.metering.read(reading, time_ns)

    def feed(self, column: Column) -> list[Note]:
        """Take in many values of a point; return what was odd about them.

        All points are fed up to a time before ``advance`` goes there.
        """
        if self._booked_ns is None and column.times_ns:
            self._begin(column.times_ns[0])
        if (column.meter, column.point) in self._agenda.gauges:
            for time_ns, value in zip(column.times_ns, column.values, strict=True):
                self._agenda.gauge(column.meter, column.point, time_ns, value)
        return self.metering.feed(column)

    def _begin(self, time_ns: int) -> None:
        self._first_ns = _earlier(self._first_ns, time_ns)
        self.metering.counters.begins_ns = self._first_ns

    def event(self, event: SiteEvent) -> list[Note]:
        """Take in what happened on the site, before what is read after it.

        Returns what came too late to be followed.
        """
        if event.kind in ("meter-change", "ratio-change"):
            return self.metering.change(event)
        late = self._booked_ns is not None and event.time_ns < self._booked_ns
        if event.kind == "storage-anchor" and late:
            return [Note("event-late", event.subject, "", event.quantity or 0.0)]
        self._agenda.event(event)
        return []

    def advance(self, now_ns: int) -> Closing:
        """Let time pass until *now_ns*; book the spans of which all is known.

        The first advance begins at the first reading. After a long interruption, a
        part of the spans is left for the next times.
        """
        closing = Closing()
        if self._booked_ns is None:
            self._booked_ns = _earlier(self._first_ns, now_ns)
            self._resumed_ns = self._booked_ns
        self._now_ns = now_ns
        known_ns = self.metering.watermark(now_ns, self._resumed_ns, self.wait_ns)
        most = None if self.wait_ns is None else MOST_SPANS
        self._book_until(known_ns, closing, most=most, whole=True)
        return closing

    def finish(self, now_ns: int) -> Closing:
        """Let time pass until *now_ns* and book it all: nothing is waited for.

        After the last value of a counter nothing more is known of it: what is booked
        is what it gained.
        """
        closing = self.advance(now_ns)
        closing.notes += self.metering.end()
        self._book_until(now_ns, closing)
        return closing

    def _book_until(
        self,
        end_ns: int,
        closing: Closing,
        *,
        most: int | None = None,
        whole: bool = False,
    ) -> None:
        """Book spans up to *end_ns*, only *whole* ones, *most* of them."""
        while self._booked_ns is not None and self._booked_ns < end_ns:
            start_ns = window_start(self._booked_ns, self._booking_ns, self._zone)
            span_ns = start_ns + self._booking_ns
            if (whole and span_ns > end_ns) or most == 0:
                return
            most = None if most is None else most - 1
            for tank, energy in self._agenda.take(self._booked_ns):
                self.attribution.anchor(tank, energy)
            until_ns = self._agenda.until(self._booked_ns, min(span_ns, end_ns))
            self._book(start_ns, self._booked_ns, until_ns, closing)

    def resume(self, now_ns: int) -> Closing:
        """Go on after an interruption: nobody saw what lies between.

        Its energy comes from the counters once they have been read again, spread
        evenly over the time that was missed, or over its last week.
        """
        closing = Closing()
        if self._booked_ns is None or self._now_ns is None:
            return closing
        self.metering.interrupted()
        if now_ns - self._booked_ns > LONGEST_GAP_NS:
            self._book_until(self._now_ns, closing)
            self._booked_ns = max(self._booked_ns, now_ns - LONGEST_GAP_NS)
        self._now_ns = self._resumed_ns = now_ns
        return closing

    def time_is_a_guess(self) -> None:
        """Let counters bring what they can have counted in the longest gap.

        How long nobody saw them is not known, only the least that it was.
        """
        self.metering.counters.bank.rebase(-LONGEST_GAP_NS)

    def interrupt(self) -> Closing:
        """Book what is there and put out the open windows as they stand.

        They stay open: after a resume they go on, and come out again with the
        next revision.
        """
        closing = Closing()
        if self._booked_ns is not None and self._now_ns is not None:
            known_ns = self.metering.watermark(
                self._now_ns, self._resumed_ns, self.wait_ns
            )
            # Who has just come back knows nothing yet of the time away.
            back = self._booked_ns < self._resumed_ns and known_ns < self._resumed_ns
            end_ns = known_ns if back else self._now_ns
            self._book_until(end_ns, closing, most=MOST_SPANS)
        closing.windows.extend(self._windows.put_out())
        return closing

    def rebase(self, step_ns: int) -> Closing:
        """Follow a step of the wall clock; return windows that end because of it.

        A small step back is waited for: time stands still until the clock has
        passed what is booked, and the counters bring the energy of the wait.
        """
        closing = Closing()
        if self._booked_ns is not None and self._now_ns is not None:
            self._book_until(self._now_ns, closing)
            if not -LONGEST_WAIT_NS <= step_ns < 0:
                closing.windows.extend(self._windows.cut())
                self._booked_ns += step_ns
            self._now_ns += step_ns
            self._resumed_ns = self._now_ns
        self.metering.rebase(step_ns)
        return closing

    def rates(self, now_ns: int) -> Rates:
        """Return what flows at *now_ns*, where it comes from and what it emits."""
        return self.attribution.rates(
            self.metering.rates(now_ns), self._factors_at(now_ns)
        )

    def _factors_at(self, time_ns: int) -> FactorSet:
        return self._factors.at(time_ns // QUARTER_NS * QUARTER_NS)

    def _book(
        self, window_ns: int, start_ns: int, end_ns: int, closing: Closing
    ) -> None:
        """Book a stretch of the span that begins at *window_ns*."""
        metered = self.metering.cut(start_ns, end_ns, self._tick_ns)
        closing.disagreements += metered.disagreements
        for number in self._alone:
            found_ns = closing.unseen_ns.get(number, 0) + metered.unseen_ns[number]
            closing.unseen_ns[number] = found_ns
        self._reconciliation.adjust(metered.energies)
        energies, notes = self.metering.flows(metered)
        closing.notes += notes
        energies, durations = cut_into_ticks(
            energies,
            array("q", (t1 - t0 for t0, t1 in pairwise(metered.edges))),
            self._storages,
            self._tick_ns,
        )
        totals = self.attribution.book(
            energies, durations, start_ns, end_ns, self._factors_at(start_ns)
        )
        self._booked_ns = end_ns
        closing.circular |= any(flag.startswith("circular:") for flag in totals.flags)
        self._weigh(totals)
        totals.measured = metered.totals
        totals.estimated = metered.estimated
        totals.seen_ns = metered.seen_ns
        totals.minutes = minute_energies(
            start_ns,
            durations,
            energies,
            len(self.network.flows),
            self._bought,
        )
        closing.totals.append(totals)
        if self._rounded:
            cells = self._ledger.book(totals)
            closing.windows += self._windows.close(window_ns)
            covered_ns = end_ns - start_ns
            self._windows.add(window_ns, cells, covered_ns, metered.seen_ns)
            closing.windows += self._windows.close(end_ns)

    def _weigh(self, totals: Totals) -> None:
        for view, balance in self.balance.items():
            balance.add(fsum(totals.entered_kg[view]), fsum(totals.received_kg[view]))

    def state(self) -> dict[str, Any]:
        """Return everything that a restart needs, as plain values."""
        return {
            "format": STATE_FORMAT,
            "booked_ns": self._booked_ns,
            "last_ns": self._now_ns,
            "metering": self.metering.state(),
            "tanks": self.attribution.state(),
            "ledger": self._ledger.state(),
            "windows": self._windows.state(),
            "agenda": self._agenda.state(),
        }

    def restore(self, state: dict[str, Any]) -> Leftover | None:
        """Take up where *state* was taken.

        When the site's graph changed meanwhile, counters and tanks go on by
        their names, and the windows that were open come back as a leftover, to
        be put out as they stand. JournalError when a later version wrote it.
        """
        if state["format"] not in (FIRST_FORMAT, STATE_FORMAT):
            raise JournalError(
                f"journal: accounting state has format {state['format']}; "
                f"this version reads {STATE_FORMAT}: install the version that wrote it"
            )
        self._now_ns = state["last_ns"]
        if state["format"] == FIRST_FORMAT:
            self._booked_ns = booked_until(state["metering"], self._now_ns)
            if self._booked_ns is not None:
                self.metering.restore_first(state["metering"], self._booked_ns)
        else:
            self._booked_ns = state["booked_ns"]
            self.metering.restore(state["metering"])
        self._resumed_ns = self._now_ns or 0
        self.metering.counters.begins_ns = self._booked_ns or 0
        leftover = self._windows.restore(state["windows"])
        self.attribution.restore(state["tanks"])
        self._agenda.restore(state.get("agenda", ()))
        if leftover is None:
            self._ledger.restore(state["ledger"])
        return leftover


def _earlier(known_ns: int | None, time_ns: int) -> int:
    return time_ns if known_ns is None else min(known_ns, time_ns)
