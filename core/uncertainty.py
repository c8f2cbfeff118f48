"""How uncertain emissions are: approach 1 of the IPCC, correlated where it must be.

An emission is activity times factor, and its relative half widths (95 %) add in
quadrature; so do the half widths of emissions that err independently (JCGM 100:2008
(GUM), 5.1.2; IPCC 2006 Guidelines, volume 1, equations 3.1 and 3.2). Emissions that
share a meter or the identity of a factor err together: there they add linearly (GUM,
5.2.2, correlation 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, sqrt

from zerometer.core.meter_errors import MeterErrors
from zerometer.core.network import Network
from zerometer.core.origin_factors import origin_factors
from zerometer.core.site import Factor, Site, View
from zerometer.core.totals import Totals

#: Half width of energy of which a window got its part by an estimate, percent. The
#: IPCC's default for extrapolated activity data of industry is up to 20 % (2006
#: Guidelines, volume 2, table 2.15).
ESTIMATED_PERCENT = 20.0
#: Half width of what no meter saw enter (unmeasured, unknown start), percent: our
#: choice, wide as it follows from no measurement.
UNSEEN_PERCENT = 50.0


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """What entered, kg, how far that may be off (95 %), and how much was measured.

    ``half_width_kg`` and ``percent`` are None when they cannot be said: ``missing``
    then names the meters and factors that state no uncertainty. ``percent`` is None
    also where there is no emission. ``measured_share`` is the part of the emissions
    whose activity meters saw, None without emission.
    """

    kg: float
    half_width_kg: float | None
    percent: float | None
    measured_share: float | None
    missing: tuple[str, ...] = ()


class Uncertainties:
    """The uncertainty of what enters a site's books."""

    def __init__(self, network: Network, site: Site) -> None:
        self._network = network
        self._errors = MeterErrors(network, site.meters)
        self._flow = {inflow.origin: inflow.flow for inflow in network.inflows}
        for conversion in network.conversions:
            self._flow.update(conversion.burns)
        names = [origin.name for origin in network.origins]
        self._factors = {
            view: [max(f, key=_value, default=None) for f in factors]
            for view, factors in origin_factors(site, names).items()
        }

    def of(self, totals: Totals, view: View, *, part: bool) -> Uncertainty:
        """Return the uncertainty of a span's emissions in a view.

        *part* says that the span is part of a longer one: then energy that no meter
        saw in its time may belong to another part. Over all of it counters are exact.
        """
        row = totals.entered_kg[view]
        budget = _Budget(self._errors)
        seen = [
            self._add(budget, totals, view, k, part=part)
            for k, kg in enumerate(row)
            if kg
        ]
        return budget.result(fsum(row), fsum(seen))

    def of_sources(
        self, totals: Totals, view: View, *, part: bool
    ) -> dict[str, Uncertainty]:
        """Return the same for each source and fuel that has emissions, by name."""
        found = {}
        for k, kg in enumerate(totals.entered_kg[view]):
            if kg and k in self._flow:
                budget = _Budget(self._errors)
                seen = self._add(budget, totals, view, k, part=part)
                found[self._network.origins[k].name] = budget.result(kg, seen)
        return found

    def _add(
        self, budget: "_Budget", totals: Totals, view: View, k: int, *, part: bool
    ) -> float:
        """Add what entered from an origin; return the kg whose activity was seen."""
        name, kg = self._network.origins[k].name, totals.entered_kg[view][k]
        if name.startswith("bonus."):
            return 0.0
        budget.factor(name, self._factors[view][k], kg)
        flow = self._flow.get(k)
        if flow is None:
            budget.independent(kg * UNSEEN_PERCENT / 100)
            return 0.0
        share = _share(totals.estimated[flow], totals.flows[flow])
        estimated = share if part else 0.0
        budget.independent(kg * estimated * ESTIMATED_PERCENT / 100)
        for measure, weight in self._weights(flow, totals).items():
            budget.measure(measure, kg * (1 - estimated) * weight)
        return kg * (1 - share)

    def _weights(self, flow: int, totals: Totals) -> Mapping[int, float]:
        """Return by measure its signed part of a flow; they sum up to 1."""
        terms = self._network.flows[flow].terms
        if len(terms) == 1:
            return {terms[0][0]: 1.0}
        parts: dict[int, float] = {}
        for measure, times in terms:
            parts[measure] = parts.get(measure, 0.0) + totals.measured[measure] * times
        total = fsum(parts.values())
        return {m: part / total for m, part in parts.items()} if total > 0 else {}


class _Budget:
    """Collects the parts of an uncertainty."""

    def __init__(self, errors: MeterErrors) -> None:
        self._errors = errors
        self._measures: dict[int, float] = {}
        self._factors: dict[str, float] = {}
        self._others: list[float] = []
        self._missing: set[str] = set()

    def measure(self, measure: int, kg: float) -> None:
        """Add what a measure brought."""
        self._measures[measure] = self._measures.get(measure, 0.0) + kg
        if kg:
            self._missing.update(f"meter {m}" for m in self._errors.unknown([measure]))

    def factor(self, origin: str, factor: Factor | None, kg: float) -> None:
        """Add what a factor made of its activity."""
        if factor is None or factor.uncertainty_percent is None:
            self._missing.add(f"factor {(factor and factor.id) or origin}")
            return
        name = factor.id or origin
        part = kg * factor.uncertainty_percent / 100
        self._factors[name] = self._factors.get(name, 0.0) + part

    def independent(self, half_width_kg: float) -> None:
        """Add what errs on its own."""
        self._others.append(half_width_kg)

    def result(self, kg: float, seen_kg: float) -> Uncertainty:
        """Return all of it for emissions of *kg*, *seen_kg* of which were measured."""
        share = seen_kg / kg if kg else None
        if self._missing:
            return Uncertainty(kg, None, None, share, tuple(sorted(self._missing)))
        parts = [self._errors.half_width(self._measures), *self._others]
        half_width = sqrt(fsum(p * p for p in [*parts, *self._factors.values()]))
        return Uncertainty(kg, half_width, 100 * half_width / kg if kg else None, share)


def _value(factor: Factor) -> float:
    return factor.value


def _share(estimated: float, quantity: float) -> float:
    return min(estimated / quantity, 1.0) if quantity > 0 else 0.0
