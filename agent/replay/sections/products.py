"""What the products of the site cost in carbon."""

from collections.abc import Sequence
from typing import Any

from zerometer.core.event import SiteEvent
from zerometer.core.iso_time import format_time
from zerometer.core.network import Network
from zerometer.core.product import Lot, Made, Products
from zerometer.core.site import Site
from zerometer.core.totals import Totals


class ProductsSection:
    """By product: good units, the kg that they bear, by unit and by lot."""

    name = "products"

    def __init__(
        self, site: Site, network: Network, events: Sequence[SiteEvent]
    ) -> None:
        self._units = {product.id: product.unit for product in site.products}
        self._products = Products(network, site)
        for event in events:
            self._products.event(event)

    def add(self, totals: Totals) -> None:
        """Take in the next booked span."""
        self._products.add(totals)

    def window(self, totals: Totals) -> dict[str, Any]:  # noqa: ARG002
        """Return what was made in the window."""
        made = self._products.window()
        return {name: self._plain(name, one) for name, one in made.items()}

    def whole(self, totals: Totals) -> dict[str, Any]:  # noqa: ARG002
        """Return what was made in all, with the lots."""
        made, lots = self._products.whole(), self._products.lots()
        return {
            name: {
                **self._plain(name, one),
                "lots": [self._lot(name, lot) for lot in lots[name]],
            }
            for name, one in made.items()
        }

    def flags(self, totals: Totals) -> Sequence[dict[str, str]]:  # noqa: ARG002
        """Return the shared services for which no driver has counted."""
        return [
            {
                "kind": "shared-unassigned",
                "subject": sink,
                "text": "no driver has counted for what it got: no product bears it",
            }
            for sink, kg in self._products.unassigned().items()
            if any(kg.values())
        ]

    def _plain(self, product: str, made: Made) -> dict[str, Any]:
        return {
            "good": made.good,
            "unit": self._units[product],
            "emissions_kg": made.emissions_kg,
            "kg_per_unit": made.kg_per_unit(),
        }

    def _lot(self, product: str, lot: Lot) -> dict[str, Any]:
        return {
            "lot": lot.name,
            "start": format_time(lot.start_ns),
            "end": None if lot.end_ns is None else format_time(lot.end_ns),
            **self._plain(product, lot.made),
        }
