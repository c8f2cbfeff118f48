"""Totals of spans, made by hand."""

from array import array

from zerometer.core.network import Network
from zerometer.core.site import View
from zerometer.core.totals import Totals


def _zeros(count: int) -> "array[float]":
    return array("d", bytes(8 * count))


def nothing(
    network: Network,
    start_ns: int,
    end_ns: int,
    views: tuple[View, ...] = ("physical", "location"),
) -> Totals:
    """Return the totals of a span in which nothing flowed."""
    origins, places = len(network.origins), len(network.places)
    flows, pools = len(network.flow_names), len(network.pools)
    return Totals(
        start_ns=start_ns,
        end_ns=end_ns,
        flows=_zeros(flows),
        estimated=_zeros(flows),
        entered=_zeros(origins),
        received=_zeros(places * origins),
        quantity=_zeros(places),
        throughput=_zeros(pools),
        entered_kg={view: _zeros(origins) for view in views},
        received_kg={view: _zeros(places) for view in views},
        pool_kg={view: _zeros(pools) for view in views},
    )
