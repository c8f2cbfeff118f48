"""Today's emissions, and the windows that the page draws."""

import pytest
from harness.gateway import Gateway

from zerometer.agent.figures import KEPT_MINUTES


def test_todays_emissions_are_those_of_the_windows(gateway: Gateway) -> None:
    gateway.seconds(200)
    gateway.stop()
    gateway.start()
    figures = gateway.pipeline.figures
    assert figures.day == "2027-01-15"
    ledger = gateway.books() if gateway.kill() else None
    assert ledger is None
    assert len(figures.minutes) == 4
    today = figures.today_kg["physical"]
    assert today == pytest.approx(
        sum(minute.emissions_kg["physical"] for minute in figures.minutes)
    )
    # 60 kW of grid and 6 kW of an unknown battery at 0.6, gas at 2 kg/Nm3.
    per_hour = 66 * 0.6 + 36 * 2.0
    assert today == pytest.approx(per_hour * 200 / 3600, rel=0.01)


def test_a_window_that_is_put_out_again_counts_once(gateway: Gateway) -> None:
    gateway.seconds(90)
    gateway.stop()
    before = gateway.pipeline.figures.today_kg["location"]
    gateway.start()
    gateway.seconds(40)
    figures = gateway.pipeline.figures
    assert len(figures.minutes) == 2
    assert figures.today_kg["location"] == pytest.approx(before * 120 / 90, rel=0.02)


def test_a_new_day_begins_at_midnight_on_site(gateway: Gateway) -> None:
    """08:00 UTC is 16:00 in Shanghai: midnight is eight hours away."""
    gateway.seconds(70)
    gateway.kill()
    gateway.unseen(8 * 3600)
    gateway.start()
    gateway.seconds(70)
    figures = gateway.pipeline.figures
    assert figures.day == "2027-01-16"
    assert len(figures.minutes) == KEPT_MINUTES
    assert figures.today_kg["physical"] == pytest.approx(
        2 * figures.minutes[-2].emissions_kg["physical"], rel=0.1
    )
