"""How uncertain the emissions are, by view."""

from collections.abc import Sequence
from typing import Any

from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.totals import Totals
from zerometer.core.uncertainty import Uncertainties


class UncertaintySection:
    """By view: what entered, how far it may be off (95 %), and what it rests on."""

    name = "uncertainty"

    def __init__(
        self,
        site: Site,
        network: Network,
        events: Sequence[SiteEvent],  # noqa: ARG002
    ) -> None:
        self._uncertainties = Uncertainties(network, site)

    def add(self, totals: Totals) -> None:
        """Take in a span: the sum says it all."""

    def window(self, totals: Totals) -> dict[str, Any]:
        """Return the uncertainty of a window."""
        return self._plain(totals, part=True)

    def whole(self, totals: Totals) -> dict[str, Any]:
        """Return the uncertainty of everything."""
        return self._plain(totals, part=False)

    def flags(self, totals: Totals) -> Sequence[dict[str, str]]:  # noqa: ARG002
        """Return nothing: what is not stated stands beside the figure."""
        return ()

    def _plain(self, totals: Totals, *, part: bool) -> dict[str, Any]:
        found = {
            view: self._uncertainties.of(totals, view, part=part)
            for view in totals.entered_kg
        }
        return {
            view: {
                "kg": u.kg,
                "half_width_kg": u.half_width_kg,
                "percent": u.percent,
                "measured_share": u.measured_share,
                "missing": list(u.missing),
            }
            for view, u in found.items()
        }
