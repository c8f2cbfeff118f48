"""How uncertain the emissions are, by view."""

from collections.abc import Sequence
from typing import Any

from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.totals import Totals
from zerometer.core.uncertainty import Uncertainties, Uncertainty


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
        of, of_sources = self._uncertainties.of, self._uncertainties.of_sources
        return {
            view: {
                **_json(of(totals, view, part=part)),
                "sources": {
                    name.removeprefix("source."): _json(one)
                    for name, one in of_sources(totals, view, part=part).items()
                },
            }
            for view in totals.entered_kg
        }


def _json(found: Uncertainty) -> dict[str, Any]:
    return {
        "kg": found.kg,
        "half_width_kg": found.half_width_kg,
        "percent": found.percent,
        "measured_share": found.measured_share,
        "missing": list(found.missing),
    }
