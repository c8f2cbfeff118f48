"""Worked numbers through the whole attribution: storages, plants, revisions, ticks."""

from array import array
from collections.abc import Mapping
from dataclasses import replace

import pytest

from zerometer.core import allocation
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.attribution import Attribution
from zerometer.core.errors import UsageError
from zerometer.core.fold import Fold
from zerometer.core.holdings import Holdings
from zerometer.core.ledger import Ledger
from zerometer.core.network import ConstantFactors, Network
from zerometer.core.site import (
    ALL_VIEWS,
    Factor,
    Fuel,
    Measure,
    Pool,
    Process,
    Sink,
    Site,
    Source,
    Storage,
    View,
)
from zerometer.core.totals import FactorSet, Totals

LV = Pool(id="lv", carrier="electricity", unit="kWh")
HEAT = Pool(id="heat", carrier="heat", unit="GJ")


def measure(name: str) -> Measure:
    return Measure(meter=name, counter="c")


def grid(factor: float, *views: View) -> Source:
    given = Factor(value=factor, unit="kg/kWh")
    factors = dict.fromkeys(views or ALL_VIEWS, given)
    return Source(id="grid", pool="lv", measure=measure("grid"), factors=factors)


def site(**parts: object) -> Site:
    empty = Site(id="s", name="", timezone="UTC", revision="", pools=(LV,))
    return replace(empty, **parts)  # type: ignore[arg-type]


class Books:
    """Books of a site, a quarter hour of one step at a time."""

    def __init__(self, described: Site) -> None:
        self.network = Network(described)
        self.attribution = Attribution(self.network)
        self.constant = self.network.constants
        self.quarter = 0

    def factors(self, **of: float) -> FactorSet:
        """Return the site's factors, with others for some origins, in all views."""
        rows = {view: row[:] for view, row in self.constant.items()}
        for k, origin in enumerate(self.network.origins):
            for row in rows.values():
                row[k] = of.get(origin.name.partition(".")[2], row[k])
        return FactorSet(rows, self.quarter)

    def book(
        self, flows: Mapping[str, float], factors: FactorSet | None = None
    ) -> Totals:
        """Book a quarter hour."""
        energies = array("d", (flows.get(n, 0.0) for n in self.network.flow_names))
        assert set(flows) <= set(self.network.flow_names)
        start = self.quarter * QUARTER_NS
        self.quarter += 1
        return self.attribution.book(
            energies,
            array("q", [QUARTER_NS]),
            start,
            start + QUARTER_NS,
            factors or self.factors(),
        )

    def received_kg(self, totals: Totals, place: str, view: View = "physical") -> float:
        names = [place.name for place in self.network.places]
        return totals.received_kg[view][names.index(place)]


def battery(**settings: object) -> Storage:
    plain = Storage(
        id="battery", pool="lv", charge=measure("in"), discharge=measure("out")
    )
    return replace(plain, **settings)  # type: ignore[arg-type]


CHARGE, DISCHARGE = "storage.battery:charge", "storage.battery:discharge"


def with_battery(**settings: object) -> Books:
    return Books(site(sources=(grid(0.6),), storages=(battery(**settings),)))


def test_a_battery_mixes_what_it_is_given_over_the_hours() -> None:
    books = with_battery()
    discharged = []
    for charge, factor, discharge in (
        (10, 0.0, 0), (10, 0.6, 0), (0, 9.9, 8), (4, 0.5, 0), (0, 9.9, 16),
    ):  # fmt: skip
        flows = {"source.grid": charge, CHARGE: charge, DISCHARGE: discharge}
        totals = books.book(flows, books.factors(grid=factor))
        if discharge:
            discharged.append(books.received_kg(totals, "remainder.lv"))
            kg = books.received_kg(totals, "storage.battery")
            assert kg == pytest.approx(-discharged[-1])
    assert discharged == pytest.approx([2.4, 5.6], abs=1e-12)
    held = books.attribution.held(0)
    assert (held.energy, held.emissions_kg["physical"]) == (0.0, 0.0)


def test_losses_of_a_battery_stay_in_what_it_gives_back() -> None:
    books = with_battery(charge_efficiency=0.95, discharge_efficiency=0.95)
    books.book({"source.grid": 10, CHARGE: 10}, books.factors(grid=0.0))
    books.book({"source.grid": 10, CHARGE: 10}, books.factors(grid=0.6))
    totals = books.book({DISCHARGE: 9.025})
    factor = totals.pool_kg["physical"][0] / totals.throughput[0]
    assert factor == pytest.approx(0.33241, abs=1e-5)
    assert books.received_kg(totals, "remainder.lv") == pytest.approx(3.0)
    held = books.attribution.held(0)
    assert held.energy / 0.95 == pytest.approx(9.5)
    assert held.emissions_kg["physical"] == pytest.approx(3.0)


def test_what_a_battery_had_before_is_unknown_until_it_is_displaced() -> None:
    books = with_battery()
    totals = books.book({DISCHARGE: 5})
    assert totals.flags == {"unknown-start:battery"}
    assert books.received_kg(totals, "remainder.lv") == pytest.approx(5 * 0.6)
    # Known to be full for the first time: it held that before we looked.
    books.attribution.anchor(0, 20.0)
    totals = books.book({})
    assert totals.flags == {"unknown-start:battery"}
    assert list(totals.true_up) == [20.0]
    assert totals.held[0].emissions_kg["physical"] == pytest.approx(20 * 0.6)
    assert books.book({DISCHARGE: 20}).flags == {"unknown-start:battery"}
    assert books.book({"source.grid": 5, CHARGE: 5}).flags == set()


def test_an_unknown_start_that_is_mixed_away_counts_as_displaced() -> None:
    books = with_battery()
    books.attribution.anchor(0, 10.0)
    told = [bool(books.book({}).flags)]
    for _ in range(5):
        books.book({"source.grid": 40, CHARGE: 40})
        told.append(bool(books.book({DISCHARGE: 40}).flags))
    # A fifth is left of it each time: 2 kWh, 0.4, 0.08, 0.016, and 0.0032 of 10.
    assert told == [True, True, True, True, True, False]


@pytest.mark.parametrize(("standby", "kept"), [("carry", 12.0), ("sink", 9.0)])
def test_what_a_battery_lost_over_time_is_found_when_it_is_empty_or_full(
    standby: str, kept: float
) -> None:
    books = with_battery(standby=standby)
    books.attribution.anchor(0, 0.0)
    books.book({"source.grid": 20, CHARGE: 20})
    books.attribution.anchor(0, 15.0)
    totals = books.book({}, books.factors(grid=9.9))
    assert list(totals.true_up) == [-5.0]
    held = totals.held[0]
    assert held.energy == 15.0
    assert held.emissions_kg["physical"] == pytest.approx(kept)
    if standby == "sink":
        names = [place.name for place in books.network.places]
        assert totals.quantity[names.index("loss.battery")] == 5.0
        assert books.received_kg(totals, "loss.battery") == pytest.approx(3.0)
        assert books.received_kg(totals, "storage.battery") == pytest.approx(-3.0)
    # Once it is known, having more than its flows say dilutes what it holds.
    books.attribution.anchor(0, 30.0)
    totals = books.book({})
    assert totals.held[0].energy == 30.0
    assert totals.held[0].emissions_kg["physical"] == pytest.approx(kept)
    assert not totals.flags


def plant(method: str) -> dict[str, object]:
    outputs = {"lv": LV, "heat": HEAT}
    return {
        "physical": allocation.energy(outputs),
        "location": allocation.efficiency(outputs),
        "market": allocation.alternative(outputs),
        "gb32150": allocation.defra(outputs),
        "upstream": allocation.exergy(outputs, {"heat": (90, 70)}, 10),
        "pcf": allocation.power_bonus(outputs, {"low": 0.5306, "high": 0.6096}[method]),
    }


@pytest.mark.parametrize(("bonus", "heat_kg"), [("low", 16.29), ("high", -11.36)])
def test_a_plant_divides_its_fuel_in_each_view_by_its_method(
    bonus: str, heat_kg: float
) -> None:
    gas = Fuel(
        carrier="natural_gas",
        unit="kWh",
        measure=measure("gas"),
        factors=dict.fromkeys(ALL_VIEWS, Factor(value=0.202, unit="kg/kWh")),
    )
    chp = Process(
        id="chp",
        kind="chp",
        takes={},
        gives={"lv": measure("power"), "heat": measure("heat")},
        fuels=(gas,),
        allocation=plant(bonus),  # type: ignore[arg-type]
    )
    books = Books(site(pools=(LV, HEAT), processes=(chp,), views=ALL_VIEWS))
    heat_gj = 450 * 0.0036
    totals = books.book({
        "process.chp:burns:natural_gas": 1000,
        "process.chp:gives:lv": 350,
        "process.chp:gives:heat": heat_gj,
    })  # fmt: skip
    wanted = {
        "physical": [0.2525, 0.2525],
        "location": [0.36937, 0.1616],
        "market": [0.32846, 0.19342],
        "gb32150": [0.3513, 0.17565],
        "upstream": [0.46003, 0.09109],
        "pcf": [{"low": 0.5306, "high": 0.6096}[bonus], heat_kg / 450],
    }
    for view, kg in totals.received_kg.items():
        factors = [kg[0] / 350, kg[1] / 450]
        assert factors == pytest.approx(wanted[view], abs=6e-6), view
        # Whatever the method, the plant has emitted what it has burned.
        assert sum(kg) == pytest.approx(202.0)
        assert sum(totals.entered_kg[view]) == pytest.approx(202.0)
    negative = {"negative-burden:heat"} if heat_kg < 0 else set()
    assert totals.flags == negative


def test_a_revised_factor_is_another_fold_of_the_same_record() -> None:
    books = Books(site(sources=(grid(9.9),)))
    first, second = [0.4, 0.6, 0.5], [0.4, 0.55, 0.52]
    kg = 0.0
    for energy, factor in zip([100, 300, 50], first, strict=True):
        totals = books.book({"source.grid": energy}, books.factors(grid=factor))
        kg += books.received_kg(totals, "remainder.lv")
    assert kg == pytest.approx(245.0)
    fold, holdings, kg = Fold(books.network), Holdings.none(books.network), 0.0
    for (record, _), factor in zip(
        books.attribution.take_records(), second, strict=True
    ):
        totals, holdings = fold.refold(record, books.factors(grid=factor), holdings)
        kg += books.received_kg(totals, "remainder.lv")
    assert kg == pytest.approx(231.0)


def test_a_revision_goes_on_through_the_storage() -> None:
    books = with_battery()
    books.book({"source.grid": 10, CHARGE: 10}, books.factors(grid=0.5))
    books.book({DISCHARGE: 10})
    (charged, empty), (given, _) = books.attribution.take_records()
    fold = Fold(books.network)
    _, held = fold.refold(charged, books.factors(grid=0.7), empty)
    totals, held = fold.refold(given, books.factors(), held)
    assert books.received_kg(totals, "remainder.lv") == pytest.approx(7.0)
    assert held == Holdings.none(books.network)


def test_a_changed_graph_goes_on_by_names() -> None:
    pools = (replace(LV, nominal=100.0),)
    books = Books(site(pools=pools, sources=(grid(0.6),), storages=(battery(),)))
    books.attribution.anchor(0, 0.0)
    books.book({"source.grid": 10, CHARGE: 10}, books.factors(grid=0.5))
    # Below a thousandth of 100 kW over a quarter hour: it waits.
    books.book({"source.grid": 0.02}, books.factors(grid=0.5))
    state = books.attribution.state()
    sun = replace(grid(0.0), id="sun", measure=measure("sun"))
    changed = Books(site(pools=pools, sources=(sun, grid(0.6)), storages=(battery(),)))
    changed.attribution.restore(state)
    held = changed.attribution.held(0)
    assert (held.energy, list(held.origins)[:2]) == (10.0, [0.0, 10.0])
    assert held.emissions_kg["physical"] == pytest.approx(5.0)
    changed.attribution.anchor(0, 12.0)
    totals = changed.book({"source.grid": 0.01}, changed.factors(grid=0.5))
    assert totals.entered[1] == pytest.approx(0.03)
    assert not totals.flags  # known before: no unknown start


def test_the_first_factors_of_a_quarter_count_in_all_of_it() -> None:
    books = Books(site(sources=(grid(0.6),)))
    book = books.attribution.book
    energies, hours = array("d", [6.0]), array("q", [QUARTER_NS // 3])
    half = QUARTER_NS // 2
    first = book(energies, hours, 0, half, books.factors(grid=0.5))
    second = book(energies, hours, half, QUARTER_NS, books.factors(grid=0.7))
    assert books.received_kg(first, "remainder.lv") == pytest.approx(3.0)
    assert books.received_kg(second, "remainder.lv") == pytest.approx(3.0)
    ((record, _),) = books.attribution.take_records()
    assert (record.start_ns, record.end_ns) == (0, QUARTER_NS)
    assert list(record.flows) == [12.0]
    for start, end in ((0, QUARTER_NS + 1), (5, 4), (half, QUARTER_NS + half)):
        with pytest.raises(UsageError, match="within a quarter hour"):
            book(energies, hours, start, end, books.factors())


def test_a_factor_of_its_time_stands_in_the_ledger() -> None:
    books = Books(site(sources=(grid(0.6),)))
    ledger = Ledger(books.network)
    names = [cell.name for cell in ledger.cells]
    at = names.index("source.grid:emissions:physical")
    for factor in (0.3, 0.45):
        totals = books.book({"source.grid": 10}, books.factors(grid=factor))
        assert ledger.book(totals)[at] == round(factor * 10e6)


def test_what_is_unmeasured_and_what_circles_is_told_of_its_pool() -> None:
    ring = Pool(id="ring", carrier="electricity", unit="kWh")
    feeder = Process(
        id="loop", takes={"ring": measure("a")}, gives={"ring": measure("a")}
    )
    sink = Sink(id="line", pool="lv", measure=measure("line"))
    books = Books(site(pools=(LV, ring), processes=(feeder,), sinks=(sink,)))
    totals = books.book(
        {
            "process.loop:takes:ring": 5,
            "process.loop:gives:ring": 5,
            "sink.line": 3,
        }
    )
    assert totals.flags == {"unmeasured:lv", "circular:ring"}
    # In a circle no factor is defined: nothing went through.
    assert list(totals.throughput) == [3, 0]


def test_constant_factors_are_those_of_the_site_at_all_times() -> None:
    network = Network(site(sources=(grid(0.6),)))
    found = ConstantFactors(network).at(0)
    assert found is ConstantFactors(network).at(0) or found.values == network.constants
    assert list(found.values["physical"]) == [0.6, 0.6]


def test_the_present_is_weighed_with_the_factors_of_now() -> None:
    books = with_battery()
    books.book({"source.grid": 10, CHARGE: 10}, books.factors(grid=0.5))
    names = books.network.flow_names
    now = array("d", ({"source.grid": 1.0, DISCHARGE: 3.0}.get(n, 0.0) for n in names))
    rates = books.attribution.rates(now, books.factors(grid=0.9))
    assert rates.factors["physical"] == [pytest.approx((0.9 + 3 * 0.5) / 4)]
    assert sum(rates.received_kg["physical"]) == pytest.approx(0.9)
    assert list(rates.throughput) == pytest.approx([4.0])
    nothing = array("d", [float("nan")] * len(names))
    rates = books.attribution.rates(nothing, books.factors())
    assert rates.factors["physical"] == [None]
