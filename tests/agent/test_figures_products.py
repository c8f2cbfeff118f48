"""Products and events in today's figures."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.gateway import WALL_NS, Gateway, journalled_site
from harness.sites import SECOND

from zerometer.agent.account_picture import AccountPicture
from zerometer.core.event import SiteEvent
from zerometer.core.site import Measure, Product, Site

LEAK = SiteEvent(
    time_ns=WALL_NS + 60 * SECOND, kind="refrigerant", subject="R410A",
    quantity=2.0, unit="kg",
)  # fmt: skip


def site(folder: Path) -> Site:
    """Return the small site; a part is made of each 0.1 Nm3 of gas."""
    plain = journalled_site(folder)
    line = next(sink for sink in plain.sinks if sink.id == "line")
    others = tuple(sink for sink in plain.sinks if sink is not line)
    good = Measure(meter="gas", counter="volume", times=10.0)
    return replace(
        plain,
        sinks=(replace(line, product="part"), *others),
        products=(Product(id="part", name="Part", unit="pcs", good=good),),
    )


def test_a_product_of_today_is_kept_over_a_restart(tmp_path: Path) -> None:
    with Gateway(tmp_path, site(tmp_path)) as gateway:
        gateway.seconds(200)
        gateway.stop()
        gateway.start()
        gateway.seconds(120)
        (part,) = AccountPicture(gateway.pipeline, gateway.times.wall_ns).products()
    assert (part["id"], part["name"], part["unit"]) == ("part", "Part", "pcs")
    # 36 Nm3 an hour are a part in 10 s; the line takes 48 of 96 kW, 66 of them at 0.6.
    assert 20 < part["good"] < 33
    per_unit = 48 * 66 / 96 * 0.6 / 360
    assert part["kg_per_unit"]["physical"] == pytest.approx(per_unit, rel=0.02)


def test_an_event_is_in_its_day_and_in_no_minute(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        gateway.seconds(130)
        figures = gateway.pipeline.figures
        before = figures.today_kg["physical"]
        figures.event(LEAK)
        figures.event(replace(LEAK, time_ns=WALL_NS - 86_400 * SECOND))
        assert figures.today_kg["physical"] == pytest.approx(before + 2 * 2255.5)
        assert max(m.emissions_kg["physical"] for m in figures.minutes) < 10
