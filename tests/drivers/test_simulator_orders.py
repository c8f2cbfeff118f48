"""Faults in words: what is understood, and what is said of what is not."""

from pathlib import Path

import pytest
from harness.simulation import SDM630, meter_map
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.errors import UsageError
from zerometer.core.points import Point, PolledPoint
from zerometer.core.site import Bus, Meter, Site
from zerometer.drivers.simulator.catalogue import KNOWN, listing
from zerometer.drivers.simulator.factory import build
from zerometer.drivers.simulator.order import parse

SECOND = 1_000_000_000
#: Unlike the floats of the other one, its counter rolls over.
ENDING = meter_map(
    Point(
        name="active_energy_export", function=3, address=2, type="u32", unit="kWh",
        group="energy", kind="counter",
    )
)  # fmt: skip
#: An order for every known fault.
EVERY = [
    "m:twin", "m:twin=turns", "m:exception=4", "m:longest=20", "m:speechless=20,50%",
    "m:dead", "m:late=5ms..2.5s,1%", "m:strict", "m:queueing", "m:garbage",
    "m:crc-noise=0.5%", "m:short=4", "m:junk-before", "m:junk-after=7",
    "bus=a:echo", "bus=a:babble=1min,9", "bus=a:unplug@30s+5s",
    "m:counter-reset@1s", "ends:rollover", "m:ct-change=300/5",
]  # fmt: skip


def site(folder: Path) -> Site:
    points = tuple(PolledPoint(point=p, period_ns=1) for p in SDM630.points)
    ending = tuple(PolledPoint(point=p, period_ns=1) for p in ENDING.points)
    return Site(
        id="s",
        name="s",
        timezone="UTC",
        revision="",
        buses=(Bus(id="a", port=str(folder / "a")),),
        meters=(
            Meter(id="m", bus="a", unit=1, map=SDM630, points=points),
            Meter(id="ends", bus="a", unit=2, map=ENDING, points=ending),
        ),
    )


def test_every_known_fault_can_be_ordered(tmp_path: Path) -> None:
    assert {parse(text).name for text in EVERY} == {known.name for known in KNOWN}
    build(site(tmp_path), faults=EVERY)
    build(site(tmp_path), faults=["bus=a:dead", "bus=a:counter-reset"])


def test_the_listing_has_a_line_for_each() -> None:
    lines = listing().splitlines()
    assert [line.split()[0] for line in lines] == [k.name + k.form for k in KNOWN]


def test_an_order_says_where_what_and_when() -> None:
    order = parse("press-1:late=800ms,1%@1.5s+1min")
    assert (order.bus, order.meter, order.name) == (None, "press-1", "late")
    assert order.values == "800ms,1%"
    assert (order.start_ns, order.end_ns) == (15 * SECOND // 10, 61_500_000_000)
    order = parse("bus=rs485-a:echo")
    assert (order.bus, order.meter, order.values) == ("rs485-a", None, "")
    assert (order.start_ns, order.end_ns) == (0, None)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ("dead", r"is not of the form METER:FAULT"),
        ("m:", "is not of the form"),
        ("m:dead@", "is not of the form"),
        ("m:dead@soon", 'time: "soon" is no time like 800ms'),
        ("m:dead@1s+2", 'time: "2" is no time'),
        ("m:deaf", '"deaf" is not known; known: twin, exception, .*ct-change'),
        ("n:dead", 'meter "n" is not in the site; known: m, ends'),
        ("bus=b:dead", 'bus "b" is not in the site; known: a'),
        ("bus=b:echo", 'bus "b" is not in the site; known: a'),
        ("m:echo", "is of a whole bus: write bus=BUS:echo"),
        ("m:late", "needs a time"),
        ("m:late=8", '"8" is no time'),
        ("m:late=2s..1s", '"2s..1s" ends before it begins'),
        ("m:dead=5", 'takes no "5"; a share of the replies is written like 5%'),
        ("m:dead=5%,5%", "2 shares; one at most"),
        ("m:dead=0%", '"0%" is no share'),
        ("m:dead=101%", '"101%" is no share'),
        ("bus=a:echo=1%", "has no share"),
        ("bus=a:echo=1", 'takes no "1"$'),
        ("m:counter-reset=1%", "has no share"),
        ("m:exception=0", '"0" is no number from 1 to 255'),
        ("m:longest=all", '"all" is no number from 1 to 2000'),
        ("m:twin=often", '"often" is not "turns"'),
        ("bus=a:babble=0s", "needs one time, more than 0"),
        ("bus=a:babble=1s..2s", "needs one time, more than 0"),
        ("m:rollover", 'the counters of meter "m" never roll over'),
        ("bus=a:rollover", 'the counters of meter "m" never roll over'),
        ("m:ct-change=60", '"60" is no ratio like 300/5'),
        ("m:ct-change=0/5", '"0/5" is no ratio'),
        ("ends:rollover@1s+1s", "cannot be undone: leave out the duration"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, order: str, why: str) -> None:
    with pytest.raises(UsageError, match=f'^fault "[^"]*": {why}'):
        build(site(tmp_path), faults=[order])


WORDS = [
    "m",
    "bus=a",
    "bus=",
    ":",
    "dead",
    "late",
    "=",
    "1s",
    "..",
    ",",
    "5%",
    "@",
    "+",
]


@given(st.lists(st.sampled_from(WORDS)).map("".join) | st.text())
def test_any_text_is_an_order_or_a_usage_error(text: str) -> None:
    try:
        build(site(Path("nowhere")), faults=[text])
    except UsageError as error:
        assert str(error).startswith(f'fault "{text}": ')
