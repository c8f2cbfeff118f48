"""Balances of pools: adjusted, and plain."""

from array import array
from dataclasses import replace

import pytest
from harness.sites import both, drawn, meter
from harness.sites import given as exported
from harness.totals import nothing
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.network import Network
from zerometer.core.reconcile import Reconciliation, exceeded, improbable, reconciled
from zerometer.core.site import Pool, Process, Sink, Site, Source
from zerometer.core.totals import Totals

#: Half widths in percent: standard uncertainties of 1, 2 and 2 %.
PERCENTS = {"main": 2.0, "a": 4.0, "b": 4.0}


def site(percents: dict[str, float | None] | None = None, **pool: object) -> Site:
    """Return a busbar on which a main meter feeds two measured sinks."""
    percents = dict(PERCENTS) if percents is None else percents
    return Site(
        id="s", name="", timezone="UTC", revision="",
        meters=tuple(
            replace(meter(name, i + 1), uncertainty_percent=percent)
            for i, (name, percent) in enumerate(percents.items())
        ),
        pools=(Pool(id="lv", carrier="electricity", unit="kWh", **pool),),  # type: ignore[arg-type]
        sources=(Source(id="grid", pool="lv", measure=drawn("main"),
                        factors=both(0.6)),),
        sinks=tuple(
            Sink(id=name, pool="lv", measure=drawn(name))
            for name in percents if name != "main"
        ),
    )  # fmt: skip


def counted(network: Network, amounts: list[float]) -> Totals:
    totals = nothing(network, 0, 1)
    totals.measured = array("d", amounts)
    totals.flows = network.combined(array("d", amounts))
    return totals


def test_main_and_subs_are_made_to_agree() -> None:
    plant = site(balanced=True)
    network = Network(plant)
    reconciliation = Reconciliation(network, plant)
    steps = array("d", [1000, 600, 420, 10, 6, 4.2])
    totals = counted(network, [1010, 606, 424.2])
    reconciliation.adjust(steps)
    assert list(steps[:3]) == pytest.approx(
        [1006.358087, 590.844354, 415.513733], abs=5e-7
    )
    assert list(steps[3:]) == pytest.approx([x / 100 for x in steps[:3]], rel=1e-12)
    totals.flows = network.combined(array("d", map(sum, zip(steps[:3], steps[3:]))))  # noqa: B905
    balance = reconciliation.balances(totals, part=False)["lv"]
    assert balance.chi2 == pytest.approx(1.271617, abs=5e-7)
    assert balance.degrees == 1
    assert balance.adjusted is not None
    assert balance.adjusted["source.grid"] == pytest.approx(1016.421668, abs=1e-6)
    assert balance.inflow == {"source.grid": 1010}
    assert balance.outflow == {"sink.a": 606, "sink.b": 424.2}
    assert balance.flags == []


def test_meters_that_cannot_be_right_are_a_fault() -> None:
    plant = site(balanced=True)
    network = Network(plant)
    reconciliation = Reconciliation(network, plant)
    totals = counted(network, [1000, 700, 420])
    assert reconciliation.balances(totals, part=False)["lv"].flags == ["balance-chi2"]


def test_a_meter_of_unknown_uncertainty_adjusts_nothing() -> None:
    plant = site({"main": 2.0, "a": None}, balanced=True)
    network = Network(plant)
    reconciliation = Reconciliation(network, plant)
    steps = array("d", [1000, 600])
    reconciliation.adjust(steps)
    assert list(steps) == [1000, 600]
    balance = reconciliation.balances(counted(network, [1000, 600]), part=True)["lv"]
    assert balance.flags == ["balance-unknown"]
    assert (balance.half_width, balance.adjusted) == (None, None)


def test_the_remainder_has_the_uncertainty_of_all_meters() -> None:
    plant = site()
    network = Network(plant)
    reconciliation = Reconciliation(network, plant)
    balance = reconciliation.balances(counted(network, [1000, 500, 300]), part=True)[
        "lv"
    ]
    assert balance.remainder == 200
    # 2 % of 1000, 4 % of 500, 4 % of 300
    assert balance.half_width == pytest.approx((20**2 + 20**2 + 12**2) ** 0.5)
    assert balance.flags == []


@pytest.mark.parametrize(("main", "flags"), [(780, []), (750, ["balance-negative"])])
def test_a_remainder_below_zero_by_more_than_meters_err_is_a_fault(
    main: float, flags: list[str]
) -> None:
    plant = site()
    network = Network(plant)
    totals = counted(network, [main, 500, 300])
    assert (
        Reconciliation(network, plant).balances(totals, part=True)["lv"].flags == flags
    )


def test_what_was_estimated_in_a_part_is_no_fault() -> None:
    for plant, kind in ((site(), "negative"), (site(balanced=True), "chi2")):
        network = Network(plant)
        reconciliation = Reconciliation(network, plant)
        totals = counted(network, [700, 500, 300])
        whole = reconciliation.balances(totals, part=False)["lv"]
        assert whole.flags == [f"balance-{kind}"]
        totals.estimated[network.outflows[0].flow] = 500.0
        part = reconciliation.balances(totals, part=True)["lv"]
        assert part.flags == []
        assert part.half_width == pytest.approx((14**2 + 20**2 + 12**2 + 100**2) ** 0.5)


def test_one_meter_errs_the_same_way_in_both_directions() -> None:
    plant = site({"main": 2.0, "a": 4.0})
    export = Sink(id="export", pool="lv", measure=exported("main"), kind="export")
    plant = replace(plant, sinks=(*plant.sinks, export))
    network = Network(plant)
    balance = Reconciliation(network, plant).balances(
        counted(network, [1000, 500, 400]), part=True
    )["lv"]
    assert balance.outflow["sink.export"] == 400
    assert balance.half_width == pytest.approx(((600 * 0.02) ** 2 + 20**2) ** 0.5)


def test_pools_that_share_a_meter_are_adjusted_together() -> None:
    plant = site({"main": 2.0, "link": 2.0, "a": 4.0}, balanced=True)
    link = Process(id="link", takes={"lv": drawn("link")}, gives={"sub": drawn("link")},
                   kind="feeder")  # fmt: skip
    plant = replace(
        plant,
        pools=(*plant.pools, replace(plant.pools[0], id="sub")),
        processes=(link,),
        sinks=(Sink(id="a", pool="sub", measure=drawn("a")),),
    )
    network = Network(plant)
    reconciliation = Reconciliation(network, plant)
    names = [measure.meter for measure in network.measures]
    start = {"main": 1000.0, "link": 990.0, "a": 1030.0}
    steps = array("d", (start[name] for name in names))
    totals = counted(network, list(steps))
    reconciliation.adjust(steps)
    assert max(steps) == pytest.approx(min(steps), rel=1e-12)
    # Three measures of one amount: their mean by inverse variances.
    weights = {name: (start[name] * PERCENTS.get(name, 2.0)) ** -2 for name in start}
    mean = sum(start[n] * weights[n] for n in start) / sum(weights.values())
    assert steps[0] == pytest.approx(mean, rel=1e-12)
    for balance in reconciliation.balances(totals, part=False).values():
        assert balance.degrees == 2


@pytest.mark.parametrize(
    ("limit", "degrees"), [(6.634897, 1), (9.210340, 2), (11.344867, 3), (15.086272, 5)]
)
def test_the_limit_is_that_of_the_tables(limit: float, degrees: int) -> None:
    assert exceeded(limit, degrees) == pytest.approx(0.01, rel=1e-6)
    assert improbable(limit * 1.001, degrees)
    assert not improbable(limit * 0.999, degrees)


_AMOUNT = st.just(0.0) | st.floats(1, 100)


@given(
    amounts=st.lists(_AMOUNT, min_size=4, max_size=4),
    percents=st.lists(st.floats(0.5, 5), min_size=4, max_size=4),
    scale=st.floats(1e-3, 1e3),
)
def test_what_is_adjusted_is_the_nearest_that_balances(
    amounts: list[float], percents: list[float], scale: float
) -> None:
    balances = [[1, -1, -1, 0], [0, 1, 0, -1]]

    def variances(of: list[float]) -> list[float]:
        return [(x * p / 200) ** 2 for x, p in zip(of, percents, strict=True)]

    adjusted, chi2, degrees = reconciled(amounts, variances(amounts), balances)
    size = max(amounts)
    if degrees == 2:
        for row in balances:
            gap = sum(c * x for c, x in zip(row, adjusted, strict=True))
            assert gap == pytest.approx(0, abs=1e-9 * size)
        distance = sum(
            (x - y) ** 2 / v
            for x, y, v in zip(amounts, adjusted, variances(amounts), strict=True)
            if v
        )
        assert distance == pytest.approx(chi2, rel=1e-6, abs=1e-6)
    larger = [x * scale for x in amounts]
    scaled, same, _ = reconciled(larger, variances(larger), balances)
    assert scaled == pytest.approx(
        [x * scale for x in adjusted], rel=1e-6, abs=1e-9 * size * scale
    )
    assert same == pytest.approx(chi2, rel=1e-6, abs=1e-6)
