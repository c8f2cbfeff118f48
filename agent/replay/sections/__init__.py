"""What else a replay tells beside the graph's quantities: sections by name.

A section is made once for a replay. It sees each booked span in order, and is asked
at the end of each window, and once for the whole span. To add one, put its class
into ``SECTIONS``, its shape into ``docs/replay.schema.json`` and what it means into
``docs/replay.md``.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from zerometer.agent.replay.sections.demand import DemandSection
from zerometer.agent.replay.sections.inventory import InventorySection
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.totals import Totals


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


SECTIONS: Sequence[Callable[[Site, Network], Section]] = (
    DemandSection,
    InventorySection,
)
