"""The balance of each pool: plain, and as balanced pools were made to agree."""

from collections.abc import Sequence
from typing import Any

from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.reconcile import PoolBalance, Reconciliation
from zerometer.core.site import Site
from zerometer.core.totals import Totals

_TEXTS = {
    "balance-negative": "more went out than came in, by more than its meters may err",
    "balance-chi2": "its meters contradict each other by more than they may err",
    "balance-unknown": "not made to agree: a meter of it states no uncertainty",
}


class BalancesSection:
    """By pool: what flowed in and out, the remainder and its uncertainty."""

    name = "balances"

    def __init__(
        self,
        site: Site,
        network: Network,
        events: Sequence[SiteEvent],  # noqa: ARG002
    ) -> None:
        self._reconciliation = Reconciliation(network, site)
        self._last: dict[str, PoolBalance] = {}

    def add(self, totals: Totals) -> None:
        """Take in a span: the sum says it all."""

    def window(self, totals: Totals) -> dict[str, Any]:
        """Return the balances of a window."""
        return self._balances(totals, part=True)

    def whole(self, totals: Totals) -> dict[str, Any]:
        """Return the balances of everything."""
        return self._balances(totals, part=False)

    def flags(self, totals: Totals) -> list[dict[str, str]]:  # noqa: ARG002
        """Return the pools whose meters cannot be right, as just returned."""
        return [
            {"kind": kind, "subject": pool, "text": _TEXTS[kind]}
            for pool, balance in self._last.items()
            for kind in balance.flags
        ]

    def _balances(self, totals: Totals, *, part: bool) -> dict[str, Any]:
        self._last = self._reconciliation.balances(totals, part=part)
        return {pool: _plain(balance) for pool, balance in self._last.items()}


def _plain(balance: PoolBalance) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "measured": {
            "in": _short(balance.inflow),
            "out": _short(balance.outflow),
            "remainder": balance.remainder,
            "half_width": balance.half_width,
        }
    }
    if balance.adjusted is not None:
        plain["adjusted"] = _short(balance.adjusted)
        plain["chi2"] = balance.chi2
        plain["degrees"] = balance.degrees
    return plain


def _short(amounts: dict[str, float]) -> dict[str, float]:
    """Return amounts by the ids of the site file, where these say enough."""
    return {
        name.removeprefix("source.").removeprefix("sink."): amount
        for name, amount in amounts.items()
    }
