"""What the accounts say beside the flows: factors, demand, what they rest on."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from zerometer.agent.pipeline import Pipeline
from zerometer.core.alignment import MINUTE_NS, QUARTER_NS
from zerometer.core.categories import origin_categories
from zerometer.core.demand import INTERVAL
from zerometer.core.origin_factors import origin_factors
from zerometer.core.site import Factor, View
from zerometer.core.totals import Totals

Json = dict[str, Any]


class AccountPicture:
    """The accounts of *pipeline* at one moment."""

    def __init__(self, pipeline: Pipeline, time_ns: int) -> None:
        self._pipeline = pipeline
        self._network = pipeline.accounting.network
        self._time_ns = time_ns

    def factors(self) -> list[Json]:
        """Return, of each source and fuel, what a unit of it emits now, by view.

        ``from`` names the shipped factor or the series; ``status`` is that of its
        value; ``category`` is where what it emits belongs.
        """
        site = self._pipeline.site
        categories = {v: origin_categories(site, v) for v in self._network.views}
        names = [origin.name for origin in self._network.origins]
        quarter_ns = self._time_ns - self._time_ns % QUARTER_NS
        values = self._pipeline.factors.at(quarter_ns).values
        stated = origin_factors(site, names)
        return [
            {
                "id": origin.name,
                "unit": origin.unit,
                "by_view": {
                    view: {
                        "kg": values[view][k],
                        **self._told(stated[view][k][0], quarter_ns),
                        "category": asdict(categories[view][origin.name]),
                    }
                    for view in self._network.views
                },
            }
            for k, origin in enumerate(self._network.origins)
            if origin.name.startswith(("source.", "fuel."))
        ]

    def _told(self, factor: Factor, quarter_ns: int) -> Json:
        if not factor.series:
            # Names of shipped factors are paths; others are places in the site file.
            shipped = factor.id if "/" in factor.id else None
            return {"from": shipped, "status": "constant"}
        status = self._pipeline.factors.status(factor.series, quarter_ns)
        return {"from": factor.series, "status": status}

    def demand(self, powers_kw: Mapping[str, float]) -> list[Json]:
        """Return the demand of each bought source whose power is known, kW.

        ``last_kw`` is the mean over the last quarter hour, ``predicted_kw`` what the
        one that runs comes to if *powers_kw* hold, ``ends_ms`` its end.
        """
        demand = self._pipeline.figures.demand
        last = demand.last_kw()
        highest = {name: ways.get("block") for name, ways in demand.peaks().items()}
        known = {source: powers_kw.get(source, 0.0) for source in self._network.demand}
        predicted = demand.predicted_kw(known)
        block_ns = INTERVAL * MINUTE_NS
        end_ns = (self._time_ns // block_ns + 1) * block_ns
        return [
            {
                "source": source,
                "last_kw": last[source],
                "predicted_kw": predicted[source] if source in powers_kw else None,
                "peak_kw": None if (peak := highest[source]) is None else peak.kw,
                "ends_ms": end_ns // 1_000_000,
            }
            for source in self._network.demand
        ]

    def products(self) -> list[Json]:
        """Return what was made today, and the kg of CO2 of a good unit, by view."""
        made = self._pipeline.figures.products.running()
        return [
            {
                "id": product.id,
                "name": product.name,
                "unit": product.unit,
                "good": made[product.id].good,
                "kg_per_unit": made[product.id].kg_per_unit(),
            }
            for product in self._pipeline.site.products
        ]

    def basis(self) -> Json:
        """Return what the figures of the last minute rest on."""
        totals = self._pipeline.figures.last
        balances = self._pipeline.accounting.balance.values()
        return {
            "carbon_balance_error": max(balance.worst for balance in balances),
            "booked_to_ms": None if totals is None else totals.end_ns // 1_000_000,
            "measured_share": None if totals is None else _measured_share(totals),
            "flags": [] if totals is None else _flags(totals),
            "uncertainty": {
                view: self._uncertainty(totals, view) for view in self._network.views
            },
        }

    def _uncertainty(self, totals: Totals | None, view: View) -> Json:
        """Return by how many percent a minute's emissions may be off (95 %).

        None where there were none, or where what ``missing`` names does not state it.
        """
        if totals is None:
            return {"percent": None, "missing": []}
        found = self._pipeline.figures.uncertainties.of(totals, view, part=True)
        return {"percent": found.percent, "missing": list(found.missing)}


def _flags(totals: Totals) -> list[Json]:
    told = (flag.partition(":") for flag in sorted(totals.flags))
    return [{"kind": kind, "subject": subject} for kind, _, subject in told]


def _measured_share(totals: Totals) -> float:
    """Return in how much of the time meters saw their flows, as windows state it."""
    return totals.seen_ns / (totals.end_ns - totals.start_ns)
