"""Powers against counters when a window closes, and what a restart keeps."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from harness.sites import IMPORT, POWER, SECOND, drawn, meter, reading, small_site

from zerometer.core.accounting import Accounting
from zerometer.core.metering import Disagreement, Metering
from zerometer.core.site import Site


def metering(step_kwh: float) -> tuple[Site, Metering]:
    """Return a site of one meter, and its metering."""
    counter = replace(IMPORT, type="u32", scale=step_kwh, resolution=None)
    site = replace(small_site(), meters=(meter("line", 1, POWER, counter),))
    return site, Metering(site.meters, [drawn("line")], ["sink.line"])


def minute(
    site: Site, metered: Metering, second: int, power_w: float, counted: float
) -> list[Disagreement]:
    """Meter a minute from *second* on; the counter is read at its end."""
    for now in range(second + 1, second + 61):
        values = {"active_power": power_w}
        if now == second + 60:
            values["active_energy_import"] = counted
        metered.read(reading(site, "line", now * SECOND, **values), now * SECOND)
        metered.tick((now - 1) * SECOND, now * SECOND)
    return list(metered.settle())


def booked(metered: Metering) -> float:
    """Return the energy of the ticks since the last call, and forget them."""
    total = sum(metered.spans.column(0))
    metered.spans.clear()
    return total


def test_a_coarse_counter_is_waited_for() -> None:
    site, metered = metering(step_kwh=1.0)
    minute(site, metered, 0, 54_000.0, 100.0)
    booked(metered)
    # Power says 0.9 kWh a minute; the counter shows whole ones, late.
    for number, counted in enumerate((100.0, 101.0, 102.0), 1):
        assert minute(site, metered, 60 * number, 54_000.0, counted) == []
        assert booked(metered) == pytest.approx(0.9)


def test_coarse_steps_are_no_disagreement() -> None:
    site, metered = metering(step_kwh=1.0)
    true, total = 100.95, 0.0
    for number in range(240):
        true += 0.783
        assert minute(site, metered, 60 * number, 46_980.0, true // 1.0) == []
        total += booked(metered)
    assert total == pytest.approx(240 * 0.783, abs=1.0)


def test_more_than_a_step_is_settled_at_once() -> None:
    site, metered = metering(step_kwh=1.0)
    minute(site, metered, 0, 60_000.0, 100.0)
    booked(metered)
    minute(site, metered, 60, 60_000.0, 106.0)
    assert booked(metered) == pytest.approx(6.0)


def test_a_fine_counter_is_followed_each_time() -> None:
    site, metered = metering(step_kwh=0.01)
    minute(site, metered, 0, 60_000.0, 100.0)
    booked(metered)
    assert minute(site, metered, 60, 60_000.0, 101.05) == []
    assert booked(metered) == pytest.approx(1.05)
    assert minute(site, metered, 120, 60_000.0, 102.0) == []
    assert booked(metered) == pytest.approx(0.95)


def test_power_and_counter_that_do_not_fit_are_told() -> None:
    site, metered = metering(step_kwh=0.01)
    minute(site, metered, 0, 60_000.0, 100.0)
    booked(metered)
    (told,) = minute(site, metered, 60, 60_000.0, 110.0)
    assert (told.flow, told.ratio) == (0, pytest.approx(10.0))
    assert booked(metered) == pytest.approx(10.0)


def test_what_was_booked_too_much_is_made_up_for_by_later_gains() -> None:
    site, metered = metering(step_kwh=0.01)
    minute(site, metered, 0, 60_000.0, 100.0)
    booked(metered)
    minute(site, metered, 60, 60_000.0, 101.0)
    total = booked(metered)
    # A power of a last look that was not held: 2 kWh too much were integrated.
    for now in range(121, 241):
        metered.read(
            reading(site, "line", now * SECOND, active_power=60_000.0), now * SECOND
        )
        metered.tick((now - 1) * SECOND, now * SECOND)
    list(metered.settle())
    total += booked(metered)
    assert total == pytest.approx(3.0)
    minute(site, metered, 240, 6_000.0, 101.05)
    total += booked(metered)
    assert total == pytest.approx(3.0)
    minute(site, metered, 300, 60_000.0, 103.55)
    assert total + booked(metered) == pytest.approx(3.55)


def test_a_storage_goes_on_with_what_it_held() -> None:
    site = small_site()
    accounting = Accounting(site, ZoneInfo("UTC"))
    held = {"storage.battery": [5.0, {"source.grid": 4.0, "source.gone": 2.0}]}
    state = accounting.state() | {"tanks": held}
    accounting.restore(state)
    energy, contents, kg = accounting.state()["tanks"]["held"]["storage.battery"]
    assert energy == 5.0
    assert contents == {"source.grid": 4.0, "unknown-start.battery": 2.0}
    # 0.6 kg/kWh, of what is unknown too.
    assert kg == pytest.approx({"physical": 3.6, "location": 3.6})
