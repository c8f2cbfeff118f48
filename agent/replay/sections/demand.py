"""The demand of each bought source: the highest mean power over quarter hours."""

from collections.abc import Mapping, Sequence
from typing import Any

from zerometer.core.demand import Demand, Peak, Way
from zerometer.core.event import SiteEvent
from zerometer.core.iso_time import format_time
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.totals import Totals


class DemandSection:
    """By source and way of laying the quarters: the peak in kW, and its end."""

    name = "demand"

    def __init__(
        self,
        site: Site,  # noqa: ARG002
        network: Network,
        events: Sequence[SiteEvent],  # noqa: ARG002
    ) -> None:
        self._demand = Demand(network)

    def add(self, totals: Totals) -> None:
        """Take in the next booked span."""
        self._demand.add(totals)

    def window(self, totals: Totals) -> dict[str, Any]:  # noqa: ARG002
        """Return the peaks whose interval ended in the window."""
        return _plain(self._demand.window())

    def whole(self, totals: Totals) -> dict[str, Any]:  # noqa: ARG002
        """Return the peaks of everything."""
        return _plain(self._demand.peaks())

    def flags(self, totals: Totals) -> Sequence[dict[str, str]]:  # noqa: ARG002
        """Return nothing: no demand is odd."""
        return ()


def _plain(peaks: Mapping[str, Mapping[Way, Peak]]) -> dict[str, Any]:
    return {
        source: {
            way: {"kw": peak.kw, "end": format_time(peak.end_ns)}
            for way, peak in ways.items()
        }
        for source, ways in peaks.items()
    }
