"""Factors, demand and what figures rest on, as the page has them."""

from pathlib import Path
from typing import Any

import pytest
from harness.gateway import WALL_NS, Gateway, Times, journalled_site
from harness.pictures import snapshot_of
from harness.sites import SECOND, with_series

from zerometer.core.factor import FactorRow
from zerometer.core.site import Site

HOUR = 3600 * SECOND


def site(folder: Path) -> Site:
    return with_series(journalled_site(folder), "cn-east", fallback=0.55, other=0.6)


def factor(found: dict[str, Any], origin: str, view: str) -> dict[str, Any]:
    (entry,) = [entry for entry in found["factors"] if entry["id"] == origin]
    told: dict[str, Any] = entry["by_view"][view]
    return told


def test_a_factor_says_where_it_is_from(tmp_path: Path) -> None:
    row = FactorRow(
        series="cn-east", t0_ns=WALL_NS, t1_ns=WALL_NS + HOUR, value=0.4,
        status="preliminary",
    )  # fmt: skip
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(61)
        before = snapshot_of(gateway)
        gateway.pipeline.factors.load([row])
        after = snapshot_of(gateway)
    bought = {"scope": 2, "ghg": "purchased-electricity", "iso": 2}
    burned = {"scope": 1, "ghg": "stationary-combustion", "iso": 1}
    told = {"kg": 0.55, "from": "cn-east", "status": "fallback", "category": bought}
    assert factor(before, "source.grid", "physical") == told
    told = {"kg": 0.4, "from": "cn-east", "status": "preliminary", "category": bought}
    assert factor(after, "source.grid", "physical") == told
    constant = {"kg": 0.6, "from": None, "status": "constant", "category": bought}
    assert factor(after, "source.grid", "location") == constant
    fuel = {"kg": 2.0, "from": None, "status": "constant", "category": burned}
    assert factor(after, "fuel.boiler.natural_gas", "physical") == fuel
    # What is at no time a factor of its own is not listed.
    assert {e["id"].split(".")[0] for e in after["factors"]} == {"source", "fuel"}


def test_demand_is_that_of_bought_electricity(gateway: Gateway) -> None:
    """60 kW for the last quarter hour, then 90 kW for a third of the next."""
    gateway.seconds(905)
    found = {entry["source"]: entry for entry in snapshot_of(gateway)["demand"]}
    assert found["grid"]["last_kw"] == pytest.approx(60, rel=1e-3)
    assert found["grid"]["peak_kw"] == pytest.approx(60, rel=1e-3)
    gateway.world.powers_w["grid"] = 90_000.0
    gateway.seconds(300)
    later = {entry["source"]: entry for entry in snapshot_of(gateway)["demand"]}
    assert later["grid"]["predicted_kw"] == pytest.approx(90, rel=2e-2)
    assert later["grid"]["ends_ms"] == (WALL_NS + 1800 * SECOND) // 1_000_000


def test_a_quarter_may_be_whole_before_a_block_is(tmp_path: Path) -> None:
    """From 08:05 to 08:20: the last 15 minutes are known, no block has been whole."""
    times = Times(wall_ns=WALL_NS + 300 * SECOND)
    with Gateway(tmp_path, times=times) as gateway:
        gateway.seconds(910)
        found = {entry["source"]: entry for entry in snapshot_of(gateway)["demand"]}
    assert found["grid"]["last_kw"] == pytest.approx(60, rel=1e-3)
    assert found["grid"]["peak_kw"] is None


def test_an_unseen_source_has_no_prediction(gateway: Gateway) -> None:
    gateway.seconds(10)
    gateway.world.dead.add("grid")
    gateway.seconds(10)
    found = {entry["source"]: entry for entry in snapshot_of(gateway)["demand"]}
    assert found["grid"]["predicted_kw"] is None
    # Nothing is booked yet: the present counts for all of the quarter.
    assert found["pv"]["predicted_kw"] == pytest.approx(30, rel=1e-6)


def test_a_silent_meter_lowers_the_measured_share(gateway: Gateway) -> None:
    gateway.seconds(70)
    gateway.world.dead.add("grid")
    gateway.seconds(180)
    share = snapshot_of(gateway)["accounting"]["measured_share"]
    assert 0 < share < 0.9


def test_what_no_meter_saw_is_told(gateway: Gateway) -> None:
    assert snapshot_of(gateway)["accounting"]["measured_share"] is None
    gateway.world.powers_w["line"] = 300_000.0
    gateway.seconds(130)
    basis = snapshot_of(gateway)["accounting"]
    assert basis["measured_share"] == 1.0
    assert {"kind": "unmeasured", "subject": "lv"} in basis["flags"]
    assert {"kind": "unknown-start", "subject": "battery"} in basis["flags"]
    assert basis["booked_to_ms"] % 60_000 == 0
    missing = basis["uncertainty"]["physical"]["missing"]
    assert {"meter grid", "factor source.grid"} <= set(missing)
    assert basis["uncertainty"]["physical"]["percent"] is None
