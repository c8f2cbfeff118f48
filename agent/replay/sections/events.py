"""What dated events emitted, each at its time."""

from collections.abc import Sequence
from typing import Any

from zerometer.config.events import as_text, potentials
from zerometer.core.categories import origin_categories
from zerometer.core.direct import Direct, Emission, biogenic_kg, capture, total_kg
from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.site import Site, View
from zerometer.core.totals import Totals


class EventsSection:
    """The events that emit, what they add by view, and the columns of capture."""

    name = "events"

    def __init__(
        self, site: Site, network: Network, events: Sequence[SiteEvent]
    ) -> None:
        self._network = network
        self._direct = Direct(events, potentials(site))
        self._scope_1 = {
            view: [
                k
                for k, origin in enumerate(network.origins)
                if (category := categories.get(origin.name)) and category.scope == 1
            ]
            for view in network.views
            for categories in (origin_categories(site, view),)
        }

    def add(self, totals: Totals) -> None:
        """Take in a span: events have times of their own."""

    def window(self, totals: Totals) -> dict[str, Any]:
        """Return what the events of a window emitted."""
        found = self._direct.between(totals.start_ns, totals.end_ns)
        return {
            "emissions_kg": {v: total_kg(found, v) for v in self._network.views},
            "biogenic_kg": biogenic_kg(found),
            "capture": {
                view: self._capture(found, view, totals) for view in self._network.views
            },
            "emitting": [self._plain(emission) for emission in found],
        }

    def whole(self, totals: Totals) -> dict[str, Any]:
        """Return what all events emitted."""
        return self.window(totals)

    def flags(self, totals: Totals) -> list[dict[str, str]]:
        """Return the events of which nothing states what they emitted."""
        return [
            {
                "kind": "event-unquantified",
                "subject": emission.event.subject,
                "text": f"{emission.event.kind}: nothing states what it emitted",
            }
            for emission in self._direct.between(totals.start_ns, totals.end_ns)
            if emission.kg is None
        ]

    def _capture(
        self, found: Sequence[Emission], view: View, totals: Totals
    ) -> dict[str, float]:
        row = totals.entered_kg[view]
        columns = capture(found, view, sum(row[k] for k in self._scope_1[view]))
        return {
            "gross_kg": columns.gross_kg,
            "captured_kg": columns.captured_kg,
            "net_kg": columns.net_kg,
        }

    def _plain(self, emission: Emission) -> dict[str, Any]:
        categories = {view: emission.category(view) for view in self._network.views}
        return {
            **as_text(emission.event),
            "emissions_kg": emission.kg,
            "category": {
                view: None
                if found is None
                else {"scope": found.scope, "ghg": found.ghg, "iso": found.iso}
                for view, found in categories.items()
            },
        }
