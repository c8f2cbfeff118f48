"""The category of every amount, in every view."""

from dataclasses import replace
from typing import get_args

import pytest
from harness.sites import both, drawn, small_site
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.categories import (
    BOUGHT,
    bought,
    event_category,
    inventory,
    origin_categories,
)
from zerometer.core.event import EventKind
from zerometer.core.network import Network
from zerometer.core.site import (
    ALL_VIEWS,
    CARRIERS,
    Allocation,
    Category,
    Pool,
    Site,
    Source,
    View,
)

DIRECT_VIEWS: tuple[View, ...] = ("physical", "location", "market", "gb32150")


def site() -> Site:
    """Return the small site with its own PV, and bought heat and water."""
    small = small_site()
    pools = (*small.pools, Pool(id="tap", carrier="water", unit="m3"))
    sources = (
        *(replace(s, kind="own") if s.id == "pv" else s for s in small.sources),
        Source(id="district", pool="heat", measure=drawn("line"), factors=both(90.0)),
        Source(id="mains", pool="tap", measure=drawn("line"), factors=both(0.2)),
    )
    return replace(small, pools=pools, sources=sources)


def chp_site() -> Site:
    """Return the site with a boiler that gives heat for a fixed burden, and power."""
    small = site()
    (boiler,) = (p for p in small.processes if p.id == "boiler")
    chp = replace(
        boiler,
        gives=boiler.gives | {"lv": drawn("pv")},
        allocation={
            "physical": Allocation(
                method="power_bonus", weights={"lv": 1.0}, bonus={"heat": 60.0}
            )
        },
    )
    others = (p for p in small.processes if p.id != "boiler")
    return replace(small, processes=(*others, chp))


@pytest.mark.parametrize("view", ALL_VIEWS)
def test_every_origin_has_a_category_in_every_view(view: View) -> None:
    names = {origin.name for origin in Network(chp_site()).origins}
    categories = origin_categories(chp_site(), view)
    assert set(categories) == names
    assert categories["bonus.boiler.heat"].ghg == "shifted"


@pytest.mark.parametrize("view", DIRECT_VIEWS)
@pytest.mark.parametrize(
    ("origin", "scope", "ghg", "iso"),
    [
        ("source.grid", 2, "purchased-electricity", 2),
        ("source.district", 2, "purchased-heat", 2),
        ("source.pv", 1, "own-generation", 1),
        ("source.mains", 3, "3.1", 4),
        ("fuel.boiler.natural_gas", 1, "stationary-combustion", 1),
        ("unmeasured.lv", 2, "purchased-electricity", 2),
        ("unmeasured.air", 2, "purchased-compressed-air", 2),
        ("unknown-start.battery", 2, "purchased-electricity", 2),
    ],
)
def test_what_is_emitted_is_in_scope_1_2_or_3(
    view: View, origin: str, scope: int, ghg: str, iso: int
) -> None:
    category = origin_categories(site(), view)[origin]
    assert category == Category(scope=scope, ghg=ghg, iso=iso)


def test_what_was_emitted_upstream_is_scope_3() -> None:
    categories = origin_categories(site(), "upstream")
    assert {c.scope for c in categories.values()} == {3}
    assert {c.iso for c in categories.values()} == {4}
    assert categories["source.grid"].ghg == "3.3"
    assert categories["fuel.boiler.natural_gas"].ghg == "3.3"
    assert categories["source.pv"].ghg == "3.2"
    assert categories["source.mains"].ghg == "3.1"


def test_a_life_cycle_has_no_scope() -> None:
    assert set(origin_categories(site(), "pcf").values()) == {
        Category(scope=0, ghg="life-cycle", iso=0)
    }


@pytest.mark.parametrize("view", DIRECT_VIEWS)
def test_biogenic_carbon_is_in_no_scope(view: View) -> None:
    small = site()
    (boiler,) = (p for p in small.processes if p.id == "boiler")
    wood = replace(boiler.fuels[0], biogenic=True)
    boilers = (replace(boiler, fuels=(wood,)),)
    categories = origin_categories(replace(small, processes=boilers), view)
    assert categories["fuel.boiler.natural_gas"] == Category(
        scope=0, ghg="biogenic", iso=0
    )


def test_every_carrier_has_a_category() -> None:
    assert sorted(BOUGHT) == sorted(CARRIERS)
    for carrier in CARRIERS:
        assert bought(carrier, "upstream").scope == 3


def test_events_that_emit_have_a_category() -> None:
    emitting = {k for k in get_args(EventKind) if event_category(k, "physical")}
    assert emitting == {"refrigerant", "waste-water", "waste", "emission", "capture"}
    refrigerant = event_category("refrigerant", "location")
    assert refrigerant == Category(scope=1, ghg="fugitive", iso=1)
    assert event_category("waste", "market") == Category(scope=3, ghg="3.5", iso=4)
    assert event_category("waste", "upstream") is None
    life = event_category("waste", "pcf")
    assert life is not None and life.ghg == "life-cycle"


CATEGORIES = st.sampled_from(
    [*BOUGHT.values(), *origin_categories(site(), "upstream").values()]
)


@given(st.lists(st.tuples(CATEGORIES, st.integers(-(10**9), 10**9))))
def test_any_boundary_is_a_choice_of_keys(amounts: list[tuple[Category, int]]) -> None:
    found = inventory((category, float(kg)) for category, kg in amounts)
    total = sum(kg for _, kg in amounts)
    assert all(sum(by.values()) == total for by in found.values())
    direct = sum(kg for category, kg in amounts if category.scope == 1)
    assert found["scope"].get("1", 0.0) == direct
    assert found["iso"].get("1", 0.0) == direct
