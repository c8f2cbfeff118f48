"""Factors of sources in the market view, once certificates are matched."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from harness.sites import both, small_site

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import FactorRow
from zerometer.core.intervals import Calendar
from zerometer.core.market import market_rows, match_sources
from zerometer.core.matching import Certificate
from zerometer.core.network import Network
from zerometer.core.series_book import SeriesBook
from zerometer.core.site import Factor, Site, View

VIEWS: tuple[View, ...] = ("location", "market")
SHANGHAI = ZoneInfo("Asia/Shanghai")
T0 = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 10**9
HOUR = 4 * QUARTER_NS
NOW = T0 + 100 * HOUR


def site() -> Site:
    """Return the small site; its grid has a residual mix that is a series."""
    small = small_site()
    mix = Factor(value=0.8, unit="kg/kWh", id="mix", series="mix")
    grid, pv = small.sources
    return replace(
        small,
        views=VIEWS,
        sources=(
            replace(grid, factors={**both(0.6), "market": mix}),
            replace(
                pv, kind="own", factors=dict.fromkeys(VIEWS, both(0.0)["location"])
            ),
        ),
        processes=tuple(
            replace(
                p,
                fuels=tuple(
                    replace(f, factors=dict.fromkeys(VIEWS, f.factors["location"]))
                    for f in p.fuels
                ),
            )
            for p in small.processes
        ),
    )


def book() -> SeriesBook:
    return SeriesBook(site(), [o.name for o in Network(site()).origins], SHANGHAI)


def market(of: SeriesBook, start_ns: int) -> dict[str, float]:
    names = [origin.name for origin in Network(site()).origins]
    return dict(zip(names, of.at(start_ns).values["market"], strict=True))


def hours(*loads: float) -> list[tuple[int, float]]:
    return [
        (T0 + hour * HOUR + n * QUARTER_NS, load / 4)
        for hour, load in enumerate(loads)
        for n in range(4)
    ]


GEC = Certificate(
    id="GEC", kind="certificate", source="grid", start_ns=T0, end_ns=T0 + HOUR,
    quantity=75.0,
)  # fmt: skip
SOLD = replace(GEC, id="SOLD", kind="sold", source="pv", quantity=20.0)
LOADS = {"grid": hours(100, 100), "pv": hours(80, 80)}


def rows(of: SeriesBook, *papers: Certificate) -> list[FactorRow]:
    """Return the rows of these papers, by the hour, with what *of* knows."""
    matchings = match_sources(site(), papers, {}, LOADS, Calendar("hour", SHANGHAI))
    index = {s.id: k for k, s in enumerate(site().sources)}
    return market_rows(
        site(), matchings, lambda source, t: of.unmatched(t)[index[source]], NOW
    )


def test_what_is_matched_goes_before_the_sources_own_factor() -> None:
    made = book()
    changes = made.add(rows(made, GEC), NOW)
    assert market(made, T0)["source.grid"] == pytest.approx(0.25 * 0.8)
    assert market(made, T0 + HOUR)["source.grid"] == 0.8
    assert made.at(T0).values["location"][0] == 0.6
    assert [(c.series, c.t0_ns, c.t1_ns) for c in changes] == [
        ("market/grid", T0, T0 + 2 * HOUR)
    ]


def test_what_nobody_measured_has_no_certificate() -> None:
    made = book()
    made.load(rows(made, GEC))
    found = market(made, T0)
    assert found["unmeasured.lv"] == found["unknown-start.battery"] == 0.8


def test_what_is_sold_has_the_residual_mix_of_what_is_bought() -> None:
    made = book()
    made.load(rows(made, GEC, SOLD))
    assert market(made, T0)["source.pv"] == pytest.approx(0.25 * 0.8)
    assert market(made, T0 + HOUR)["source.pv"] == 0.0


def test_a_mix_that_varies_within_the_interval_is_kept_by_the_quarter() -> None:
    made = book()
    made.load(
        [
            FactorRow(
                series="mix", t0_ns=T0, t1_ns=T0 + QUARTER_NS, value=0.4, revision=1
            )
        ]
    )
    found = rows(made, GEC)
    assert [r.t1_ns - r.t0_ns for r in found] == [QUARTER_NS] * 8
    made.load(found)
    assert market(made, T0)["source.grid"] == pytest.approx(0.25 * 0.4)
    assert market(made, T0 + QUARTER_NS)["source.grid"] == pytest.approx(0.25 * 0.8)


def test_a_later_certificate_replaces_what_was_matched() -> None:
    made = book()
    made.load(rows(made, GEC))
    later = [
        replace(row, published_ns=NOW + 1)
        for row in rows(made, GEC, replace(GEC, id="GEC-2", quantity=25.0))
    ]
    changes = made.add(later, NOW)
    assert market(made, T0)["source.grid"] == 0.0
    assert [(c.t0_ns, c.t1_ns) for c in changes] == [(T0, T0 + HOUR)]


def test_a_source_that_is_gone_is_left_out() -> None:
    assert rows(book(), replace(GEC, source="other")) == []


def test_rows_in_another_unit_are_not_used() -> None:
    made = book()
    (row, *_) = rows(made, GEC)
    assert "unit" in made.fault_of(replace(row, unit="kg/GJ"))
    plain = replace(site(), views=("location",))
    other = SeriesBook(plain, [o.name for o in Network(plain).origins], SHANGHAI)
    assert other.add([row], NOW) == []
