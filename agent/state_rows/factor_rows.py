"""Which factors hold, as rows: with them each booked number can be recomputed."""

from math import nan

from zerometer.agent.state_rows.tables import Row
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.network import Network
from zerometer.core.origin_factors import origin_factors
from zerometer.core.series_book import SeriesBook, matched_series
from zerometer.core.site import Site, View
from zerometer.core.totals import FactorSet

TABLE = "config/factors"
_MS = 1_000_000
#: A factor in use: its value, its id (or series) and the revision of that.
_InUse = tuple[float, str, int]


class FactorRows:
    """Tells each factor of a site's origins when it becomes another one.

    ``in_use`` names what counts now: ids, and of series ``id@revision``.
    """

    def __init__(self, site: Site, network: Network, book: SeriesBook) -> None:
        self._book = book
        self._origins = network.origins
        self._stated = origin_factors(site, [o.name for o in network.origins])
        self._places = [
            (view, index)
            for view in network.views
            for index in range(len(network.origins))
        ]
        self._told: dict[tuple[View, int], _InUse] = {}
        self._known: FactorSet | None = None
        self.in_use: tuple[str, ...] = ()

    def whole(self, start_ns: int) -> list[Row]:
        """Return the factors that hold in the quarter hour from *start_ns* on."""
        self._told.clear()
        self._known = None
        return self.changed(start_ns)

    def changed(self, start_ns: int) -> list[Row]:
        """Return those that are others in the quarter from *start_ns* than before."""
        factors = self._book.at(start_ns)
        if factors is self._known:
            return []
        self._known = factors
        rows = []
        for place in self._places:
            used = self._use(place, factors, start_ns)
            if self._told.get(place) != used:
                self._told[place] = used
                rows.append(self._row(place, used, start_ns, nan))
        self.in_use = tuple(sorted({_name(used) for used in self._told.values()}))
        return rows

    def restated(self, start_ns: int) -> list[Row]:
        """Return the factors with which the quarter from *start_ns* is booked now."""
        factors = self._book.at(start_ns)
        until_ns = start_ns + QUARTER_NS
        uses = ((place, self._use(place, factors, start_ns)) for place in self._places)
        return [
            self._row(place, used, start_ns, until_ns / _MS)
            for place, used in uses
            if used[2]
        ]

    def state(self) -> list[list[object]]:
        """Return what was told, as plain values."""
        return [[*place, *used] for place, used in self._told.items()]

    def restore(self, state: list[tuple[View, int, float, str, int]]) -> None:
        """Go on with what was told of this configuration."""
        self._told = {
            (view, index): (value, factor, revision)
            for view, index, value, factor, revision in state
        }
        self.in_use = tuple(sorted({_name(used) for used in self._told.values()}))

    def _use(
        self, place: tuple[View, int], factors: FactorSet, start_ns: int
    ) -> _InUse:
        """Return what counts for an origin in a view, in the quarter of *factors*."""
        view, index = place
        value = factors.values[view][index]
        source = self._origins[index].name.removeprefix("source.")
        matched = matched_series(source)
        if view == "market" and (at := self._book.known(matched, start_ns)):
            return value, matched, at[1]
        candidates = [
            (at[0], factor.series, at[1])
            if (at := self._book.known(factor.series, start_ns))
            else (factor.value, factor.id, 0)
            for factor in self._stated[view][index]
        ]
        named = max(candidates, default=(value, "", 0), key=lambda one: one[0])
        return value, named[1], named[2]

    def _row(
        self, place: tuple[View, int], used: _InUse, start_ns: int, until_ms: float
    ) -> Row:
        view, index = place
        value, factor, revision = used
        origin = self._origins[index]
        series = revision or factor in self._book.units
        status = self._book.status(factor, start_ns) if series else "constant"
        return TABLE, (
            origin.name, view, value, origin.unit, factor, revision,
            start_ns / _MS, until_ms, status, source_of(factor),
        )  # fmt: skip


def _name(used: _InUse) -> str:
    _, factor, revision = used
    return f"{factor}@{revision}" if revision else factor


def source_of(factor: str) -> str:
    """Return where a shipped factor is from; empty for any other."""
    from zerometer.config.factor_library import shipped

    found = shipped().get(factor) if "/" in factor else None
    return found.source if found else ""
