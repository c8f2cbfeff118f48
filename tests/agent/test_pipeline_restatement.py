"""A running agent restates what it has booked, over restarts and kills."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.gateway import WALL_NS, Gateway, Row, journalled_site, rows
from harness.sites import market_site, with_series

from zerometer.agent.certificates.matcher import Matcher
from zerometer.agent.certificates.store import CertificateStore
from zerometer.agent.factors.store import FactorStore
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import FactorRow
from zerometer.core.matching import Certificate
from zerometer.core.site import Site

#: A quarter of an hour, and what it takes until it is booked.
QUARTER_S = 905
ROW = FactorRow(
    series="mix", t0_ns=WALL_NS, t1_ns=WALL_NS + 2 * QUARTER_NS, value=0.5,
    fetched_ns=WALL_NS, published_ns=WALL_NS,
)  # fmt: skip
LATER = replace(ROW, t1_ns=WALL_NS + QUARTER_NS, value=0.7, published_ns=WALL_NS + 1)


def site(folder: Path) -> Site:
    """Return the small site; its grid has a series, and 0.6 while that has no value."""
    return with_series(journalled_site(folder), "mix", fallback=0.6, other=0.8)


def quarters(gateway: Gateway) -> list[Row]:
    """Return the rows of the first quarter hour, as they were put out."""
    found = rows(gateway.books(), "ledger/15min")
    return [row for row in found if row["time"] == WALL_NS // 10**6]


def restated(gateway: Gateway) -> list[str]:
    return [e.text for e in gateway.events.recent if e.kind == "restated"]


def test_a_revised_factor_puts_rows_out_again(tmp_path: Path) -> None:
    with FactorStore(tmp_path) as store:
        store.add([ROW])
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(QUARTER_S)
        before = dict(gateway.pipeline.figures.today_kg)
        gateway.say(LATER)
        for _ in range(3):
            gateway.tick()
        after = dict(gateway.pipeline.figures.today_kg)
        (text,) = restated(gateway)
        gateway.stop()
        first, second = quarters(gateway)
    assert (first["revision"], second["revision"]) == (0, 1)
    # The grid's 15 kWh, and 1.5 of unknown origin out of the battery.
    kwh = (15.0, "source.grid"), (1.5, "unknown-start.battery")
    for energy, origin in kwh:
        cell = f"{origin}:emissions:physical"
        delta = float(second[cell] or 0) - float(first[cell] or 0)
        assert delta == pytest.approx(energy * 0.2, rel=1e-3)
    delta = after["physical"] - before["physical"]
    assert delta == pytest.approx(16.5 * 0.2, rel=1e-3)
    assert text.startswith(
        "2027-01-15T08:00:00Z to 2027-01-15T08:15:00Z: 1 quarter hours, "
    )
    assert f"physical {delta:+.3f} kg" in text
    assert text.endswith("factors of revision 2")
    same = [name for name in first if ":from:" in name or ":quantity" in name]
    assert same
    assert all(first[name] == second[name] for name in same)


def test_a_kill_before_the_commit_restates_all_the_same(tmp_path: Path) -> None:
    with FactorStore(tmp_path) as store:
        store.add([ROW])
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(QUARTER_S + 6)
        gateway.say(LATER)
        gateway.seconds(1)
        gateway.kill()
        gateway.start()
        assert restated(gateway) == []
        gateway.say()
        gateway.seconds(5)
        assert len(restated(gateway)) == 1
        gateway.stop()
        assert [row["revision"] for row in quarters(gateway)] == [0, 1]


def test_what_was_said_while_it_was_stopped_is_restated(tmp_path: Path) -> None:
    with FactorStore(tmp_path) as store:
        store.add([ROW])
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(QUARTER_S)
        gateway.stop()
        with FactorStore(tmp_path) as store:
            store.add([LATER])
        gateway.start()
        gateway.say()
        gateway.seconds(5)
        gateway.stop()
        assert [row["revision"] for row in quarters(gateway)] == [0, 1]


def test_an_imported_certificate_restates_the_market_view(tmp_path: Path) -> None:
    market = market_site(journalled_site(tmp_path), matching="15min")
    matcher = Matcher(market, tmp_path)
    with Gateway(tmp_path, market, matcher=matcher) as gateway:
        gateway.seconds(QUARTER_S)
        now_ns = WALL_NS + QUARTER_S * 10**9
        assert matcher.work(now_ns) == []
        CertificateStore(tmp_path).add(
            [
                Certificate(
                    id="GEC", kind="certificate", source="grid", start_ns=WALL_NS,
                    end_ns=WALL_NS + QUARTER_NS, quantity=6.0,
                )
            ],
            [],
        )  # fmt: skip
        matcher.work(now_ns)
        matcher.close()
        gateway.say()
        gateway.seconds(5)
        gateway.stop()
        first, second = quarters(gateway)
    cells = ("source.grid:emissions:market", "source.grid:emissions:location")
    market_kg, location_kg = (
        float(second[cell] or 0) - float(first[cell] or 0) for cell in cells
    )
    assert market_kg == pytest.approx(-6.0 * 0.9, rel=1e-4)
    assert location_kg == pytest.approx(0.0, abs=1e-5)


def test_loads_that_were_not_kept_are_told_after_a_start(tmp_path: Path) -> None:
    small = replace(site(tmp_path), matching="15min")
    first = Matcher(small, tmp_path)
    with Gateway(tmp_path, small, matcher=first) as gateway:
        gateway.seconds(QUARTER_S)
        gateway.stop()
        second = gateway.matcher = Matcher(small, tmp_path)
        gateway.start()
        second.work(WALL_NS)
        gateway.stop()
    loads = CertificateStore(tmp_path).loads(0)
    assert loads["grid"] == [(WALL_NS, pytest.approx(15.0, rel=0.01))]
