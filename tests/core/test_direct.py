"""What dated events emit."""

from typing import Any

import pytest

from zerometer.core.categories import BIOGENIC, FUGITIVE, WASTE
from zerometer.core.direct import Direct, biogenic_kg, capture, emitted_kg, total_kg
from zerometer.core.event import EventKind, SiteEvent

GWP = {"CH4": 27.9, "R410A": 2255.5, "SF6": 25200.0}.get


def event(
    kind: EventKind, subject: str, quantity: float | None, unit: str, **more: Any
) -> SiteEvent:
    return SiteEvent(
        time_ns=more.pop("time_ns", 0), kind=kind, subject=subject,
        quantity=quantity, unit=unit, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kg"),
    [
        (event("refrigerant", "R410A", 2.0, "kg"), 4511.0),
        (event("refrigerant", "SF6", 500.0, "g"), 12600.0),
        (event("refrigerant", "R999", 2.0, "kg"), None),
        (event("refrigerant", "R410A", 2.0, "Nm3"), None),
        # 1000 kg x 0.25 x 0.8 = 200 kg of methane
        (event("waste-water", "anaerobic-reactor", 1.0, "t COD"), 5580.0),
        (event("waste-water", "aerobic", 1.0, "t COD"), 0.0),
        (event("waste-water", "pond", 1.0, "t COD"), None),
        (event("waste-water", "pond", 3.0, "kg CH4"), 83.7),
        (event("waste-water", "pond", 3.0, "kg CO2e"), 3.0),
        (event("waste", "sludge", 2.0, "t"), None),
        (event("waste", "sludge", 2.0, "t CO2e"), 2000.0),
        (event("emission", "flare", 5.0, "kg"), 5.0),
        (event("emission", "flare", None, "kg"), None),
        (event("capture", "boiler", 1.5, "t", permanent=True), -1500.0),
        (event("note", "boiler", 1.5, "t"), None),
    ],
)
def test_an_event_emits_what_its_quantity_says(
    given: SiteEvent, kg: float | None
) -> None:
    assert emitted_kg(given, GWP) == (kg if kg is None else pytest.approx(kg))


def test_capture_takes_off_only_what_is_stored_for_good() -> None:
    emissions = Direct(
        [
            event("emission", "kiln", 100.0, "kg"),
            event("capture", "kiln", 30.0, "kg"),
            event("capture", "kiln", 20.0, "kg", permanent=True),
        ],
        GWP,
    ).between(0, 1)
    columns = capture(emissions, "physical", 900.0)
    assert (columns.gross_kg, columns.captured_kg, columns.net_kg) == (1000, 50, 980)
    assert total_kg(emissions, "physical") == 80.0


def test_events_stand_where_their_kind_belongs() -> None:
    leak, waste, wood = Direct(
        [
            event("refrigerant", "R410A", 1.0, "kg"),
            event("waste", "sludge", 7.0, "kg CO2e"),
            event("emission", "stove", 9.0, "kg biogenic CO2"),
        ],
        GWP,
    ).between(0, 1)
    assert leak.category("location") == FUGITIVE
    assert waste.category("location") == WASTE
    assert wood.category("location") == BIOGENIC
    assert leak.category("upstream") is None
    assert total_kg([leak, waste, wood], "location") == 2255.5
    assert total_kg([leak, waste, wood], "upstream") == 0.0
    assert biogenic_kg([leak, waste, wood]) == 9.0


def test_an_event_counts_at_its_time_and_no_other() -> None:
    direct = Direct(
        [event("emission", "flare", 1.0, "kg", time_ns=t) for t in (30, 10, 20)], GWP
    )
    assert [e.event.time_ns for e in direct.between(10, 30)] == [10, 20]
