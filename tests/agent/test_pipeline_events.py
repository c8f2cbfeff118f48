"""What the pipeline tells people."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.full_disk import files_end_at
from harness.gateway import LINE, Gateway, journalled_site, kinds, kwh, rows, total


def test_a_power_that_disagrees_with_its_counter(gateway: Gateway) -> None:
    gateway.world.dead.add("line")
    gateway.seconds(30)
    gateway.world.dead.clear()
    gateway.world.powers_w["line"] = 20_000_000.0
    drawn = gateway.world.imports["line"]
    for _ in range(130):
        gateway.seconds(1)
        drawn += 5 * kwh(1)
        gateway.world.imports["line"] = drawn
    (event,) = gateway.events.recent
    assert (event.kind, event.subject) == ("disagreement", "line")
    assert "active_energy_import gained 0.01" in event.text


def test_a_counter_that_moves_without_a_power(gateway: Gateway) -> None:
    gateway.world.powers_w["line"] = 0.0
    for _ in range(130):
        gateway.seconds(1)
        gateway.world.imports["line"] += kwh(1)
    (event,) = gateway.events.recent
    assert event.text == (
        "active_energy_import gained while active_power promised nothing: "
        "check ratios and units"
    )


def test_a_counter_that_jumps_is_told_once(gateway: Gateway) -> None:
    gateway.seconds(10)
    gateway.world.imports["line"] += 1e7
    gateway.seconds(10)
    assert [(e.kind, e.subject) for e in gateway.events.recent] == [
        ("counter-held", "line")
    ]


def test_a_circle_without_an_exit(tmp_path: Path) -> None:
    site = journalled_site(tmp_path)
    lv_to_air, boiler = site.processes
    back = replace(lv_to_air, id="turbine", takes={"air": lv_to_air.gives["air"]},
                   gives={"lv": lv_to_air.takes["lv"]})  # fmt: skip
    site = replace(site, processes=(lv_to_air, back, boiler))
    with Gateway(tmp_path, site) as gateway:
        for name in ("grid", "pv", "battery", "line"):
            gateway.world.powers_w[name] = 0.0
        gateway.seconds(130)
        (event,) = gateway.events.recent
        assert (event.kind, event.subject) == ("circular", "small")


def test_what_happens_at_the_end_is_forwarded_too(gateway: Gateway) -> None:
    """Closing the books can bring an event that has no tick to wait for."""
    gateway.world.dead.add("line")
    gateway.seconds(30)
    gateway.world.dead.clear()
    gateway.world.powers_w["line"] = 20_000_000.0
    drawn = gateway.world.imports["line"]
    for _ in range(70):
        gateway.seconds(1)
        drawn += 5 * kwh(1)
        gateway.world.imports["line"] = drawn
    assert kinds(gateway) == []
    gateway.stop()
    assert [e["kind"] for e in rows(gateway.books(), "events")] == ["disagreement"]


def test_a_journal_that_cannot_be_written(gateway: Gateway) -> None:
    gateway.seconds(20)
    with files_end_at(4096):
        gateway.seconds(20)
    gateway.seconds(100)
    assert gateway.journal.info().last_error == ""
    gateway.stop()
    events = rows(gateway.books(), "events")
    assert [(e["kind"], e["subject"]) for e in events] == [("journal", "journal")]
    powers = rows(gateway.sealed("readings"), "readings/line/power")
    assert len(powers) == len({row["time"] for row in powers}) == 140
    assert total(gateway.books(), LINE) == pytest.approx(kwh(140), rel=0.01)


def test_a_graph_that_has_changed_over_a_restart(gateway: Gateway) -> None:
    gateway.seconds(70)
    gateway.kill()
    pv = replace(gateway.site.sources[1], id="roof")
    gateway.site = replace(
        gateway.site, sources=(gateway.site.sources[0], pv), revision="1"
    )
    gateway.start()
    gateway.seconds(60)
    gateway.stop()
    assert kinds(gateway) == ["graph-changed"]
    ledger = gateway.books()
    quarters = rows(ledger, "ledger/15min")
    assert "source.pv:quantity" in quarters[0]
    assert "source.roof:quantity" in quarters[-1]
    # The quarter went on: its last revision holds both graphs' energy.
    assert [row["revision"] for row in quarters] == [0.0, 1.0]
    assert quarters[-1][LINE] == pytest.approx(kwh(130), rel=0.02)
