"""The inventory of a span: the site's kg by scope and category, in each view."""

from collections.abc import Sequence
from typing import Any

from zerometer.config.events import potentials
from zerometer.core.boundary import EXPORTED, NETTED_VIEW, Boundary
from zerometer.core.categories import inventory, origin_categories
from zerometer.core.direct import Direct, biogenic_kg, is_biogenic
from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.totals import Totals


class InventorySection:
    """By view: kg by ``scope``, ``ghg`` and ``iso``; and the biogenic CO2."""

    name = "inventory"

    def __init__(
        self, site: Site, network: Network, events: Sequence[SiteEvent]
    ) -> None:
        self._direct = Direct(events, potentials(site))
        self._boundary = Boundary(site, network)
        self._categories = {
            view: [origin_categories(site, view)[o.name] for o in network.origins]
            for view in network.views
        }

    def add(self, totals: Totals) -> None:
        """Take in the next booked span: its sum says all."""

    def window(self, totals: Totals) -> dict[str, Any]:
        """Return the inventory of *totals*."""
        found: dict[str, Any] = {}
        events = self._direct.between(totals.start_ns, totals.end_ns)
        for view, categories in self._categories.items():
            amounts = list(zip(categories, totals.entered_kg[view], strict=True))
            if view == NETTED_VIEW:
                amounts.append((EXPORTED, -totals.credit_kg))
            amounts += [
                (category, emission.kg)
                for emission in events
                if emission.kg is not None
                and (category := emission.category(view)) is not None
                and not is_biogenic(emission.event)
                and (emission.event.kind != "capture" or emission.event.permanent)
            ]
            found[view] = inventory(amounts)
        biogenic = self._boundary.biogenic_kg(totals) + biogenic_kg(events)
        return {"views": found, "biogenic_kg": biogenic}

    def whole(self, totals: Totals) -> dict[str, Any]:
        """Return the inventory of everything."""
        return self.window(totals)

    def flags(self, totals: Totals) -> list[dict[str, str]]:  # noqa: ARG002
        """Return nothing: what is odd is told elsewhere."""
        return []
