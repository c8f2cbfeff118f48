"""What a run has done so far, in numbers; kept over restarts with the state."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from zerometer.config.events import potentials
from zerometer.core.alignment import MINUTE_NS, window_start
from zerometer.core.boundary import Boundary
from zerometer.core.demand import Demand
from zerometer.core.direct import Emission, emitted_kg
from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.product import Products
from zerometer.core.site import Site, View
from zerometer.core.totals import Totals
from zerometer.core.uncertainty import Uncertainties

#: Minutes that the page draws.
KEPT_MINUTES = 60
#: Lots of each product that are remembered.
KEPT_LOTS = 20


@dataclass(slots=True)
class MinuteFigures:
    """What the site emitted in a minute."""

    start_ns: int
    emissions_kg: dict[View, float]


class Figures:
    """Sums over minutes and over the day, which is that of the site's clocks."""

    def __init__(self, site: Site, network: Network, zone: tzinfo) -> None:
        self._views = site.views
        self._zone = zone
        self._boundary = Boundary(site, network)
        self.demand = Demand(network)
        #: Its window is the day.
        self.products = Products(network, site, kept_lots=KEPT_LOTS)
        self._potential = potentials(site)
        self.uncertainties = Uncertainties(network, site)
        #: What was booked last; None before anything was.
        self.last: Totals | None = None
        self.minutes: deque[MinuteFigures] = deque(maxlen=KEPT_MINUTES)
        self.day = ""
        self.today_kg = dict.fromkeys(site.views, 0.0)

    def add(self, totals: Totals) -> None:
        """Take in what a minute brought, or a part of it."""
        self.last = totals
        self.demand.add(totals)
        start_ns = window_start(totals.start_ns, MINUTE_NS, self._zone)
        day = self._day(start_ns)
        if day != self.day:
            self.day, self.today_kg = day, dict.fromkeys(self._views, 0.0)
            self.products.window()
        self.products.add(totals)
        if not self.minutes or self.minutes[-1].start_ns != start_ns:
            none = dict.fromkeys(self._views, 0.0)
            self.minutes.append(MinuteFigures(start_ns, none))
        for view, kg in self._boundary.emissions_kg(totals).items():
            self.today_kg[view] += kg
            self.minutes[-1].emissions_kg[view] += kg

    def event(self, event: SiteEvent) -> None:
        """Take in what happened: what it emitted counts in its day, and no minute."""
        self.products.event(event)
        if self._day(event.time_ns) == self.day:
            emission = Emission(event, emitted_kg(event, self._potential))
            for view in self._views:
                self.today_kg[view] += emission.counted_kg(view)

    def _day(self, time_ns: int) -> str:
        moment = datetime.fromtimestamp(time_ns // 10**9, UTC)
        return moment.astimezone(self._zone).date().isoformat()

    def restated(self, start_ns: int, delta_kg: Mapping[View, float]) -> None:
        """Follow a change of what was booked at a time; minutes stay as they are."""
        if self._day(start_ns) == self.day:
            for view, kg in delta_kg.items():
                self.today_kg[view] += kg

    def state(self) -> list[Any]:
        """Return the sums as plain values."""
        return [
            self.day,
            self.today_kg,
            [[minute.start_ns, minute.emissions_kg] for minute in self.minutes],
            self.products.state(),
        ]

    def restore(self, state: list[Any]) -> None:
        """Take up sums; a view that is new begins with 0."""
        self.day, today_kg, minutes, *later = state
        for products in later:
            self.products.restore(products)
        self.today_kg = self._known(today_kg)
        for start_ns, *_, emissions_kg in minutes:
            self.minutes.append(MinuteFigures(start_ns, self._known(emissions_kg)))

    def _known(self, kg: Mapping[View, float]) -> dict[View, float]:
        return {view: kg.get(view, 0.0) for view in self._views}
