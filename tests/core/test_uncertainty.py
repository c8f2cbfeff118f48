"""How uncertain emissions are."""

from array import array
from dataclasses import replace

import pytest
from harness.sites import VOLUME, both, drawn, meter
from harness.totals import nothing
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.meter_errors import meter_percent
from zerometer.core.network import Network
from zerometer.core.site import (
    Combination,
    Factor,
    Fuel,
    Measure,
    Measured,
    Pool,
    Process,
    Sink,
    Site,
    Source,
    View,
)
from zerometer.core.totals import Totals
from zerometer.core.uncertainty import Uncertainties, Uncertainty


def factor(value: float, percent: float | None, name: str = "") -> dict[View, Factor]:
    said = replace(both(value)["physical"], id=name, uncertainty_percent=percent)
    return {"physical": said, "location": said}


def plant(*sources: Source, fuels: tuple[Fuel, ...] = ()) -> Site:
    """Return sources on one busbar, each with a meter of 2 %, and gas with 1.5 %."""
    names = ("grid", "second", "third")
    electric = [
        replace(meter(name, i + 1), uncertainty_percent=2.0)
        for i, name in enumerate(names)
    ]
    gas = replace(meter("gas", 9, VOLUME), uncertainty_percent=1.5)
    boiler = Process(id="boiler", takes={}, fuels=fuels, gives={
        "heat": Measure(meter="gas", counter="volume", times=0.03)
    })  # fmt: skip
    return Site(
        id="s", name="", timezone="UTC", revision="", meters=(*electric, gas),
        pools=(Pool(id="lv", carrier="electricity", unit="kWh"),
               Pool(id="heat", carrier="heat", unit="GJ")),
        sources=sources, processes=(boiler,) if fuels else (),
        sinks=(Sink(id="rest", pool="lv", measure=None, kind="remainder"),),
    )  # fmt: skip


def source(
    name: str, factors: dict[View, Factor], of: Measured | None = None
) -> Source:
    return Source(id=name, pool="lv", measure=of or drawn(name), factors=factors)


def gas(value: float, percent: float | None) -> Fuel:
    measure = Measure(meter="gas", counter="volume")
    return Fuel(carrier="natural_gas", unit="Nm3", measure=measure,
                factors=factor(value, percent, "gas"))  # fmt: skip


def entered(site: Site, measured: dict[str, float]) -> tuple[Network, Totals]:
    """Return the totals of what meters counted and nothing else."""
    network = Network(site)
    totals = nothing(network, 0, 1)
    totals.measured = array("d", (measured[m.meter] for m in network.measures))
    totals.flows = network.combined(totals.measured)
    burns = [b for c in network.conversions for b in c.burns]
    for k, flow in [*((i.origin, i.flow) for i in network.inflows), *burns]:
        totals.entered[k] = totals.flows[flow]
    for view in site.views:
        for k, value in enumerate(network.constants[view]):
            totals.entered_kg[view][k] = totals.entered[k] * value
    return network, totals


def uncertainty(
    site: Site, measured: dict[str, float], *, part: bool = False
) -> Uncertainty:
    network, totals = entered(site, measured)
    return Uncertainties(network, site).of(totals, "physical", part=part)


def test_activity_and_factor_add_in_quadrature() -> None:
    one = uncertainty(plant(source("grid", factor(0.5306, 5.0))), {"grid": 1e6})
    assert one.percent == pytest.approx(5.385165, abs=5e-7)
    assert one.kg == pytest.approx(530600)


def test_emissions_that_err_independently_add_in_quadrature() -> None:
    site = plant(source("grid", factor(0.5306, 5.0)), fuels=(gas(2.0, 3.0),))
    both_ = uncertainty(site, {"grid": 1e6, "gas": 200_000.0})
    assert both_.kg == pytest.approx(930_600)
    assert both_.percent == pytest.approx(3.392078, abs=5e-7)
    assert both_.half_width_kg == pytest.approx(930_600 * 0.03392078, rel=1e-6)
    assert both_.measured_share == 1.0


def test_each_source_has_its_own() -> None:
    site = plant(source("grid", factor(0.5306, 5.0)), fuels=(gas(2.0, None),))
    network, totals = entered(site, {"grid": 1e6, "gas": 200_000.0})
    found = Uncertainties(network, site).of_sources(totals, "location", part=True)
    assert found["source.grid"].percent == pytest.approx(5.385165, abs=5e-7)
    assert found["fuel.boiler.natural_gas"].missing == ("factor gas",)


def test_sources_of_one_factor_err_together() -> None:
    grid = factor(0.5, 5.0, "cn-grid")
    together = plant(source("grid", grid), source("second", grid))
    apart = plant(source("grid", grid), source("second", factor(0.5, 5.0, "another")))
    amounts = {"grid": 100.0, "second": 100.0}
    activity = 2 * (50 * 0.02) ** 2
    assert uncertainty(together, amounts).half_width_kg == pytest.approx(
        (activity + (100 * 0.05) ** 2) ** 0.5
    )
    assert uncertainty(apart, amounts).half_width_kg == pytest.approx(
        (activity + 2 * (50 * 0.05) ** 2) ** 0.5
    )


def test_flows_of_one_meter_err_together() -> None:
    site = plant(
        source("grid", factor(0.5, 0.0, "a")),
        source("second", factor(0.5, 0.0, "b"), drawn("grid")),
    )
    found = uncertainty(site, {"grid": 100.0})
    assert found.half_width_kg == pytest.approx(100 * 0.02)


def test_a_virtual_meter_errs_as_its_terms_do() -> None:
    difference = Combination(id="d", terms=((1, drawn("grid")), (-1, drawn("second"))))
    site = plant(source("virtual", factor(0.5, 0.0), difference))
    found = uncertainty(site, {"grid": 1000.0, "second": 900.0})
    assert found.kg == 50.0
    assert found.half_width_kg == pytest.approx(0.5 * (20.0**2 + 18.0**2) ** 0.5)


def test_nothing_is_made_up_where_nothing_is_stated() -> None:
    site = plant(
        source("grid", factor(0.5, None, "cn-grid")),
        source("second", factor(0.5, None)),
        source("third", factor(0.0, None)),
    )
    meters = (replace(site.meters[0], uncertainty_percent=None), *site.meters[1:])
    amounts = {"grid": 100.0, "second": 10.0, "third": 10.0}
    found = uncertainty(replace(site, meters=meters), amounts)
    assert (found.half_width_kg, found.percent) == (None, None)
    assert found.missing == ("factor cn-grid", "factor source.second", "meter grid")
    assert found.kg == 55.0


def test_without_emission_there_is_no_percent() -> None:
    found = uncertainty(plant(source("grid", factor(0.5, 5.0))), {"grid": 0.0})
    assert found == Uncertainty(0.0, 0.0, None, None)


def test_what_no_meter_saw_is_wide() -> None:
    site = plant(source("grid", factor(0.5, 5.0, "cn")))
    network, totals = entered(site, {"grid": 100.0})
    totals.entered_kg["physical"][network.unmeasured[0]] = 10.0
    found = Uncertainties(network, site).of(totals, "physical", part=False)
    # Unmeasured energy has the worst factor of its carrier, and errs with it.
    assert found.half_width_kg == pytest.approx(
        ((50 * 0.02) ** 2 + (60 * 0.05) ** 2 + 5.0**2) ** 0.5
    )
    assert found.measured_share == pytest.approx(50 / 60)


def test_an_estimated_time_widens_a_part_but_not_the_whole() -> None:
    site = plant(source("grid", factor(0.5, 0.0)))
    network, totals = entered(site, {"grid": 100.0})
    totals.estimated[network.inflows[0].flow] = 40.0
    of = Uncertainties(network, site).of
    assert of(totals, "physical", part=False).percent == pytest.approx(2.0)
    assert of(totals, "physical", part=True).percent == pytest.approx(
        ((60 * 0.02) ** 2 + (40 * 0.2) ** 2) ** 0.5
    )
    assert of(totals, "physical", part=True).measured_share == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("stated", "percent"),
    [("0.5S", 0.5), ("0.5 s", 0.5), ("1", 1.0), ("0,2S", 0.2), ("B", 1.0), ("", None),
     ("good", None)],
)  # fmt: skip
def test_a_class_is_a_half_width(stated: str, percent: float | None) -> None:
    device = replace(meter("grid", 1), accuracy_class=stated)
    assert meter_percent(device) == percent
    assert meter_percent(replace(device, uncertainty_percent=0.7)) == 0.7


@given(
    amounts=st.lists(st.floats(0.001, 1e6), min_size=3, max_size=3),
    percents=st.lists(st.floats(0, 50), min_size=3, max_size=3),
    shared=st.lists(st.sampled_from("ab"), min_size=3, max_size=3),
)
def test_correlation_only_widens_and_never_beyond_the_sum(
    amounts: list[float], percents: list[float], shared: list[str]
) -> None:
    names = ("grid", "second", "third")

    def found(ids: list[str]) -> float:
        site = plant(
            *(
                source(name, factor(0.5, percent, shared))
                for name, percent, shared in zip(names, percents, ids, strict=True)
            )
        )
        half = uncertainty(site, dict(zip(names, amounts, strict=True))).half_width_kg
        assert half is not None
        return half

    most = sum(0.5 * a * (p + 2) / 100 for a, p in zip(amounts, percents, strict=True))
    assert found(["x", "y", "z"]) <= found(shared) * (1 + 1e-12)
    assert found(shared) <= most * (1 + 1e-12)
