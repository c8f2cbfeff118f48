"""What else a replay tells beside the graph's quantities: sections by name.

A section is made once for a replay. It sees each booked span in order, and is asked
at the end of each window, and once for the whole span. To add one, put its class
into ``SECTIONS``, its shape into ``docs/replay.schema.json`` and what it means into
``docs/replay.md``.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from zerometer.agent.replay.sections.balances import BalancesSection
from zerometer.agent.replay.sections.demand import DemandSection
from zerometer.agent.replay.sections.events import EventsSection
from zerometer.agent.replay.sections.inventory import InventorySection
from zerometer.agent.replay.sections.products import ProductsSection
from zerometer.agent.replay.sections.uncertainty import UncertaintySection
from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.totals import Totals

Flag = dict[str, str]


class Section(Protocol):
    """One member of the output. What it returns is plain JSON, without NaN."""

    name: str

    def add(self, totals: Totals) -> None:
        """Take in the next booked span."""
        ...

    def window(self, totals: Totals) -> Any:
        """Return its value for the window that ends now; *totals* is its sum."""
        ...

    def whole(self, totals: Totals) -> Any:
        """Return its value for everything; *totals* is its sum."""
        ...

    def flags(self, totals: Totals) -> Sequence[Flag]:
        """Return what is odd about *totals*, of which the value was asked just now."""
        ...


class Maker(Protocol):
    """Makes a section for the events of a site, in the order of their times."""

    def __call__(
        self, site: Site, network: Network, events: Sequence[SiteEvent]
    ) -> Section:
        """Return the section."""
        ...


SECTIONS: Sequence[Maker] = (
    EventsSection,
    ProductsSection,
    UncertaintySection,
    BalancesSection,
    DemandSection,
    InventorySection,
)
