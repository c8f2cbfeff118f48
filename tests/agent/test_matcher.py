"""The live matching: imports and loads become rows of factors."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import pytest
from harness.sites import both, small_site

from zerometer.agent.certificates.matcher import Matcher, MatcherThread
from zerometer.agent.certificates.store import CertificateStore
from zerometer.agent.factors.store import FactorStore
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import FactorRow
from zerometer.core.matching import Certificate
from zerometer.core.site import Factor, Site, View

VIEWS: tuple[View, ...] = ("location", "market")
T0 = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 10**9
HOUR = 4 * QUARTER_NS
NOW = T0 + 3 * HOUR
GEC = Certificate(
    id="GEC", kind="certificate", source="grid", start_ns=T0, end_ns=T0 + HOUR,
    quantity=75.0,
)  # fmt: skip


def site() -> Site:
    small = small_site()
    mix = Factor(value=0.8, unit="kg/kWh", id="mix", series="mix")
    grid, pv = small.sources
    all_views = {"location": both(0.0)["location"], "market": both(0.0)["location"]}
    boiler = small.processes[-1]
    return replace(
        small,
        views=VIEWS,
        matching="hour",
        sources=(
            replace(grid, factors={**both(0.6), "market": mix}),
            replace(pv, factors=all_views),
        ),
        processes=(
            *small.processes[:-1],
            replace(
                boiler, fuels=tuple(replace(f, factors=all_views) for f in boiler.fuels)
            ),
        ),
    )


@pytest.fixture
def matcher(tmp_path: Path) -> Iterator[Matcher]:
    with closing(Matcher(site(), tmp_path)) as made:
        yield made


def booked(matcher: Matcher, quarters: int, first: int = 0) -> None:
    for n in range(first, first + quarters):
        matcher.book(T0 + n * QUARTER_NS, {"grid": 25.0, "pv": 10.0})


def market(folder: Path) -> list[tuple[int, float]]:
    """Return the rows of the grid's market series: quarters of a value, in order."""
    with closing(FactorStore(folder)) as store:
        values = [round(row.value, 9) for row in store.rows("market/grid")]
    return [(len(list(same)), value) for value, same in groupby(values)]


def test_an_hour_is_matched_once_it_is_over(matcher: Matcher, tmp_path: Path) -> None:
    CertificateStore(tmp_path).add([GEC], [])
    booked(matcher, 3)
    assert matcher.work(NOW) == []
    assert market(tmp_path) == []
    booked(matcher, 1, 3)
    matcher.work(NOW)
    assert market(tmp_path) == [(4, 0.2)]
    booked(matcher, 4, 4)
    matcher.work(NOW)
    assert market(tmp_path) == [(4, 0.2), (4, 0.8)]


def test_without_certificates_nothing_is_said(matcher: Matcher, tmp_path: Path) -> None:
    booked(matcher, 8)
    assert matcher.work(NOW) == []
    assert market(tmp_path) == []


def test_an_import_revises_what_was_matched(matcher: Matcher, tmp_path: Path) -> None:
    store = CertificateStore(tmp_path)
    store.add([GEC], [])
    booked(matcher, 8)
    matcher.work(NOW)
    before = market(tmp_path)
    matcher.work(NOW + 1)
    assert market(tmp_path) == before
    store.add([replace(GEC, id="GEC-2", quantity=25.0)], [])
    matcher.work(NOW + 2)
    assert market(tmp_path) == [*before, (4, 0.0)]


def test_a_revised_mix_revises_what_was_matched(
    matcher: Matcher, tmp_path: Path
) -> None:
    CertificateStore(tmp_path).add([GEC], [])
    booked(matcher, 8)
    matcher.work(NOW)
    with closing(FactorStore(tmp_path)) as store:
        store.add(
            [
                FactorRow(
                    series="mix", t0_ns=T0, t1_ns=T0 + HOUR, value=0.4,
                    published_ns=NOW, fetched_ns=NOW,
                )
            ]
        )  # fmt: skip
    matcher.work(NOW + 1)
    assert market(tmp_path) == [(4, 0.2), (4, 0.8), (4, 0.1)]


def test_a_mix_that_is_revised_back_takes_its_revision_back(
    matcher: Matcher, tmp_path: Path
) -> None:
    CertificateStore(tmp_path).add([GEC], [])
    booked(matcher, 4)
    matcher.work(NOW)
    for later, value in enumerate((0.4, 0.8), 1):
        with closing(FactorStore(tmp_path)) as store:
            row = FactorRow(
                series="mix", t0_ns=T0, t1_ns=T0 + QUARTER_NS, value=value,
                published_ns=NOW + later, fetched_ns=NOW + later,
            )  # fmt: skip
            store.add([row])
        matcher.work(NOW + later)
    assert market(tmp_path) == [(4, 0.2), (1, 0.1), (1, 0.2)]


def test_what_is_sold_waits_until_its_time_is_over(tmp_path: Path) -> None:
    """60 kWh of two hours: not all of them in the first, but as it was made."""
    small = site()
    own = replace(small.sources[1], kind="own")
    small = replace(small, sources=(small.sources[0], own))
    sold = replace(
        GEC, id="S", kind="sold", source="pv", end_ns=T0 + 2 * HOUR, quantity=60.0
    )
    CertificateStore(tmp_path).add([sold], [])
    with closing(Matcher(small, tmp_path)) as matcher:
        booked(matcher, 4)
        assert matcher.work(NOW) == []
        booked(matcher, 4, 4)
        assert matcher.work(NOW) == ["S: divided by its plant's profile"]
    with closing(FactorStore(tmp_path)) as store:
        values = [row.value for row in store.rows("market/pv")]
    assert values == pytest.approx([0.75 * 0.8] * 8)


def test_loads_outlive_a_restart(tmp_path: Path) -> None:
    with closing(Matcher(site(), tmp_path)) as first:
        booked(first, 2)
        first.work(NOW)
    CertificateStore(tmp_path).add([GEC], [])
    with closing(Matcher(site(), tmp_path)) as second:
        booked(second, 2, 2)
        second.work(NOW)
    assert market(tmp_path) == [(4, 0.2)]


def test_the_record_says_what_was_joined_and_what_matches_nothing(
    matcher: Matcher, tmp_path: Path
) -> None:
    day = replace(GEC, id="DAY", end_ns=T0 + 24 * HOUR, plant="wind-7")
    CertificateStore(tmp_path).add([day], [])
    booked(matcher, 8)
    assert matcher.work(NOW) == ["DAY: matches nothing: its plant has no profile"]
    assert matcher.work(NOW) == []


def test_a_thread_matches_what_was_booked_before_it_stops(tmp_path: Path) -> None:
    CertificateStore(tmp_path).add([GEC], [])
    said: list[str] = []
    thread = MatcherThread(Matcher(site(), tmp_path), said.append, lambda: NOW)
    thread.start()
    booked(thread.matcher, 4)
    thread.stop()
    thread.stop()
    assert said == []
    assert market(tmp_path) == [(4, 0.2)]
    MatcherThread(Matcher(site(), tmp_path), said.append, lambda: NOW).stop()


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    matcher = Matcher(site(), tmp_path)
    (tmp_path / "certificates.sqlite").write_bytes(b"no database at all" * 9)
    thread = MatcherThread(matcher, said.append, lambda: NOW)
    thread.start()
    booked(matcher, 1)
    thread.stop()
    assert len(said) == 1
    assert "not a database" in said[0]
