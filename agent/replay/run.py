"""A replay: readings through the accounting, spans added up to windows."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from zerometer.agent.factors.table import Bad
from zerometer.agent.replay.blocks import Block, Readings
from zerometer.agent.replay.errors import ReadingsError
from zerometer.agent.replay.flags import Flags
from zerometer.agent.replay.points import Key
from zerometer.agent.replay.sections import SECTIONS, Section
from zerometer.core.accounting import Accounting, Closing
from zerometer.core.alignment import MINUTE_NS, QUARTER_NS
from zerometer.core.event import SiteEvent
from zerometer.core.intervals import Calendar, Granularity
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.sums import Sum
from zerometer.core.totals import Factors, Totals

HELD_READINGS = 4_000_000
SILENT_NS = 24 * 60 * MINUTE_NS


@dataclass(slots=True)
class Span:
    """A window, or the whole time: its sum and what else is told of it.

    ``covered_ns`` is how much of [start, end) was accounted for.
    """

    start_ns: int
    end_ns: int
    covered_ns: int
    totals: Totals
    flags: list[dict[str, str]]
    sections: dict[str, Any] = field(default_factory=dict)


class Replay:
    """Feeds readings to an accounting and gives out windows as they close."""

    def __init__(
        self,
        site: Site,
        network: Network,
        factors: Factors,
        window: Granularity | None,
        rejected: Sequence[Bad] = (),
        *,
        events: Sequence[SiteEvent] = (),
        extra: Sequence[Section] = (),
    ) -> None:
        """*events* are what happened on the site, in the order of their times.

        *extra* sections are told beside those of every replay.
        """
        self._site = site
        self._factors = factors
        zone = ZoneInfo(site.timezone)
        self._calendar = Calendar(window, zone) if window else None
        self._accounting = Accounting(
            site,
            zone,
            factors,
            booking_ns=MINUTE_NS if window == "1min" else QUARTER_NS,
            ledger=False,
            wait_ns=None,
        )
        self._sections = [make(site, network, events) for make in SECTIONS]
        self._sections += extra
        self._all, self._window = Sum(), Sum()
        self._window_span = (0, 0)
        self._held: deque[tuple[int, int]] = deque()
        #: Points that have not spoken yet; and until when the others have.
        self._silent = {
            (m.meter, point)
            for m in network.measures
            for point in (m.counter, m.power)
            if point
        }
        self._spoken_ns: dict[Key, int] = {}
        self._flags = Flags(network, rejected)
        for event in events:
            self._flags.add_notes(self._accounting.event(event))

    def windows(self, readings: Readings) -> Iterator[Span]:
        """Account for all *readings*; yield each window when it closes.

        ReadingsError when they do not hold, or there are none.
        """
        until_ns = -1
        for block in readings.blocks(lambda: self._accounting.booked_ns):
            until_ns = max(until_ns, block.until_ns)
            yield from self._block(block)
        if not readings.count.used:
            raise ReadingsError(
                "readings: none of a point that the site uses: "
                f"{readings.count.skipped} of other points, "
                f"{readings.count.missing} without a value"
            )
        yield from self._take(self._accounting.finish(until_ns))
        if self._window:
            yield self._closed()
        self._flags.add_count(readings.count)

    def whole(self) -> Span:
        """Return everything, once all windows were given out."""
        totals = self._all.total() if self._all else None
        if totals is None:
            raise ReadingsError(
                "readings: all are of one moment: nothing can have flowed"
            )
        sections = {section.name: section.whole(totals) for section in self._sections}
        told = [flag for section in self._sections for flag in section.flags(totals)]
        return Span(
            totals.start_ns,
            totals.end_ns,
            self._all.covered_ns,
            totals,
            [*self._flags.whole(totals), *told],
            sections,
        )

    def _block(self, block: Block) -> Iterator[Span]:
        for column in block.columns:
            key = (column.meter, column.point)
            self._flags.add_column(column)
            self._flags.add_notes(self._accounting.feed(column))
            self._silent.discard(key)
            self._spoken_ns[key] = column.times_ns[-1]
        self._held.append((block.until_ns, block.rows))
        many = sum(rows for _, rows in self._held) > HELD_READINGS
        self._accounting.wait_ns = SILENT_NS if many else None
        if many or (self._spoken_ns and not self._silent) or self._has_begun:
            until_ns = block.until_ns if many else min(self._spoken_ns.values())
            yield from self._take(self._accounting.advance(until_ns))
            booked_ns = self._accounting.booked_ns or 0
            while self._held and self._held[0][0] <= booked_ns:
                self._held.popleft()

    @property
    def _has_begun(self) -> bool:
        return self._accounting.booked_ns is not None

    def _take(self, closing: Closing) -> Iterator[Span]:
        self._accounting.attribution.take_records()  # nothing is restated later
        self._flags.add_closing(closing, self._accounting.network)
        for totals in closing.totals:
            if self._calendar is not None:
                if self._window and totals.start_ns >= self._window_span[1]:
                    yield self._closed()
                if not self._window:
                    self._window_span = self._calendar.interval(totals.start_ns)
                self._window.add(totals)
            self._flags.add_factors(self._factors.at(totals.start_ns))
            self._all.add(totals)
            for section in self._sections:
                section.add(totals)

    def _closed(self) -> Span:
        """Return the window that ends, and begin the next."""
        ended, self._window = self._window, Sum()
        totals = ended.total()
        sections = {section.name: section.window(totals) for section in self._sections}
        told = [flag for section in self._sections for flag in section.flags(totals)]
        return Span(
            *self._window_span,
            ended.covered_ns,
            totals,
            [*self._flags.window(totals), *told],
            sections,
        )
