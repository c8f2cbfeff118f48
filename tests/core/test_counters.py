"""Which counter is which: steps, ratios, and what a restart keeps."""

from array import array
from dataclasses import replace
from math import isnan, nan

import pytest
from harness.sites import EXPORT, IMPORT, VOLUME, meter, small_site

from zerometer.core.counters import Counters
from zerometer.core.errors import JournalError
from zerometer.core.points import Point
from zerometer.core.site import Meter, Site

CT = Point(name="ct", function=3, address=1, type="u16", group="ratio")
PT = replace(CT, name="pt", address=2)
COUNTER = replace(
    IMPORT, type="u32", scale=0.01, resolution=None, times=("ct", "pt"), modulus=1e6
)


def site_of(*meters: Meter) -> Site:
    """Return a site of these meters."""
    return replace(small_site(), meters=meters)


def told(counters: Counters, site: Site, **values: float) -> None:
    """Let the meter "line" tell something."""
    for name, value in values.items():
        if counters.is_ratio("line", name):
            counters.follow_ratio("line", name, 0, value)


def test_steps_follow_the_ratios_that_the_meter_tells() -> None:
    site = site_of(meter("line", 1, COUNTER, CT, PT, EXPORT))
    counters = Counters(site.meters)
    slot = counters.slot("line", "active_energy_import")
    assert counters.bank.step(slot) == pytest.approx(0.01)
    told(counters, site, ct=120.0, active_energy_export=7.0)
    assert counters.bank.step(slot) == pytest.approx(1.2)
    told(counters, site, ct=nan, pt=10.0)
    assert counters.bank.step(slot) == pytest.approx(12.0)
    told(counters, site, ct=120.0)
    assert counters.bank.step(slot) == pytest.approx(12.0)
    export = counters.slot("line", "active_energy_export")
    assert counters.bank.step(export) == pytest.approx(0.001)


def test_counters_are_known_by_their_names() -> None:
    counters = Counters(small_site().meters)
    slot = counters.slot("gas", "volume")
    assert counters.name(slot) == ("gas", "volume")
    assert isnan(counters.index("gas", "volume"))
    with pytest.raises(KeyError):
        counters.slot("gas", "active_energy_import")


def fed(counters: Counters, value: float) -> Counters:
    """Give every counter a value."""
    for slot in counters.of.values():
        list(counters.take(slot, array("q", [10]), array("d", [value]), bytes(1)))
    return counters


def test_a_restart_finds_counters_by_name_and_lets_new_ones_begin() -> None:
    before = fed(Counters([meter("gone", 1), meter("line", 2)]), 42.0)
    after = Counters([meter("new", 3, VOLUME), meter("line", 2)])
    after.restore(before.state())
    assert after.index("line", "active_energy_import") == 42.0
    assert isnan(after.index("new", "volume"))


def test_a_site_without_counters_has_a_state_too() -> None:
    empty = Counters([])
    empty.restore(empty.state())
    assert empty.state()["records"] == []


def test_a_state_without_rates_of_gains_is_taken_up() -> None:
    """As written by version 2, whose records end before them."""
    state = fed(Counters([meter("line", 2), meter("gas", 3, VOLUME)]), 42.0).state()
    state["header"] = state["header"][:4] + b"\2" + state["header"][5:]
    for record in state["records"]:
        record[2] = record[2][:66]
    after = Counters([meter("gas", 3, VOLUME), meter("line", 2)])
    after.restore(state)
    assert after.index("line", "active_energy_import") == 42.0
    assert after.index("gas", "volume") == 42.0


def test_a_state_of_another_version_is_refused_by_name() -> None:
    counters = Counters(small_site().meters)
    state = counters.state()
    state["header"] = b"\xff" * len(state["header"])
    with pytest.raises(JournalError, match="written by another version"):
        counters.restore(state)
