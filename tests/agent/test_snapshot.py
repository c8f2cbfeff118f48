"""The picture of a running agent: for the page, for ``zerometer status``."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import pytest
from harness.gateway import Gateway, journalled_site, rows, windows
from harness.pictures import snapshot_of
from harness.sites import POWER, SECOND, meter, reading, small_site
from hypothesis import given, settings
from hypothesis import strategies as st

from zerometer.agent.events import KEPT, EventLog
from zerometer.agent.graph_picture import GraphPicture
from zerometer.agent.latest import Latest
from zerometer.agent.page.stream import encode

CONTRACT = Path(__file__).with_name("page_snapshot.json")

Json = dict[str, Any]


def by_id(snapshot: Json, section: str) -> dict[str, Json]:
    """Return the entries of a section by their id."""
    return {entry["id"]: entry for entry in snapshot[section]}


def check_shape(contract: object, found: object, where: str) -> None:
    """Everything that the page's contract has is there, in the same form."""
    if isinstance(contract, dict) and set(contract) != {"physical", "location"}:
        assert isinstance(found, dict), where
        if where.endswith(("errors", "emission_kg_per_h")):
            return
        assert set(contract) <= set(found), where
        for name, value in contract.items():
            check_shape(value, found[name], f"{where}.{name}")
    elif isinstance(contract, list):
        assert isinstance(found, list), where
        for entry in found if contract else []:
            check_shape(contract[0], entry, f"{where}[]")
    elif found is not None and contract is not None:
        numbers = (int, float)
        kind = numbers if isinstance(contract, numbers) else type(contract)
        assert isinstance(found, kind), where


def test_the_page_finds_everything_where_it_looks(gateway: Gateway) -> None:
    gateway.seconds(130)
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    found = snapshot_of(gateway)
    storage = by_id(contract, "places").pop("storage.battery")
    contract["places"] = [contract["places"][0]]
    check_shape(contract, found, "")
    check_shape(storage, by_id(found, "places")["storage.battery"], "storage")
    assert found["time_ms"] == gateway.times.wall_ns // 1_000_000
    assert [window["length_s"] for window in found["windows"]] == [60, 60]
    # 60 kW of grid and 6 kW of an unknown battery at 0.6, gas at 2 kg/Nm3.
    minute = (66 * 0.6 + 36 * 2.0) / 60
    emissions = found["windows"][-1]["emissions_kg"]
    assert emissions == pytest.approx({"physical": minute, "location": minute})


def test_before_anything_was_read_nothing_is_known(gateway: Gateway) -> None:
    found = snapshot_of(gateway)
    assert {m["quality"] for m in found["meters"]} == {"missing"}
    assert {m["age_s"] for m in found["meters"]} == {None}
    assert {p["factor"]["physical"] for p in found["pools"]} == {None}
    assert {p["inflow"] for p in found["pools"]} <= {None, 0.0}
    assert found["journal"]["last_commit_age_s"] is None
    assert found["uplinks"][0]["last_ack_age_s"] is None
    assert by_id(found, "places")["storage.battery"]["factor"]["physical"] is None


def test_a_site_of_meters_alone_has_a_picture_too(tmp_path: Path) -> None:
    site = replace(
        journalled_site(tmp_path),
        pools=(), sources=(), processes=(), storages=(), sinks=(),
    )  # fmt: skip
    with Gateway(tmp_path, site) as gateway:
        gateway.seconds(70)
        found = snapshot_of(gateway)
        assert found["pools"] == found["places"] == found["links"] == []
        assert found["windows"][0]["emissions_kg"] == {"physical": 0, "location": 0}
        gateway.stop()
        (minute, _) = windows(gateway.books()).values()
        assert minute["covered"] == 60
        assert len(rows(gateway.sealed("readings"), "readings/gas/energy")) == 14


def test_a_meter_that_nobody_reads_is_not_shown(tmp_path: Path) -> None:
    site = journalled_site(tmp_path)
    unread = replace(meter("by-hand", 9), bus="", unit=0)
    with Gateway(tmp_path, replace(site, meters=(*site.meters, unread))) as gateway:
        shown = [entry["id"] for entry in snapshot_of(gateway)["meters"]]
    assert shown == [meter.id for meter in site.meters]


def test_a_meter_that_fell_silent_leaves_unknowns(gateway: Gateway) -> None:
    gateway.seconds(10)
    gateway.world.dead |= {"line", "grid"}
    gateway.deliver([reading(gateway.site, "line", gateway.times.boot_ns,
                             active_power=nan)])  # fmt: skip
    gateway.seconds(5)
    found = snapshot_of(gateway)
    line = by_id(found, "meters")["line"]
    assert line["quality"] == "missing"
    assert line["age_s"] == 6.0
    assert [shown["point"] for shown in line["values"]] == [
        "active_energy_import", "active_energy_export"
    ]  # fmt: skip
    places = by_id(found, "places")
    assert places["sink.line"]["rate"] is None
    assert places["source.grid"]["rate"] is None
    assert places["source.pv"]["rate"] == pytest.approx(30.0)


def test_ratios_of_transformers_are_not_shown_as_values() -> None:
    ratio = replace(POWER, name="ct", group="ratio", address=1)
    site = replace(small_site(), meters=(meter("line", 5, POWER, ratio),))
    latest = Latest(site.meters)
    latest.read(reading(site, "line", 7, active_power=5.0, ct=120.0))
    assert latest.meters["line"].shown() == [
        {"point": "active_power", "value": 5.0, "unit": "W"}
    ]


def test_events_come_newest_first_and_not_all(gateway: Gateway) -> None:
    for number in range(KEPT + 5):
        gateway.events.add(number, "up", "line", "answers again")
    events = snapshot_of(gateway)["events"]
    assert [event["time_ms"] for event in events] == list(range(KEPT + 4, 4, -1))


def test_an_uplink_that_the_journal_does_not_know_has_no_backlog(
    gateway: Gateway,
) -> None:
    gateway.seconds(70)
    assert snapshot_of(gateway, uplink="up")["uplinks"][0]["backlog"] == 4
    assert snapshot_of(gateway, uplink="new")["uplinks"][0]["backlog"] == 0


power = st.floats(-90_000.0, 90_000.0)


@settings(max_examples=40)
@given(
    powers=st.fixed_dictionaries(
        dict.fromkeys(("grid", "pv", "battery", "compressor", "line"), power)
    ),
    gas=st.floats(0.0, 100.0),
    dead=st.sets(st.sampled_from(["grid", "pv", "battery", "line", "gas"]), max_size=2),
)
def test_what_links_bring_into_a_pool_they_take_out_of_it(
    powers: dict[str, float], gas: float, dead: set[str], once: Callable[[], Gateway]
) -> None:
    gateway = once()
    world = gateway.world
    world.powers_w |= powers
    world.gas_nm3_h = gas
    world.dead = dead
    gateway.times.pass_ns(60 * SECOND)  # what was seen before is stale
    gateway.seconds(6)
    picture = GraphPicture(gateway.pipeline.accounting, gateway.times.wall_ns)
    pools, links = picture.pools(), picture.links()
    encode({"pools": pools, "places": picture.places(), "links": links})
    into: dict[str, float] = defaultdict(float)
    out_of: dict[str, float] = defaultdict(float)
    for link in links:
        into[link["to"]] += link["rate"] or 0.0
        out_of[link["from"]] += link["rate"] or 0.0
    for pool in pools:
        name = f"pool.{pool['id']}"
        assert into[name] == pytest.approx(out_of[name], abs=1e-6), name
    ends = {f"pool.{pool['id']}" for pool in pools}
    ends |= {place["id"] for place in picture.places()}
    assert {end for link in links for end in (link["from"], link["to"])} <= ends


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Gateway]]:
    """Return what gives one gateway to all examples."""
    folder = tmp_path_factory.mktemp("journal")
    with Gateway(folder, journalled_site(folder)) as gateway:
        yield lambda: gateway


def test_what_a_storage_held_before_comes_out_of_it(gateway: Gateway) -> None:
    gateway.seconds(10)
    found = snapshot_of(gateway)
    links = {(link["from"], link["to"]): link["rate"] for link in found["links"]}
    assert links["storage.battery", "pool.lv"] == pytest.approx(6.0)
    assert links["unknown-start.battery", "storage.battery"] == pytest.approx(6.0)
    assert ("unknown-start.battery", "pool.lv") not in links


def test_an_event_log_can_be_read_while_it_is_written(gateway: Gateway) -> None:
    log = EventLog()
    log.add(1, "down", "line", "does not answer")
    recent = log.recent
    log.add(2, "up", "line", "answers again")
    assert [event.kind for event in recent] == ["down"]
    assert [event.kind for event in log.take()] == ["down", "up"]
    assert log.take() == []
    assert [event.kind for event in log.recent] == ["down", "up"]
