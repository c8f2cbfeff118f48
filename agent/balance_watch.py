"""Watches the balance of each pool, quarter hour by quarter hour."""

from collections.abc import Iterator

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.network import Network
from zerometer.core.reconcile import Reconciliation
from zerometer.core.site import Site
from zerometer.core.sums import Sum
from zerometer.core.totals import Totals

#: The kinds of events that it finds.
FAULTS = ("balance-negative", "balance-chi2")


class BalanceWatch:
    """Adds up what was booked; each whole quarter hour is judged once."""

    def __init__(self, network: Network, site: Site) -> None:
        self._reconciliation = Reconciliation(network, site)
        self._units = {pool.id: pool.unit for pool in network.pools}
        self._sum = Sum()

    def add(self, totals: Totals) -> Iterator[tuple[str, str, str]]:
        """Take in the next span; yield kind, pool and text of what cannot be right."""
        self._sum.add(totals)
        if totals.end_ns % QUARTER_NS:
            return
        quarter, self._sum = self._sum.total(), Sum()
        for pool, balance in self._reconciliation.balances(quarter, part=True).items():
            unit = self._units[pool]
            if "balance-negative" in balance.flags:
                yield (
                    "balance-negative",
                    pool,
                    f"{-balance.remainder:g} {unit} more went out than came in within "
                    f"a quarter hour, which its meters cannot err by: they may by "
                    f"{balance.half_width:g} {unit}; check ratios and directions",
                )
            if "balance-chi2" in balance.flags:
                yield (
                    "balance-chi2",
                    pool,
                    f"its meters contradict each other: chi2 is {balance.chi2:.1f} "
                    f"with {balance.degrees} degrees of freedom; check ratios and "
                    "directions",
                )
