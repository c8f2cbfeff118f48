"""Time in which nobody looked: outages, stalls, machines that sleep."""

from dataclasses import replace

import pytest
from harness.gateway import LINE, Gateway, kinds, kwh, total, windows

from zerometer.core.alignment import MINUTE_NS

DAY_NS = 24 * 60 * MINUTE_NS


def test_a_long_outage_is_booked_minute_by_minute(gateway: Gateway) -> None:
    """More windows than a batch holds come at once."""
    gateway.site = replace(
        gateway.site, journal=replace(gateway.site.journal, seal_samples=20_000)
    )
    gateway.seconds(70)
    gateway.kill()
    outage_s = 6 * 3600
    gateway.unseen(outage_s)
    gateway.start()
    gateway.seconds(70)
    gateway.stop()
    ledger = gateway.books()
    assert len(ledger) > 2
    assert len(windows(ledger)) == 363
    assert total(ledger, LINE) == pytest.approx(kwh(outage_s + 140), rel=1e-3)
    shares = {row["measured_share"] for row in windows(ledger).values()}
    assert {0.0, 1.0} < shares


def test_an_outage_of_a_month_is_booked_in_its_last_week(gateway: Gateway) -> None:
    gateway.seconds(70)
    gateway.kill()
    gateway.times.pass_ns(31 * DAY_NS)
    gateway.world.imports["line"] += 1000.0
    gateway.start()
    gateway.seconds(70)
    gateway.stop()
    ledger = gateway.books()
    assert len(windows(ledger)) == 7 * 24 * 60 + 4
    assert total(ledger, LINE) == pytest.approx(1000 + kwh(140), rel=1e-3)


def test_a_stalled_loop_books_what_the_buses_read_meanwhile(gateway: Gateway) -> None:
    gateway.seconds(70)
    gateway.stalled(300)
    gateway.seconds(70)
    gateway.stop()
    minutes = windows(gateway.books())
    assert min(row["measured_share"] for row in minutes.values()) > 0.98
    whole = [r[LINE] for r in minutes.values() if r["covered"] == 60.0]
    assert whole == pytest.approx([kwh(60)] * len(whole), rel=0.02)
    assert kinds(gateway) == []


def test_a_machine_that_slept_was_not_seen(gateway: Gateway) -> None:
    gateway.seconds(70)
    gateway.unseen(1200)
    gateway.seconds(70)
    gateway.stop()
    ledger = gateway.books()
    shares = [row["measured_share"] for row in windows(ledger).values()]
    assert shares.count(0.0) >= 18
    assert total(ledger, LINE) == pytest.approx(kwh(1340), rel=0.01)
    assert kinds(gateway) == []
