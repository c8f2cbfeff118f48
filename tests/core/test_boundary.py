"""What the site as a whole emits."""

from array import array
from dataclasses import replace

import pytest
from harness.sites import both, drawn, small_site
from harness.totals import nothing

from zerometer.core.boundary import Boundary, export_credit_kg
from zerometer.core.network import Network
from zerometer.core.site import Factor, Sink, Site, Source, View
from zerometer.core.totals import FactorSet, Totals

VIEWS: tuple[View, ...] = ("location", "market", "gb32150")


def site(factor: Factor | None = None) -> Site:
    """Return a site that sells power and heat, and buys power of two suppliers."""
    small = small_site()
    own = tuple(replace(s, kind="own") if s.id == "pv" else s for s in small.sources)
    named = dict.fromkeys(VIEWS, Factor(value=0.9, unit="kg/kWh"))
    other = Source(id="other", pool="lv", measure=drawn("line"), factors=named)
    sinks = (
        *small.sinks,
        Sink(id="sold", pool="lv", measure=drawn("grid"), kind="export", factor=factor),
        Sink(id="steam", pool="heat", measure=drawn("line"), kind="export"),
        Sink(id="blown", pool="air", measure=drawn("line"), kind="export"),
    )
    return replace(
        small,
        views=VIEWS,
        sources=(
            *(replace(s, factors=s.factors | _all(s.factors)) for s in own),
            other,
        ),
        processes=tuple(
            replace(
                p,
                fuels=tuple(
                    replace(f, factors=f.factors | _all(f.factors)) for f in p.fuels
                ),
            )
            for p in small.processes
        ),
        sinks=sinks,
    )


def _all(factors: dict[View, Factor]) -> dict[View, Factor]:
    return dict.fromkeys(VIEWS, factors["location"])


def booked(network: Network, entered: dict[str, float]) -> Totals:
    """Return totals in which these amounts entered, by the site's factors."""
    totals = nothing(network, 0, 900, VIEWS)
    for k, origin in enumerate(network.origins):
        totals.entered[k] = entered.get(origin.name, 0.0)
        for view in VIEWS:
            kg = totals.entered[k] * network.constants[view][k]
            totals.entered_kg[view][k] = kg
    return totals


def quantities(network: Network, **exported: float) -> "array[float]":
    names = [place.name for place in network.places]
    return array("d", (exported.get(n.removeprefix("sink."), 0.0) for n in names))


def test_export_takes_nothing_away_but_from_the_enterprises_net() -> None:
    network = Network(site())
    boundary = Boundary(site(), network)
    totals = booked(network, {"source.grid": 50.0, "source.pv": 100.0})
    sold = quantities(network, sold=50.0)
    totals.credit_kg = export_credit_kg(network, sold, FactorSet(network.constants))
    found = boundary.emissions_kg(totals)
    assert found["location"] == found["market"] == pytest.approx(30.0)
    # The dearest supplier has 0.9 kg/kWh: more is taken off than was bought.
    assert found["gb32150"] == pytest.approx(30.0 - 45.0)


def test_an_export_counts_by_the_factor_that_it_states() -> None:
    stated = site(Factor(value=0.57, unit="kg/kWh"))
    network = Network(stated)
    factors = FactorSet(network.constants)
    sold = quantities(network, sold=100.0)
    assert export_credit_kg(network, sold, factors) == pytest.approx(57.0)


def test_only_power_and_heat_are_taken_off() -> None:
    heated = site()
    district = Source(
        id="district", pool="heat", measure=drawn("line"), factors=both(110.0)
    )
    named = replace(district, factors=_all(district.factors))
    heated = replace(heated, sources=(*heated.sources, named))
    network = Network(heated)
    factors = FactorSet(network.constants)
    blown = quantities(network, blown=9.0)
    assert export_credit_kg(network, blown, factors) == 0.0
    heat = quantities(network, steam=2.0)
    assert export_credit_kg(network, heat, factors) == pytest.approx(220.0)


def test_a_site_without_the_view_has_no_credit() -> None:
    small = replace(site(), views=("location", "market"))
    network = Network(small)
    sold = quantities(network, sold=100.0)
    assert export_credit_kg(network, sold, FactorSet(network.constants)) == 0.0


def test_biogenic_carbon_counts_in_its_own_column_only() -> None:
    small = site()
    processes = tuple(
        replace(p, fuels=tuple(replace(f, biogenic=True) for f in p.fuels))
        for p in small.processes
    )
    green = replace(small, processes=processes)
    network = Network(green)
    boundary = Boundary(green, network)
    totals = booked(network, {"source.grid": 10.0, "fuel.boiler.natural_gas": 3.0})
    assert boundary.emissions_kg(totals)["location"] == pytest.approx(6.0)
    assert boundary.biogenic_kg(totals) == pytest.approx(6.0)
    fossil = Boundary(small, Network(small))
    totals = booked(Network(small), {"fuel.boiler.natural_gas": 3.0})
    assert fossil.emissions_kg(totals)["location"] == pytest.approx(6.0)
    assert fossil.biogenic_kg(totals) == 0.0
