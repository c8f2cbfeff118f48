"""The factors of a site at any quarter hour, out of series that are revised."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import LARGEST, RANK, FactorRow, fault_of
from zerometer.core.factor_profile import profile_value
from zerometer.core.factor_timeline import Timeline
from zerometer.core.origin_factors import origin_factors, series_units
from zerometer.core.site import Factor, Site, View
from zerometer.core.totals import FactorSet

#: A revision that changes a factor by more than one of these is worth restating
#: what was booked with it: in kg/kWh, and as a part of the value before.
EPSILON_KG_PER_KWH = 0.0005
EPSILON_SHARE = 0.001
DAY_NS = 96 * QUARTER_NS
#: Nothing older is restated: providers re-issue up to three months back.
HORIZON_NS = 100 * DAY_NS
#: Quarters whose factors are kept at hand.
KEPT_QUARTERS = 1024


@dataclass(frozen=True, slots=True)
class Change:
    """Over [t0, t1), whole quarters, *series* has other values than it had."""

    series: str
    t0_ns: int
    t1_ns: int


def matched_series(source: str) -> str:
    """Return the series of a source's factor in the market view, once matched."""
    return f"market/{source}"


class SeriesBook:
    """The factors of all origins of a site's network, by view.

    A value comes from the series that the site file names: the mean over the quarter
    of the rows that hold; else from the profile of that name; else it is the
    constant beside it, and the series is named in ``fallback``. Where certificates
    were matched with a source (`core.market`), what came of it goes before that.
    """

    def __init__(self, site: Site, origins: Sequence[str], zone: tzinfo) -> None:
        """*origins*: the names of the network's, in its order."""
        self._zone = zone
        self._profiles = {profile.series: profile for profile in site.profiles}
        self._timelines: dict[str, Timeline] = {}
        stated = origin_factors(site, origins)
        self._constant: dict[View, array[float]] = {}
        #: What must be looked up: by view, the origin and its candidates.
        self._varying: list[tuple[View, int, tuple[Factor, ...]]] = []
        for view, candidates in stated.items():
            self._constant[view] = array("d", [_highest(c) for c in candidates])
            for index, factors in enumerate(candidates):
                if any(factor.series for factor in factors):
                    self._varying.append((view, index, factors))
        #: Units of the series that the site accounts with, kg per unit.
        self.units: Mapping[str, str] = series_units(site)
        #: By origin, in the market view: the series that goes before its own.
        self._matched = {
            index: matched_series(name.removeprefix("source."))
            for index, name in enumerate(origins)
            if name.startswith("source.") and "market" in site.views
        }
        self._matched_units = {
            matched_series(source.id): source.factors["market"].unit
            for source in site.sources
            if "market" in site.views
        }
        self._fixed = FactorSet(self._constant)
        self._kept: dict[int, FactorSet] = {}
        #: Values that were told last and have drifted by less than epsilon since.
        self._told: dict[tuple[str, int], float] = {}
        self._forgotten_ns = 0

    def fault_of(self, row: FactorRow) -> str:
        """Return why *row* is never used here; empty when it can be."""
        unit = self._unit(row.series) or row.unit
        if row.unit in LARGEST and row.unit != unit:
            return f"unit: {row.unit}, but the site file has {row.series} in {unit}"
        return fault_of(row)

    def load(self, rows: Iterable[FactorRow]) -> None:
        """Take in rows that are no news: at a start, or for a replay."""
        for row in rows:
            if self._accounts(row):
                self._timelines.setdefault(row.series, Timeline()).add(row)
        self._kept.clear()

    def add(self, rows: Sequence[FactorRow], now_ns: int) -> list[Change]:
        """Take in new rows; return where accounts up to *now_ns* are out of date.

        What is older than the horizon is passed over, and in time forgotten.
        """
        horizon_ns = now_ns - HORIZON_NS
        if horizon_ns >= self._forgotten_ns + DAY_NS:
            self.forget(horizon_ns)
        rows = [row for row in rows if row.t1_ns > horizon_ns]
        quarters: dict[str, set[int]] = {}
        for row in rows:
            if self._accounts(row):
                start = max(row.t0_ns, horizon_ns) // QUARTER_NS
                end = -(-min(row.t1_ns, now_ns + 1) // QUARTER_NS)
                quarters.setdefault(row.series, set()).update(range(start, end))
        before = {
            (series, quarter): self.value(series, quarter * QUARTER_NS)
            for series, touched in quarters.items()
            for quarter in sorted(touched)
        }
        self.load(rows)
        changed = [key for key, value in before.items() if self._is_news(key, value)]
        return _joined(changed)

    def value(self, series: str, start_ns: int) -> float | None:
        """Return what *series* is in the quarter from *start_ns*; None: not known."""
        found = self.known(series, start_ns)
        return found[0] if found else None

    def status(self, series: str, start_ns: int) -> str:
        """Return the lowest status of what *series* is in the quarter from *start_ns*.

        ``profile`` where its profile stands in, ``fallback`` where the constant does.
        """
        timeline = self._timelines.get(series)
        if timeline is not None:
            found = timeline.rows(start_ns, start_ns + QUARTER_NS)
            if found:
                return min((row.status for row in found), key=RANK.__getitem__)
        return "profile" if series in self._profiles else "fallback"

    def at(self, start_ns: int) -> FactorSet:
        """Return the factors of the quarter that holds *start_ns* (Unix, UTC)."""
        if not self._varying and not self._timelines:
            return self._fixed
        start_ns -= start_ns % QUARTER_NS
        kept = self._kept.get(start_ns)
        if kept is None:
            if len(self._kept) >= KEPT_QUARTERS:
                self._kept.clear()
            kept = self._kept[start_ns] = self._resolve(start_ns)
        return kept

    def forget(self, before_ns: int) -> None:
        """Let go of what was before *before_ns*."""
        for timeline in self._timelines.values():
            timeline.forget(before_ns)
        self._forgotten_ns = before_ns
        quarter = before_ns // QUARTER_NS
        self._told = {k: v for k, v in self._told.items() if k[1] >= quarter}
        self._kept.clear()

    def _accounts(self, row: FactorRow) -> bool:
        """Whether the accounts depend on *row*: marginal ones are for schedules."""
        return (
            bool(self._unit(row.series))
            and row.method == "average"
            and not self.fault_of(row)
        )

    def unmatched(self, start_ns: int) -> "array[float]":
        """Return the market factors of a quarter as if there were no certificates."""
        found = {series: self.known(series, start_ns) for series in self.units}
        return self._values(found)["market"]

    def _unit(self, series: str) -> str:
        return self.units.get(series) or self._matched_units.get(series, "")

    def _values(
        self, found: Mapping[str, tuple[float, int] | None]
    ) -> "dict[View, array[float]]":
        values = {view: array("d", row) for view, row in self._constant.items()}
        for view, index, factors in self._varying:
            values[view][index] = max(_of(factor, found) for factor in factors)
        return values

    def _resolve(self, start_ns: int) -> FactorSet:
        found = {series: self.known(series, start_ns) for series in self.units}
        values = self._values(found)
        revisions = [known[1] for known in found.values() if known]
        for index, series in self._matched.items():
            if known := self.known(series, start_ns):
                values["market"][index] = known[0]
                revisions.append(known[1])
        return FactorSet(
            values,
            max(revisions, default=0),
            frozenset(series for series, known in found.items() if not known),
        )

    def known(self, series: str, start_ns: int) -> tuple[float, int] | None:
        """Return value and revision of *series* in the quarter from *start_ns*.

        None when nothing is known of it; the revision of a profile is 0.
        """
        timeline = self._timelines.get(series)
        mean = timeline.mean(start_ns, start_ns + QUARTER_NS) if timeline else None
        if mean is not None:
            return mean
        profile = self._profiles.get(series)
        if profile is None:
            return None
        return profile_value(profile.values, start_ns, self._zone), 0

    def _is_news(self, key: tuple[str, int], before: float | None) -> bool:
        """Whether a quarter's value left what was told of it by more than epsilon."""
        series, quarter = key
        now = self.value(series, quarter * QUARTER_NS)
        told = self._told.pop(key, before)
        if now == told:
            return False
        if now is None or told is None or exceeds(told, now, self._unit(series)):
            return True
        self._told[key] = told
        return False


def exceeds(old: float, new: float, unit: str) -> bool:
    """Whether a change of a factor in *unit* is worth restating."""
    change = abs(new - old)
    if unit == "kg/kWh" and change > EPSILON_KG_PER_KWH:
        return True
    return change > EPSILON_SHARE * old


def _of(factor: Factor, found: Mapping[str, tuple[float, int] | None]) -> float:
    known = found.get(factor.series)
    return known[0] if known else factor.value


def _highest(factors: Sequence[Factor]) -> float:
    return max((factor.value for factor in factors), default=0.0)


def _joined(quarters: Iterable[tuple[str, int]]) -> list[Change]:
    """Return quarters, in order by series, as stretches that are as long as can be."""
    changes: list[Change] = []
    for series, quarter in quarters:
        start_ns, end_ns = quarter * QUARTER_NS, (quarter + 1) * QUARTER_NS
        if changes and (changes[-1].series, changes[-1].t1_ns) == (series, start_ns):
            start_ns = changes.pop().t0_ns
        changes.append(Change(series, start_ns, end_ns))
    return changes
