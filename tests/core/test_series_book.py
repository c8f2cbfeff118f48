"""The factors of a site at a quarter hour, and what a revision makes out of date."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from harness.sites import both, small_site

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import FactorRow
from zerometer.core.network import Network
from zerometer.core.series_book import (
    HORIZON_NS,
    KEPT_QUARTERS,
    Change,
    SeriesBook,
    exceeds,
)
from zerometer.core.site import Factor, Profile, Site

HOUR = 4 * QUARTER_NS
SHANGHAI = ZoneInfo("Asia/Shanghai")
#: A quarter's start, 2026-03-01 00:00 in UTC.
T0 = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 10**9
ROW = FactorRow(
    series="cn-east", t0_ns=T0, t1_ns=T0 + HOUR, value=0.5, fetched_ns=T0, revision=1
)


def site_with_series(profiles: tuple[Profile, ...] = ()) -> Site:
    """Return the small site, whose grid has a series in the physical view."""
    site = small_site()
    series = Factor(value=0.55, unit="kg/kWh", id="cn-east", series="cn-east")
    grid = replace(site.sources[0], factors={**both(0.6), "physical": series})
    return replace(site, sources=(grid, *site.sources[1:]), profiles=profiles)


def book(site: Site | None = None, zone: ZoneInfo = SHANGHAI) -> SeriesBook:
    site = site or site_with_series()
    return SeriesBook(site, [o.name for o in Network(site).origins], zone)


def factors(from_book: SeriesBook, time_ns: int) -> dict[str, tuple[float, float]]:
    """Return the physical and the location factor of each origin."""
    names = [origin.name for origin in Network(site_with_series()).origins]
    found = from_book.at(time_ns).values
    pairs = zip(found["physical"], found["location"], strict=True)
    return dict(zip(names, pairs, strict=True))


def test_without_series_the_site_file_counts_at_all_times() -> None:
    made = book(small_site())
    network = Network(small_site())
    found = made.at(T0)
    for view, values in found.values.items():
        assert values == network.constants[view]
    assert made.at(T0 + HORIZON_NS) is found
    assert (found.revision, found.fallback) == (0, frozenset())


def test_a_series_gives_the_value_of_its_time() -> None:
    made = book()
    made.load([ROW, replace(ROW, t0_ns=T0 + HOUR, t1_ns=T0 + 2 * HOUR, value=0.7)])
    assert factors(made, T0 + HOUR - 1)["source.grid"] == (0.5, 0.6)
    assert factors(made, T0 + HOUR)["source.grid"] == (0.7, 0.6)
    assert factors(made, T0)["source.pv"] == (0.0, 0.0)
    assert factors(made, T0)["fuel.boiler.natural_gas"] == (2.0, 2.0)
    assert made.at(T0).fallback == frozenset()
    assert made.at(T0).revision == 1


def test_what_has_no_source_takes_the_highest_of_that_time() -> None:
    made = book()
    made.load([ROW])
    found = factors(made, T0)
    assert found["unmeasured.lv"] == found["unknown-start.battery"] == (0.5, 0.6)
    assert found["unmeasured.heat"] == (0.0, 0.0)


def test_without_a_value_the_constant_stands_in_and_is_told() -> None:
    made = book()
    made.load([ROW])
    found = made.at(T0 + HOUR)
    assert found.fallback == {"cn-east"}
    assert factors(made, T0 + HOUR)["source.grid"] == (0.55, 0.6)


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, method="marginal"),
        replace(ROW, value=2.5),
        replace(ROW, value=-0.1),
        replace(ROW, unit="kg/GJ"),
        replace(ROW, series="another"),
    ],
    ids=["marginal", "too large", "negative", "another unit", "another series"],
)
def test_what_does_not_account(row: FactorRow) -> None:
    made = book()
    assert made.add([row], T0 + HOUR) == []
    assert made.value(row.series, T0) is None
    assert made.at(T0).fallback == {"cn-east"}


def test_a_unit_that_is_not_the_sites_is_told() -> None:
    found = book().fault_of(replace(ROW, unit="kg/GJ"))
    assert found == "unit: kg/GJ, but the site file has cn-east in kg/kWh"


def test_rows_finer_than_a_quarter_are_averaged() -> None:
    made = book()
    third = QUARTER_NS // 3
    made.load(
        replace(ROW, t0_ns=T0 + i * third, t1_ns=T0 + (i + 1) * third, value=value)
        for i, value in enumerate((0.3, 0.6, 0.6))
    )
    assert made.value("cn-east", T0) == pytest.approx(0.5, rel=1e-15)


def test_a_revision_says_what_is_out_of_date() -> None:
    """The worked example: of three hours, the later two are revised."""
    energies, first, second = [100, 300, 50], [0.4, 0.6, 0.5], [0.4, 0.55, 0.52]
    now_ns = T0 + 3 * HOUR

    def rows(values: list[float], revision: int) -> list[FactorRow]:
        return [
            replace(ROW, t0_ns=T0 + i * HOUR, t1_ns=T0 + (i + 1) * HOUR, value=value,
                    published_ns=revision, revision=revision)
            for i, value in enumerate(values)
        ]  # fmt: skip

    def kg() -> float:
        return sum(
            energy * made.at(T0 + i * HOUR).values["physical"][0]
            for i, energy in enumerate(energies)
        )

    made = book()
    made.add(rows(first, 1), now_ns)
    assert kg() == pytest.approx(245.0, rel=1e-12)
    before = made.at(T0 + HOUR).revision
    changes = made.add(rows(second, 2), now_ns)
    assert changes == [Change("cn-east", T0 + HOUR, T0 + 3 * HOUR)]
    assert kg() == pytest.approx(231.0, rel=1e-12)
    assert made.at(T0 + HOUR).revision > before


def test_a_first_value_puts_the_fallback_out_of_date() -> None:
    assert book().add([ROW], T0 + HOUR) == [Change("cn-east", T0, T0 + HOUR)]


def test_only_what_was_booked_is_out_of_date() -> None:
    made = book()
    now_ns = T0 + QUARTER_NS
    changes = made.add([replace(ROW, t0_ns=T0 - 2 * HORIZON_NS)], now_ns)
    first = now_ns - HORIZON_NS
    # The quarter that runs has begun to be booked.
    assert changes == [Change("cn-east", first, now_ns + QUARTER_NS)]
    assert made.value("cn-east", first - QUARTER_NS) == 0.5


def test_small_revisions_are_told_when_they_have_added_up() -> None:
    made = book()
    made.load([ROW])
    told = []
    for step in range(1, 8):
        row = replace(ROW, value=0.5 + 0.0002 * step, published_ns=step, revision=step)
        told.append(bool(made.add([row], T0 + HOUR)))
    assert told == [False, False, True, False, False, True, False]
    assert made.value("cn-east", T0) == 0.5 + 0.0002 * 7


def test_what_is_worth_restating() -> None:
    assert not exceeds(0.45, 0.4504, "kg/kWh")
    assert exceeds(0.45, 0.4506, "kg/kWh")
    assert exceeds(0.8, 0.80051, "kg/kWh")
    assert exceeds(0.02, 0.0201, "kg/kWh")
    assert not exceeds(100.0, 100.05, "kg/GJ")
    assert exceeds(100.0, 100.2, "kg/GJ")
    assert exceeds(0.0, 0.0001, "kg/kWh")
    assert not exceeds(0.0, 0.0, "kg/kWh")


def test_what_was_forgotten_is_not_known() -> None:
    made = book()
    made.load([ROW])
    assert made.value("cn-east", T0) == 0.5
    made.forget(T0 + HOUR)
    assert made.at(T0).fallback == {"cn-east"}


def test_what_nobody_restates_any_more_is_let_go() -> None:
    made = book()
    made.add([ROW], T0 + HOUR)
    assert made.value("cn-east", T0) == 0.5
    # A day passes over the horizon before it is looked at again.
    later_ns = T0 + HOUR + HORIZON_NS
    assert made.add([replace(ROW, value=0.9, revision=2)], later_ns) == []
    assert made.value("cn-east", T0) is None
    made.add([ROW], later_ns)
    assert made.value("cn-east", T0) is None


def test_more_quarters_than_are_kept_are_all_right() -> None:
    made = book()
    for quarter in range(KEPT_QUARTERS + 5):
        start_ns = T0 + quarter * QUARTER_NS
        made.load([replace(ROW, t0_ns=start_ns, t1_ns=start_ns + QUARTER_NS)])
    for quarter in range(KEPT_QUARTERS + 5):
        assert made.at(T0 + quarter * QUARTER_NS).fallback == frozenset()
    assert made.at(T0) is made.at(T0 + QUARTER_NS - 1)


def profile() -> Profile:
    """Return a profile whose value tells month and hour: 1.05 in January from 5."""
    values = tuple(
        tuple((month + hour / 100) / 10 for hour in range(24)) for month in range(1, 13)
    )
    return Profile(series="cn-east", unit="kg/kWh", values=values)


def test_a_profile_goes_by_the_clocks_of_the_site() -> None:
    made = book(site_with_series((profile(),)))
    # 2026-03-01 00:00 in UTC is 08:00 in Shanghai; 2026-02-28 16:00 is midnight.
    assert made.value("cn-east", T0) == 3.08 / 10
    assert made.value("cn-east", T0 - 8 * HOUR) == 3.0 / 10
    assert made.value("cn-east", T0 - 8 * HOUR - 1) == 2.23 / 10
    assert made.at(T0).fallback == frozenset()


def test_the_status_is_the_lowest_of_what_counts() -> None:
    made = book()
    assert made.status("cn-east", T0) == "fallback"
    late = replace(ROW, t0_ns=T0 + QUARTER_NS // 2, status="forecast")
    made.load([replace(ROW, t1_ns=late.t0_ns, status="final"), late])
    assert made.status("cn-east", T0) == "forecast"
    profile = Profile(series="cn-east", unit="kg/kWh", values=((0.5,) * 24,) * 12)
    assert book(site_with_series((profile,))).status("cn-east", T0) == "profile"


def test_a_row_goes_before_the_profile() -> None:
    made = book(site_with_series((profile(),)))
    made.load([ROW])
    assert made.value("cn-east", T0) == 0.5
    assert made.value("cn-east", T0 + HOUR) == 3.09 / 10


def test_a_profile_when_clocks_change() -> None:
    """Berlin, 2026: 02:00 does not exist on 29 March and comes twice on 25 October."""
    made = book(site_with_series((profile(),)), ZoneInfo("Europe/Berlin"))

    def hours(year: int, month: int, day: int, count: int) -> list[float | None]:
        start = int(datetime(year, month, day, 0, tzinfo=UTC).timestamp()) * 10**9
        return [made.value("cn-east", start + i * HOUR) for i in range(count)]

    assert hours(2026, 3, 29, 2) == [3.01 / 10, 3.03 / 10]
    assert hours(2026, 10, 25, 3) == [10.02 / 10, 10.02 / 10, 10.03 / 10]
