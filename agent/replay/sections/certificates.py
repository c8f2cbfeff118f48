"""What certificates covered of what was bought, and the 24/7 score."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from zerometer.core.matching import (
    TOLERANCE,
    Free,
    Match,
    Matching,
    free_of_bought,
    free_of_own,
    score_24_7,
)
from zerometer.core.network import Network
from zerometer.core.site import Site, Source
from zerometer.core.totals import Totals


class CertificatesSection:
    """Each source with what is matched of it, or sold; the score of the electricity.

    An interval's matched part counts in each of its quarter hours alike.
    """

    name = "certificates"

    def __init__(
        self, site: Site, network: Network, matchings: Mapping[str, Matching]
    ) -> None:
        self._granularity = site.matching
        self._matchings = matchings
        self._starts = {
            source: [match.start_ns for match in matching.matches]
            for source, matching in matchings.items()
        }
        units = {pool.id: pool.unit for pool in site.pools}
        self._sources = [(s, units[s.pool]) for s in site.sources]
        self._origin = {o.name: k for k, o in enumerate(network.origins)}
        self._width = len(network.origins)
        self._exports = [
            i for i, place in enumerate(network.places) if place.kind == "export"
        ]
        self._supplier_share = min(
            (
                s.carbon_free_share
                for s, unit in self._sources
                if s.kind == "bought" and unit == "kWh"
            ),
            default=0.0,
        )
        self._window = _Sums()
        self._all = _Sums()

    def add(self, totals: Totals) -> None:
        """Take in the next booked span."""
        for source, unit in self._sources:
            origin = self._origin[f"source.{source.id}"]
            load = totals.entered[origin]
            match = self._match(source.id, totals.start_ns, load)
            free = None
            if unit == "kWh":
                exported = sum(
                    totals.received[place * self._width + origin]
                    for place in self._exports
                )
                free = self._free(source, match, max(load - exported, 0.0))
            for sums in (self._window, self._all):
                sums.add(source.id, match, free)

    def _match(self, source: str, time_ns: int, load: float) -> Match:
        """Return the part of *load* at a time that is matched, as in its interval."""
        starts = self._starts.get(source, [])
        at = bisect_right(starts, time_ns) - 1
        if at < 0:
            return Match(time_ns, time_ns, load, 0.0, 0.0, 0.0, 0.0)
        whole = self._matchings[source].matches[at]
        part = load / whole.load if whole.load > 0 else 0.0
        return Match(
            time_ns,
            time_ns,
            load,
            whole.available * part,
            whole.matched * part,
            whole.matched_kg * part,
            whole.free * part,
        )

    def _free(self, source: Source, match: Match, used: float) -> Free:
        if source.kind == "own":
            shares = source.carbon_free_share, self._supplier_share
            return free_of_own(match, used, *shares)
        return free_of_bought(match, source.carbon_free_share)

    def window(self, totals: Totals) -> dict[str, Any]:  # noqa: ARG002
        """Return what was covered in the window that ends now."""
        ended, self._window = self._window, _Sums()
        return self._described(ended)

    def whole(self, totals: Totals) -> dict[str, Any]:  # noqa: ARG002
        """Return what was covered of everything."""
        return self._described(self._all)

    def flags(self, totals: Totals) -> list[dict[str, str]]:  # noqa: ARG002
        """Return the certificates that match nothing, and what was sold twice."""
        oversold = [
            {
                "kind": "oversold",
                "subject": source.id,
                "text": f"{matching.excess:.6g} {unit} more sold than it made",
            }
            for source, unit in self._sources
            if source.kind == "own"
            and (matching := self._matchings.get(source.id)) is not None
            and matching.excess > TOLERANCE
        ]
        return oversold + [
            {
                "kind": "certificate-unplaced",
                "subject": certificate,
                "text": "longer than an interval, and its plant has no profile for it: "
                "matches nothing",
            }
            for matching in self._matchings.values()
            for certificate in sorted(matching.unplaced)
        ]

    def _described(self, sums: "_Sums") -> dict[str, Any]:
        sources = {}
        for source, unit in self._sources:
            load, matched = sums.loads.get(source.id, (0.0, 0.0))
            told = "sold" if source.kind == "own" else "matched"
            sources[source.id] = {
                "unit": unit,
                "load": load,
                told: matched,
                "un" + told: load - matched,
            }
        bought = [
            sources[s.id] for s, unit in self._sources
            if s.kind == "bought" and unit == "kWh"
        ]  # fmt: skip
        return {
            "granularity": self._granularity,
            "matched": sum(s["matched"] for s in bought),
            "unmatched": sum(s["unmatched"] for s in bought),
            "score_24_7": score_24_7(sums.free),
            "sources": sources,
            "joined": sorted(c for m in self._matchings.values() for c in m.joined),
            "unplaced": sorted(c for m in self._matchings.values() for c in m.unplaced),
        }


class _Sums:
    """Loads and what was matched of them, by source; and what was free."""

    def __init__(self) -> None:
        self.loads: dict[str, tuple[float, float]] = {}
        self._free = Free(0.0, 0.0)

    @property
    def free(self) -> list[Free]:
        return [self._free]

    def add(self, source: str, match: Match, free: Free | None) -> None:
        load, matched = self.loads.get(source, (0.0, 0.0))
        self.loads[source] = load + match.load, matched + match.matched
        if free is not None:
            self._free = Free(self._free.load + free.load, self._free.free + free.free)
