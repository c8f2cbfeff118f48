"""What products cost in carbon."""

from dataclasses import replace
from typing import Any

import pytest
from harness.sites import drawn, small_site
from harness.totals import nothing
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.product import Made, Products
from zerometer.core.site import Product, SharedService, Sink

SITE = replace(
    small_site(),
    sinks=(
        Sink(id="line", pool="lv", measure=drawn("line"), product="door"),
        Sink(id="press", pool="lv", measure=drawn("pv"), product="door"),
        Sink(id="paint", pool="lv", measure=drawn("compressor"), product="gate"),
        Sink(id="air", pool="air", measure=None, kind="remainder"),
    ),
    products=(
        Product(id="door", name="Door", unit="pcs", good=drawn("grid")),
        Product(id="gate", name="Gate", unit="pcs", good=drawn("battery")),
    ),
    shared=(
        SharedService(
            sink="air", drivers={"door": drawn("line"), "gate": drawn("compressor")}
        ),
    ),
)
NETWORK = Network(SITE)
PLACES = {place.name: i for i, place in enumerate(NETWORK.places)}


def add(products: Products, start_ns: int, end_ns: int, **amounts: float) -> None:
    """Add a span: kg by sink, good units and drivers by product."""
    totals = nothing(NETWORK, start_ns, end_ns)
    for name, amount in amounts.items():
        what, _, product = name.partition("_")
        if what == "good":
            totals.flows[NETWORK.counted[f"product.{product}:good"]] = amount
        elif what == "driver":
            totals.flows[NETWORK.counted[f"shared.air:{product}"]] = amount
        else:
            totals.received_kg["physical"][PLACES[f"sink.{name}"]] = amount
            totals.received_kg["location"][PLACES[f"sink.{name}"]] = 2 * amount
    products.add(totals)


def lot(kind: Any, name: str, time_ns: int) -> SiteEvent:
    return SiteEvent(time_ns=time_ns, kind=kind, subject="door", text=name)


def kg(made: Made) -> float:
    return made.emissions_kg["physical"]


def test_a_product_bears_its_sinks_and_its_part_of_what_is_shared() -> None:
    products = Products(NETWORK, SITE)
    add(products, 0, QUARTER_NS, line=10, press=5, paint=7, air=8, good_door=20,
        good_gate=2, driver_door=3, driver_gate=1)  # fmt: skip
    whole = products.whole()
    assert (whole["door"].good, kg(whole["door"])) == (20, 10 + 5 + 6)
    assert (whole["gate"].good, kg(whole["gate"])) == (2, 7 + 2)
    assert whole["door"].kg_per_unit() == {"physical": 21 / 20, "location": 42 / 20}


def test_what_was_emitted_without_a_good_unit_is_borne_by_those_of_the_whole() -> None:
    products = Products(NETWORK, SITE)
    add(products, 0, QUARTER_NS, line=30)
    heating_up = products.window()["door"]
    assert kg(heating_up) == 30
    assert heating_up.kg_per_unit() == {"physical": None, "location": None}
    add(products, QUARTER_NS, 2 * QUARTER_NS, line=10, good_door=4)
    assert products.window()["door"].kg_per_unit()["physical"] == 2.5
    assert products.whole()["door"].kg_per_unit()["physical"] == 10


def test_a_shared_burden_waits_until_a_driver_counts() -> None:
    products = Products(NETWORK, SITE)
    add(products, 0, QUARTER_NS, air=8)
    assert products.unassigned()["air"]["physical"] == 8
    assert kg(products.whole()["door"]) == 0
    add(products, QUARTER_NS, 2 * QUARTER_NS, air=2, driver_gate=1)
    assert kg(products.whole()["gate"]) == 10
    assert products.unassigned()["air"]["physical"] == 0


def test_a_lot_bears_what_was_between_its_start_and_its_end() -> None:
    products = Products(NETWORK, SITE)
    minute = QUARTER_NS // 15
    products.event(lot("lot-start", "L1", 3 * minute))
    products.event(lot("lot-start", "L2", 9 * minute))
    products.event(lot("lot-end", "L2", 12 * minute))
    for i in range(15):
        add(products, i * minute, (i + 1) * minute, line=1, good_door=1, air=1,
            driver_door=1, driver_gate=1)  # fmt: skip
    first, second = products.lots()["door"]
    assert (first.name, first.end_ns) == ("L1", 9 * minute)
    assert (first.made.good, second.made.good) == (6, 3)
    # Of the 15 kg of air a half is the door's, in proportion to its driver.
    assert kg(first.made) == pytest.approx(6 + 7.5 * 6 / 15)
    assert kg(second.made) == pytest.approx(3 + 7.5 * 3 / 15)
    assert kg(products.whole()["door"]) == pytest.approx(15 + 7.5)


def test_a_lot_of_a_product_that_is_gone_is_none() -> None:
    products = Products(NETWORK, SITE)
    products.event(replace(lot("lot-start", "L1", 0), subject="window"))
    assert products.lots() == {"door": [], "gate": []}


def test_lots_that_meet_within_a_span_divide_it_by_time() -> None:
    products = Products(NETWORK, SITE)
    products.event(lot("lot-start", "L1", QUARTER_NS // 3))
    add(products, 0, QUARTER_NS, line=9, good_door=3)
    (only,) = products.lots()["door"]
    assert kg(only.made) == pytest.approx(6)
    assert only.end_ns is None


@given(
    amounts=st.lists(
        st.tuples(*[st.floats(0, 1000)] * 3, *[st.just(0.0) | st.floats(0.1, 9)] * 2),
        min_size=1,
        max_size=8,
    ),
    starts=st.lists(st.integers(0, 8 * 900), max_size=4),
)
def test_nothing_is_lost(
    amounts: list[tuple[float, float, float, float, float]], starts: list[int]
) -> None:
    products, windows = Products(NETWORK, SITE), 0.0
    for number, start in enumerate(sorted(starts)):
        products.event(lot("lot-start", f"L{number}", start * 10**9))
    for i, (line, paint, air, door, gate) in enumerate(amounts):
        add(products, i * QUARTER_NS, (i + 1) * QUARTER_NS, line=line, paint=paint,
            air=air, driver_door=door, driver_gate=gate)  # fmt: skip
        windows += sum(map(kg, products.window().values()))
    borne = sum(map(kg, products.whole().values()))
    waiting = products.unassigned()["air"]["physical"]
    total = sum(line + paint + air for line, paint, air, _, _ in amounts)
    assert borne + waiting == pytest.approx(total, rel=1e-9, abs=1e-9)
    assert windows == pytest.approx(borne, rel=1e-9, abs=1e-9)
    in_lots = sum(kg(lot.made) for lot in products.lots()["door"])
    assert in_lots <= kg(products.whole()["door"]) * (1 + 1e-9)


def test_a_restart_goes_on() -> None:
    before, after = Products(NETWORK, SITE), Products(NETWORK, SITE)
    before.event(lot("lot-start", "L1", 0))
    add(before, 0, QUARTER_NS, line=9, good_door=3, air=4)
    after.restore(before.state())
    for products in (before, after):
        add(products, QUARTER_NS, 2 * QUARTER_NS, line=1, good_door=1, driver_door=1)
    assert after.running() == before.running()
    assert after.whole() == before.whole()
    assert after.lots() == before.lots()


def test_only_the_last_lots_are_kept_where_that_is_wanted() -> None:
    products = Products(NETWORK, SITE, kept_lots=2)
    for number in range(4):
        products.event(lot("lot-start", f"L{number}", number * QUARTER_NS))
        add(products, number * QUARTER_NS, (number + 1) * QUARTER_NS, good_door=5)
    assert [(one.name, one.made.good) for one in products.lots()["door"]] == [
        ("L2", 5), ("L3", 5),
    ]  # fmt: skip
