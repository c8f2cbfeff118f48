"""What is no plain flow in the picture: losses, what outputs take over, standby."""

from dataclasses import replace
from datetime import UTC

import pytest
from harness.sites import SECOND, both, drawn, meter, reading, small_site

from zerometer.agent.graph_picture import GraphPicture
from zerometer.core.accounting import Accounting
from zerometer.core.site import Allocation, Pool, Process, Sink, Site, Source, Storage

NOW = 1_800_000_000 * SECOND


def chp_site() -> Site:
    """Return a grid behind a feeder that loses, and a process with a bonus."""
    names = ("grid", "start", "end", "fuel", "power", "heat", "battery")
    by_energy = Allocation(method="energy", weights={"lv": 1.0, "hot": 1.0})
    bonus = Allocation(
        method="power_bonus", weights={"hot": 1.0}, bonus={"lv": 0.5}
    )  # fmt: skip
    return replace(
        small_site(),
        meters=tuple(meter(name, i + 1) for i, name in enumerate(names)),
        pools=tuple(
            Pool(id=name, carrier="electricity", unit="kWh")
            for name in ("mv", "lv", "gas", "hot")
        ),
        sources=(
            Source(id="grid", pool="mv", measure=drawn("grid"), factors=both(0.6)),
            Source(id="fuel", pool="gas", measure=drawn("fuel"), factors=both(0.2)),
        ),
        processes=(
            Process(
                id="feeder", kind="feeder", losses="sink",
                takes={"mv": drawn("start")}, gives={"lv": drawn("end")},
            ),
            Process(
                id="chp", kind="chp", takes={"gas": drawn("fuel")},
                gives={"lv": drawn("power"), "hot": drawn("heat")},
                allocation={"physical": bonus, "location": by_energy},
            ),
        ),
        storages=(
            Storage(id="battery", pool="lv", charge=drawn("battery"),
                    discharge=replace(drawn("battery"), sign=-1,
                                      counter="active_energy_export"),
                    standby="sink"),
        ),
        sinks=(Sink(id="rest", pool="lv", measure=None, kind="remainder"),),
    )  # fmt: skip


def picture(powers_kw: dict[str, float]) -> GraphPicture:
    site = chp_site()
    accounting = Accounting(site, UTC)
    accounting.advance(NOW)
    for name, kw in powers_kw.items():
        accounting.read(reading(site, name, NOW, active_power=1000 * kw), NOW)
    return GraphPicture(accounting, NOW)


def test_losses_leave_by_the_process_that_loses() -> None:
    powers = {"grid": 100.0, "start": 100.0, "end": 96.0, "fuel": 50.0, "power": 20.0,
              "heat": 25.0, "battery": 10.0}  # fmt: skip
    drawn_ = picture(powers)
    places = {place["id"]: place for place in drawn_.places()}
    assert places["loss.feeder"]["kind"] == "loss"
    assert places["loss.feeder"]["rate"] == pytest.approx(4.0)
    assert places["loss.feeder"]["rate_unit"] == "kW"
    links = {(link["from"], link["to"]): link for link in drawn_.links()}
    lost = links["process.feeder", "loss.feeder"]
    assert lost["rate"] == pytest.approx(4.0)
    assert lost["emission_kg_per_h"]["physical"] == pytest.approx(2.4)


def test_what_is_no_flow_is_not_drawn() -> None:
    drawn_ = picture({"grid": 100.0, "start": 100.0, "end": 96.0, "fuel": 50.0,
                      "power": 20.0, "heat": 25.0, "battery": 10.0})  # fmt: skip
    names = {place["id"] for place in drawn_.places()}
    assert not [name for name in names if name.startswith("bonus.")]
    assert "loss.battery" not in names
    ends = {end for link in drawn_.links() for end in (link["from"], link["to"])}
    assert ends <= names | {f"pool.{pool['id']}" for pool in drawn_.pools()}


def test_power_of_fuel_that_nobody_sees_is_not_free_of_carbon() -> None:
    seen = {"grid": 100.0, "start": 100.0, "end": 90.0, "power": 30.0, "heat": 50.0}
    told = picture(seen)
    factors = {pool["id"]: pool["factor"]["location"] for pool in told.pools()}
    assert factors == {"mv": 0.6, "lv": None, "gas": None, "hot": None}
    (rest,) = [place for place in told.places() if place["id"] == "sink.rest"]
    assert rest["rate"] == pytest.approx(120.0)
    assert rest["emission_kg_per_h"]["location"] is None
    with_fuel = picture({**seen, "fuel": 100.0})
    assert all(pool["factor"]["location"] is not None for pool in with_fuel.pools())
