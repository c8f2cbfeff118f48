"""What the site as a whole emits, by view: what crosses its boundary.

Everything that enters counts when it enters: gross import, what is burned, and what
no meter saw. Export takes nothing away, but in ``gb32150``, where an enterprise
subtracts the electricity and heat that it sends out (GB/T 32150-2015). So
sinks, storage changes, losses and the exports' share add up to the total of each
view, before that subtraction.

Biogenic CO2 counts in no view (GHG Protocol Corporate Standard, chapter 9; ISO
14064-1:2018, annex D): it is a column of its own.
"""

from array import array
from collections.abc import Sequence
from math import fsum

from zerometer.core.network import Network
from zerometer.core.origin_factors import BURNING
from zerometer.core.site import Category, Site, View
from zerometer.core.totals import FactorSet, Totals

#: What an enterprise may subtract when it sends it out, by GB/T 32150.
NETTED_CARRIERS = ("electricity", "heat", "steam")
NETTED_VIEW: View = "gb32150"
#: In the inventory of that view: what is taken off, so that the rest stays gross.
EXPORTED = Category(scope=0, ghg="exported", iso=0)


def export_credit_kg(
    network: Network, quantity: Sequence[float], factors: FactorSet
) -> float:
    """Return what exports, of *quantity* by place, take off in ``gb32150``.

    A unit takes off the factor that its sink states, or else the highest one of all
    that is bought of that carrier.
    """
    values = factors.values.get(NETTED_VIEW)
    if values is None:
        return 0.0
    return fsum(
        quantity[export.place]
        * (
            max((values[origin] for origin in export.origins), default=0.0)
            if export.stated is None
            else export.stated
        )
        for export in network.exports
        if export.carrier in NETTED_CARRIERS
    )


class Boundary:
    """The boundary of one site."""

    def __init__(self, site: Site, network: Network) -> None:
        self._biogenic = biogenic_factors(site, [o.name for o in network.origins])

    def emissions_kg(self, totals: Totals) -> dict[View, float]:
        """Return the site's total of each view."""
        return {
            view: fsum(row) - (totals.credit_kg if view == NETTED_VIEW else 0.0)
            for view, row in totals.entered_kg.items()
        }

    def biogenic_kg(self, totals: Totals) -> float:
        """Return the biogenic CO2 of the site."""
        pairs = zip(totals.entered, self._biogenic, strict=True)
        return fsum(amount * factor for amount, factor in pairs)


def biogenic_factors(site: Site, origins: Sequence[str]) -> "array[float]":
    """Return kg of biogenic CO2 per unit of each of *origins*: 0 but for such fuels.

    It is the fuel's factor, which counts as 0 in the views themselves.
    """
    stated = {
        f"fuel.{process.id}.{fuel.carrier}": max(
            (fuel.factors[view].value for view in BURNING if view in fuel.factors),
            default=0.0,
        )
        for process in site.processes
        for fuel in process.fuels
        if fuel.biogenic
    }
    return array("d", (stated.get(name, 0.0) for name in origins))
