"""The site's graph as numbered lists."""

from dataclasses import replace

import pytest
from harness.sites import both, drawn, small_site

from zerometer.core.network import Network
from zerometer.core.site import Pool, Product, SharedService, Sink, Source


def test_a_remainder_has_the_name_that_the_site_gives_it() -> None:
    network = Network(small_site())
    names = [network.places[place].name for place in network.remainders]
    assert names == ["sink.rest", "sink.air-users", "remainder.heat"]


def test_what_nobody_measured_counts_as_the_worst_source_of_its_carrier() -> None:
    site = small_site()
    ups = Pool(id="ups", carrier="electricity", unit="kWh")
    coal = Source(id="coal", pool="ups", measure=drawn("line"), factors=both(0.9))
    network = Network(
        replace(site, pools=(*site.pools, ups), sources=(*site.sources, coal))
    )
    factors = {origin.name: origin.factors["physical"] for origin in network.origins}
    assert factors["unmeasured.lv"] == factors["unmeasured.ups"] == 0.9
    assert factors["unknown-start.battery"] == 0.9
    assert factors["unmeasured.heat"] == 0.0


def test_meters_are_found_by_their_id() -> None:
    site = small_site()
    assert site.meter("gas").unit == 6
    with pytest.raises(KeyError):
        site.meter("water")
    assert Sink(id="a", pool="lv", measure=None).kind == "load"


def test_what_products_count_is_a_flow_outside_of_the_graph() -> None:
    site = replace(
        small_site(),
        products=(Product(id="door", name="", unit="pcs", good=drawn("line")),),
        shared=(SharedService(sink="line", drivers={"door": drawn("pv")}),),
    )
    network, plain = Network(site), Network(small_site())
    width = len(plain.flow_names)
    assert network.counted == {
        "product.door:good": width,
        "shared.line:door": width + 1,
    }
    assert network.flow_names[:width] == plain.flow_names
    assert (network.inflows, network.outflows) == (plain.inflows, plain.outflows)
