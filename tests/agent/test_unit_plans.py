"""What a bus loop is told of a site's meters."""

from dataclasses import replace

from zerometer.agent.unit_plans import unit_plans
from zerometer.config.map_library import shipped_map
from zerometer.core.meter_map import MeterMap
from zerometer.core.site import Bus, Meter, Site

BUSES = (Bus(id="a", port="/dev/a"), Bus(id="b", port="/dev/b"))
MAP: MeterMap = shipped_map("acrel-adl400")
METER = Meter(id="m", bus="a", unit=3, map=MAP, points=(), serial="815")


def site(*meters: Meter) -> Site:
    return Site(
        id="s", name="s", timezone="UTC", revision="", buses=BUSES, meters=meters
    )


def test_each_bus_has_its_meters() -> None:
    both = site(METER, replace(METER, id="n", bus="b"))
    assert [plan.meter for plan in unit_plans(both, BUSES[1])] == ["n"]
    (plan,) = unit_plans(both, BUSES[0])
    assert (plan.meter, plan.unit, plan.serial) == ("m", 3, "815")
    assert plan.nameplate == {}


def test_a_nameplate_goes_by_the_names_of_ratio_registers() -> None:
    """The shipped maps that have such registers call them so."""
    (plan,) = unit_plans(site(replace(METER, ct=(600, 5), pt=(10_000, 100))), BUSES[0])
    assert plan.nameplate == {"ct_ratio": 120.0, "pt_ratio": 100.0}
    assert {point.name for point in MAP.points if point.group == "ratio"} == {
        "ct_ratio", "pt_ratio",
    }  # fmt: skip
