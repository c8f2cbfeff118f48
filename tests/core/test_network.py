"""The site's graph as numbered lists."""

from array import array
from dataclasses import replace

import pytest
from harness.sites import both, drawn, small_site

from zerometer.core.network import Network
from zerometer.core.site import Combination, Pool, Product, SharedService, Sink, Source


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
    names = [origin.name for origin in network.origins]
    factors = dict(zip(names, network.constants["physical"], strict=True))
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


def test_what_several_flows_count_is_measured_once() -> None:
    site = small_site()
    rest = Combination(
        id="rest", terms=((1, drawn("grid")), (-1, drawn("line")), (-1, drawn("pv")))
    )
    sinks = (*site.sinks, Sink(id="others", pool="lv", measure=rest))
    network, plain = Network(replace(site, sinks=sinks)), Network(site)
    assert network.measures == plain.measures
    # Gas is burned, and is what the boiler gives; the compressor takes and gives.
    assert len(plain.measures) == len(plain.flows) - 2
    measured = array("d", range(1, len(network.measures) + 1))
    flows = dict(zip(network.flow_names, network.combined(measured), strict=True))
    gas = flows["process.boiler:burns:natural_gas"]
    assert flows["process.boiler:gives:heat"] == gas * 0.03
    # More is subtracted than there is: no flow.
    assert flows["sink.others"] == 0.0
    measured[0] = 100.0
    others = network.flow_names.index("sink.others")
    wanted = 100.0 - flows["sink.line"] - flows["source.pv"]
    assert network.combined(measured)[others] == wanted


def test_a_dead_band_is_a_thousandth_of_what_the_pool_is_made_for() -> None:
    site = small_site()
    pools = [replace(pool, nominal=500.0) for pool in site.pools]
    flows = {f.name: f.dead_band for f in Network(replace(site, pools=(*pools,))).flows}
    assert flows["sink.line"] == flows["process.compressors:gives:air"] == 0.5
    assert flows["process.boiler:burns:natural_gas"] == 0.0
