"""What a gateway tells of itself, as a receiver has it: numbers explain themselves."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.gateway import WALL_NS, Gateway, journalled_site, rows
from harness.journals import open_journal, unsent
from harness.received import received, records
from harness.sites import SECOND, market_site, small_site, with_series

from zerometer.agent.batch import decode
from zerometer.agent.factors.store import FactorStore
from zerometer.agent.receiver.store import Store
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import FactorRow
from zerometer.core.site import Combination, Factor, Site

WALL_MS = WALL_NS // 10**6
QUARTER_MS = QUARTER_NS // 10**6
#: Two quarter hours, and what it takes until the first is booked.
BOOKED_S = 1805
ROW = FactorRow(
    series="mix", t0_ns=WALL_NS, t1_ns=WALL_NS + QUARTER_NS, value=0.5,
    fetched_ns=WALL_NS, published_ns=WALL_NS, provider="grid-operator",
)  # fmt: skip
NEXT = replace(
    ROW, t0_ns=WALL_NS + QUARTER_NS, t1_ns=WALL_NS + 2 * QUARTER_NS, value=0.55
)
MARKET = Factor(value=0.9, unit="kg/kWh")
REVISED = replace(ROW, value=0.7, published_ns=WALL_NS + 1)


def site(folder: Path) -> Site:
    """Return the small site, its grid by a series in the physical view."""
    seldom = journalled_site(folder, commit_s=60, seal_s=120)
    return with_series(seldom, "mix", fallback=0.6, other=0.8)


def explained(
    store: Store, place: str, view: str, start_ms: int
) -> tuple[float, float]:
    """Return what a quarter's row says a place emitted, and what explains it."""
    cells = store.query(
        "SELECT place, quantity, value FROM ledger WHERE \"window\" = '15min'"
        f" AND place = '{place}' AND t_ms = {start_ms}"
    )
    row = {cell["quantity"]: float(cell["value"]) for cell in cells}
    factors: dict[str, float] = {}
    for told in records(store, "config/factors"):
        until = told["until"]
        holds = told["from"] <= start_ms and (until is None or start_ms < until)
        if holds and told["view"] == view:
            factors[told["origin"]] = told["value"]
    origins = {
        quantity.removeprefix("from:"): amount
        for quantity, amount in row.items()
        if quantity.startswith("from:")
    }
    assert sum(origins.values()) == pytest.approx(row["quantity"])
    kg = sum(amount * factors[origin] for origin, amount in origins.items() if amount)
    return row[f"emissions:{view}"], kg


def test_each_number_is_explained_by_what_comes_with_it(tmp_path: Path) -> None:
    with FactorStore(tmp_path) as store:
        store.add([ROW, NEXT])
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(BOOKED_S)
        gateway.stop()
        with received(gateway) as store:
            for view in ("physical", "location"):
                for start_ms in (WALL_MS, WALL_MS + QUARTER_MS):
                    said, kg = explained(store, "sink.line", view, start_ms)
                    assert said == pytest.approx(kg, rel=1e-5)
                    assert said > 1
            told = [
                (
                    row["value"],
                    row["factor"],
                    row["revision"],
                    row["from"],
                    row["until"],
                )
                for row in records(store, "config/factors")
                if (row["origin"], row["view"]) == ("source.grid", "physical")
            ]
    assert told == [
        (0.5, "mix", 1, WALL_MS, None),
        (0.55, "mix", 2, WALL_MS + QUARTER_MS, None),
        (0.6, "mix", 0, WALL_MS + 2 * QUARTER_MS, None),  # nothing is known of it
    ]


def test_a_restated_number_is_explained_too(tmp_path: Path) -> None:
    with FactorStore(tmp_path) as store:
        store.add([ROW, NEXT])
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(905)
        gateway.say(REVISED)
        gateway.seconds(900)
        gateway.stop()
        (restatement,) = rows(gateway.sealed("ledger"), "restatement")
        with received(gateway) as store:
            said, kg = explained(store, "sink.line", "physical", WALL_MS)
            assert said == pytest.approx(kg, rel=1e-5)
            later, kg = explained(store, "sink.line", "physical", WALL_MS + QUARTER_MS)
            assert later == pytest.approx(kg, rel=1e-5)
            assert records(store, "restatement") == [restatement]
    assert said / later == pytest.approx(0.7 / 0.55, rel=0.02)
    assert (restatement["from"], restatement["until"]) == (
        WALL_MS,
        WALL_MS + QUARTER_MS,
    )
    assert (restatement["quarters"], restatement["delta:location"]) == (1, 0.0)
    assert restatement["delta:physical"] == pytest.approx(16.5 * 0.2, rel=1e-3)
    assert (restatement["revision_before"], restatement["revision"]) == (1, 3)


def test_headers_name_the_revisions_in_use(tmp_path: Path) -> None:
    with FactorStore(tmp_path) as store:
        store.add([ROW, NEXT])
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(BOOKED_S)
        gateway.stop()
        minutes = gateway.sealed("minutes")
        assert {batch.header.factors for batch in gateway.sealed("readings")} == {()}
    named = [batch.header.factors for batch in minutes]
    assert named[0] == ("", "mix@1")
    assert ("", "mix@2") in named


def test_the_configuration_is_told_when_it_is_another_one(tmp_path: Path) -> None:
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        for revision in ("a", "a", "b"):
            gateway.site = replace(gateway.site, revision=revision)
            gateway.seconds(30)
            gateway.stop()
            gateway.start()
        gateway.stop()
        with received(gateway) as store:
            sites = records(store, "config/site")
            meters = records(store, "config/meters")
            edges = records(store, "config/graph")
            origins = records(store, "config/origins")
            points = records(store, "config/points")
    assert [row["revision"] for row in sites] == ["0", "a", "b"]
    assert (sites[0]["id"], sites[0]["timezone"]) == ("small", "Asia/Shanghai")
    last = sites[-1]["time"]
    names = [row["meter"] for row in meters if row["time"] == last]
    assert sorted(names) == sorted(meter.id for meter in gateway.site.meters)
    flows = {
        (row["place"], row["role"], row["pool"]): row["measure"]
        for row in edges
        if row["time"] == last
    }
    assert flows["source.grid", "source", "lv"] == "grid:active_energy_import"
    assert flows["process.compressors", "gives", "air"].startswith("compressor:")
    assert flows["sink.rest", "sink", "lv"] == ""
    assert ("storage.battery", "discharge", "lv") in flows
    gas = next(row for row in origins if row["origin"] == "fuel.boiler.natural_gas")
    assert (gas["scope"], gas["ghg"], gas["iso"]) == (1, "stationary-combustion", 1)
    power = next(row for row in points if row["point"] == "active_power")
    assert (power["unit"], power["resolution"], power["period"]) == ("W", 1.0, 1.0)


def test_factors_of_shipped_names_say_where_they_are_from(tmp_path: Path) -> None:
    factor = Factor(value=0.5306, unit="kg/kWh", id="cn-grid/2023/national")
    plain = journalled_site(tmp_path)
    grid = replace(plain.sources[0], factors={"physical": factor, "location": factor})
    shipped = replace(plain, sources=(grid, *plain.sources[1:]))
    with Gateway(tmp_path, shipped) as gateway:
        gateway.stop()
        with received(gateway) as store:
            told = records(store, "config/factors")
    (first, second) = [row for row in told if row["origin"] == "source.grid"]
    assert {first["view"], second["view"]} == {"physical", "location"}
    assert first["factor"] == "cn-grid/2023/national"
    assert (first["value"], first["status"]) == (0.5306, "constant")
    assert "announcement 2025 no. 47" in first["source"]
    # What nobody measured counts as the worst of what is bought.
    unknown = [row for row in told if row["origin"] == "unmeasured.lv"]
    assert {row["factor"] for row in unknown} == {"cn-grid/2023/national"}


def test_virtual_meters_say_what_they_are_made_of(tmp_path: Path) -> None:
    plain = small_site()
    grid, pv = plain.sources
    assert not isinstance(grid.measure, Combination)
    assert not isinstance(pv.measure, Combination)
    both = Combination(id="net", terms=((1, grid.measure), (-1, pv.measure)))
    combined = replace(
        journalled_site(tmp_path), sources=(replace(grid, measure=both), pv)
    )
    with Gateway(tmp_path, combined) as gateway:
        gateway.stop()
        edges = rows(gateway.sealed("state"), "config/graph")
    found = {row["place"]: row["measure"] for row in edges}
    assert found["source.grid"] == "+grid:active_energy_import -pv:active_energy_import"


def test_matched_certificates_are_a_factor_of_their_own(tmp_path: Path) -> None:
    matched = FactorRow(
        series="market/grid", t0_ns=WALL_NS, t1_ns=WALL_NS + 2 * QUARTER_NS, value=0.3,
        fetched_ns=WALL_NS, published_ns=WALL_NS, provider="certificates",
    )  # fmt: skip
    with FactorStore(tmp_path) as store:
        store.add([matched])
    market = market_site(journalled_site(tmp_path), "month")
    told = with_series(market, "mix", fallback=0.6, other=0.8)
    told = replace(
        told,
        views=("physical", "market"),
        sources=tuple(
            replace(s, factors={**s.factors, "market": MARKET})
            for s in told.sources
        ),
        processes=tuple(
            replace(
                p,
                fuels=tuple(
                    replace(
                        f,
                        factors={"physical": f.factors["location"],
                                 "market": f.factors["location"]},
                    )
                    for f in p.fuels
                ),
            )
            for p in told.processes
        ),
    )  # fmt: skip
    told = replace(
        told,
        sources=tuple(
            replace(s, factors={**s.factors, "physical": s.factors["market"]})
            if s.id != "grid"
            else s
            for s in told.sources
        ),
    )
    with Gateway(tmp_path, told) as gateway:
        gateway.seconds(60)
        gateway.stop()
        factors = rows(gateway.sealed("state"), "config/factors")
    (grid,) = [
        row for row in factors
        if (row["origin"], row["view"]) == ("source.grid", "market")
    ]  # fmt: skip
    assert (grid["value"], grid["factor"], grid["revision"]) == (0.3, "market/grid", 1)


def test_readings_that_were_dated_by_a_guess_are_dated_anew(tmp_path: Path) -> None:
    """From the receiver's rows alone, once the gateway has learnt the date."""
    with Gateway(tmp_path) as gateway:
        gateway.seconds(120)
        gateway.kill()
        gateway.unseen(3600)
        truth_ns = gateway.times.wall_ns
        gateway.times.reboot(20 * SECOND)
        gateway.start()
        gateway.seconds(600)
        gateway.times.wall_ns += truth_ns - 20 * SECOND
        gateway.times.synchronised = True
        gateway.seconds(60)
        gateway.stop()
        with received(gateway) as store:
            known = {
                row["boot"]: row["after"]
                for row in records(store, "clock")
                if row["synchronised"]
            }
            guessed = store.query(
                "SELECT boot, offset_ms, t0_ms, t1_ms FROM batch"
                " WHERE clock = 'unsynced' AND stream = 'readings'"
            )
            dated = []
            for batch in guessed:
                late_ms = known[batch["boot"]] - batch["offset_ms"]
                found = store.query(
                    "SELECT t_ms FROM reading WHERE meter = 'line'"
                    " AND point = 'active_power'"
                    f" AND t_ms BETWEEN {batch['t0_ms']} AND {batch['t1_ms']}"
                )
                dated += [row["t_ms"] + late_ms for row in found]
    assert len(dated) == 600
    assert sorted(dated) == [truth_ns // 10**6 + 1000 * n for n in range(600)]


def test_how_the_gateway_is_comes_every_five_minutes(tmp_path: Path) -> None:
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(601)
        gateway.stop()
        found = rows(gateway.sealed("state"), "health/gateway")
        meters = rows(gateway.sealed("state"), "health/meters")
    times = [row["time"] for row in found]
    assert times == [WALL_MS, WALL_MS + 300_000, WALL_MS + 600_000]
    assert found[2]["commits"] == pytest.approx(11, abs=1)
    assert isinstance(found[2]["journal"], int | float)
    assert found[2]["journal"] > 4096
    assert meters == []


def test_a_new_epoch_is_told_everything_anew(tmp_path: Path) -> None:
    """A card that was put into another machine: its receiver may know nothing."""
    with Gateway(tmp_path) as gateway:
        gateway.seconds(30)
        gateway.stop()
        for hardware in (b"one machine", b"another"):
            open_journal(tmp_path, hardware=hardware).close()
        gateway.start()
        gateway.seconds(30)
        gateway.stop()
        with closing(open_journal(tmp_path)) as journal:
            told = [b for b in unsent(journal) if b.stream == "state"]
    epochs = list(dict.fromkeys(batch.epoch for batch in told))
    assert len(epochs) == 2
    second = [decode(batch.data) for batch in told if batch.epoch == epochs[1]]
    assert [batch.header.seq for batch in second] == [*range(1, len(second) + 1)]
    assert len(rows(second, "config/site")) == 1
    assert len(rows(second, "config/meters")) == len(gateway.site.meters)
    (clock,) = rows(second, "clock")
    assert clock["cause"] == "epoch"
