"""The inventory of a span: the site's kg by scope and category, in each view."""

from typing import Any

from zerometer.core.boundary import EXPORTED, NETTED_VIEW, Boundary
from zerometer.core.categories import inventory, origin_categories
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.totals import Totals


class InventorySection:
    """By view: kg by ``scope``, ``ghg`` and ``iso``; and the biogenic CO2."""

    name = "inventory"

    def __init__(self, site: Site, network: Network) -> None:
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
        for view, categories in self._categories.items():
            amounts = list(zip(categories, totals.entered_kg[view], strict=True))
            if view == NETTED_VIEW:
                amounts.append((EXPORTED, -totals.credit_kg))
            found[view] = inventory(amounts)
        return {"views": found, "biogenic_kg": self._boundary.biogenic_kg(totals)}

    def whole(self, totals: Totals) -> dict[str, Any]:
        """Return the inventory of everything."""
        return self.window(totals)
