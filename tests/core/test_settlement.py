"""Powers against counters: what is booked of a minute, and what is told."""

from dataclasses import replace
from math import isnan
from zoneinfo import ZoneInfo

import pytest
from harness.sites import IMPORT, POWER, SECOND, drawn, meter, reading, small_site

from zerometer.core.accounting import Accounting
from zerometer.core.metering import Metered, Metering
from zerometer.core.network import Network
from zerometer.core.points import Point
from zerometer.core.site import Sink, Site

MINUTE = 60 * SECOND


class Line:
    """A line with one meter: its power each second, its counter now and then."""

    def __init__(self, step_kwh: float, *points: Point) -> None:
        counter = replace(IMPORT, type="u32", scale=step_kwh, resolution=None)
        site = small_site()
        self.site: Site = replace(
            site,
            meters=(meter("line", 1, *(points or (POWER, counter))),),
            pools=site.pools[:1], sources=(), processes=(), storages=(),
            sinks=(Sink(id="line", pool="lv", measure=drawn("line")),),
        )  # fmt: skip
        self.metering = Metering(self.site.meters, Network(self.site))
        self.now = 0
        self.cut_ns = 0

    def read(self, **values: float) -> None:
        """Let the meter be read now."""
        time_ns = self.now * SECOND
        self.metering.read(reading(self.site, "line", time_ns, **values), time_ns)

    def seconds(self, count: int, power_w: float | None) -> None:
        """Let time pass; without a power, the meter is dead."""
        for _ in range(count):
            if power_w is not None:
                self.read(active_power=power_w)
            self.now += 1

    def cut(self) -> Metered:
        """Take out what flowed since the last cut."""
        start_ns, self.cut_ns = self.cut_ns, self.now * SECOND
        return self.metering.cut(start_ns, self.cut_ns, SECOND)

    def minute(self, power_w: float, counted: float) -> Metered:
        """Meter a minute; the counter is read at its end."""
        self.seconds(60, power_w)
        self.read(active_energy_import=counted)
        return self.cut()


def booked(metered: Metered) -> float:
    """Return the energy of a cut."""
    assert sum(metered.energies) == pytest.approx(metered.totals[0], rel=1e-12)
    return metered.totals[0]


def test_a_coarse_counter_is_waited_for() -> None:
    line = Line(step_kwh=1.0)
    line.minute(54_000.0, 100.0)
    # Power says 0.9 kWh a minute; the counter shows whole ones, late.
    for counted in (100.0, 101.0, 102.0):
        metered = line.minute(54_000.0, counted)
        assert metered.disagreements == []
        assert booked(metered) == pytest.approx(0.9)


def test_coarse_steps_are_no_disagreement() -> None:
    line = Line(step_kwh=1.0)
    true, total = 100.95, 0.0
    for _ in range(240):
        true += 0.783
        metered = line.minute(46_980.0, true // 1.0)
        assert metered.disagreements == []
        total += booked(metered)
    assert total == pytest.approx(240 * 0.783, abs=1.0)


def test_more_than_a_step_is_settled_at_once() -> None:
    line = Line(step_kwh=1.0)
    line.minute(60_000.0, 100.0)
    assert booked(line.minute(60_000.0, 106.0)) == pytest.approx(6.0)


def test_a_fine_counter_is_followed_each_time() -> None:
    line = Line(step_kwh=0.01)
    line.minute(60_000.0, 100.0)
    for gained in (1.05, 0.95):
        index = line.metering.counters.index("line", "active_energy_import")
        metered = line.minute(60_000.0, index + gained)
        assert metered.disagreements == []
        assert booked(metered) == pytest.approx(gained, abs=1e-9)
        # Power gives the shape: all seconds alike.
        assert len(metered.energies) == 1


def test_power_and_counter_that_do_not_fit_are_told() -> None:
    line = Line(step_kwh=0.01)
    line.minute(60_000.0, 100.0)
    metered = line.minute(60_000.0, 110.0)
    (told,) = metered.disagreements
    assert (told.measure, told.ratio) == (0, pytest.approx(10.0))
    assert booked(metered) == pytest.approx(10.0)
    (told,) = line.minute(0.0, 111.0).disagreements
    assert isnan(told.ratio)


def test_what_was_booked_too_much_is_made_up_for_by_later_gains() -> None:
    line = Line(step_kwh=0.01)
    line.minute(60_000.0, 100.0)
    total = booked(line.minute(60_000.0, 101.0))
    # The counter does not answer: 2 kWh too much are integrated.
    line.seconds(120, 60_000.0)
    total += booked(line.cut())
    assert total == pytest.approx(3.0)
    total += booked(line.minute(6_000.0, 101.05))
    assert total == pytest.approx(3.0)
    assert total + booked(line.minute(60_000.0, 103.55)) == pytest.approx(3.55)


def test_a_gap_of_power_is_filled_by_its_counter() -> None:
    """Held for three polls, and not longer; the counter says how much it was."""
    line = Line(step_kwh=0.001)
    line.minute(60_000.0, 100.0)
    line.seconds(21, 60_000.0)
    line.seconds(29, None)
    line.seconds(10, 60_000.0)
    line.read(active_energy_import=101.3)
    metered = line.cut()
    held = 33 / 60
    assert list(metered.edges) == [60 * SECOND, 83 * SECOND, 110 * SECOND, 120 * SECOND]
    assert list(metered.energies) == pytest.approx([23 / 60, 1.3 - held, 10 / 60])
    assert metered.estimated[0] == pytest.approx(1.3 - held)
    assert metered.seen_ns == 33 * SECOND


def test_nothing_is_filled_in_while_nobody_knows() -> None:
    line = Line(step_kwh=0.001)
    line.minute(60_000.0, 100.0)
    line.seconds(60, None)
    dark = line.cut()
    # The power of the last second but one holds on for two more.
    assert booked(dark) == pytest.approx(2 / 60)
    assert dark.seen_ns == 2 * SECOND
    line.read(active_energy_import=101.0)
    # What the counter brings goes into the time that is not booked yet.
    assert booked(line.minute(60_000.0, 102.0)) == pytest.approx(2.0 - 2 / 60)


def test_rejected_and_missing_values_are_never_used() -> None:
    line = Line(step_kwh=0.001)
    line.read(active_power=60_000.0, active_energy_import=100.0)
    line.seconds(10, 60_000.0)
    bad = reading(line.site, "line", line.now * SECOND, active_power=6e5,
                  active_energy_import=5.0)  # fmt: skip
    bad.qualities = bytes([5, 6])
    line.metering.read(bad, line.now * SECOND)
    line.seconds(1, None)
    metered = line.minute(60_000.0, 101.0 + 11 / 60)
    assert booked(metered) == pytest.approx(71 / 60)
    assert metered.estimated[0] == 0.0
    assert metered.disagreements == []


def test_what_was_substituted_counts_as_estimated() -> None:
    line = Line(step_kwh=0.001)
    line.minute(60_000.0, 100.0)
    line.seconds(30, 60_000.0)
    put = reading(line.site, "line", line.now * SECOND, active_power=60_000.0)
    put.qualities = bytes([3])
    line.metering.read(put, line.now * SECOND)
    line.now += 1
    line.seconds(29, 60_000.0)
    line.read(active_energy_import=101.0)
    metered = line.cut()
    assert booked(metered) == pytest.approx(1.0)
    assert metered.estimated[0] == pytest.approx(1 / 60)


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
