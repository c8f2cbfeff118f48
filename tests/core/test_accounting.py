"""Readings to windows, through the public pipeline of the core."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from harness.sites import SECOND, World, drawn, small_site

from zerometer.core.accounting import LONGEST_GAP_NS, Accounting
from zerometer.core.alignment import MINUTE_NS
from zerometer.core.errors import JournalError
from zerometer.core.windows import Window

START = 1_800_000_000 * SECOND
ZONE = ZoneInfo("Asia/Shanghai")
POWERS = {
    "grid": 60_000.0,
    "pv": 30_000.0,
    "battery": -6_000.0,
    "compressor": 24_000.0,
    "line": 48_000.0,
}


class Run:
    """An accounting that is fed second by second."""

    def __init__(self, powers: dict[str, float] | None = None) -> None:
        self.site = small_site()
        self.world = World(self.site, dict(powers or POWERS), gas_nm3_h=36.0)
        self.accounting = Accounting(self.site, ZONE)
        self.now = START
        self.windows: list[Window] = []

    def seconds(self, count: int, *, seen: bool = True) -> None:
        """Let time pass; unseen time passes for the meters only."""
        for _ in range(count):
            if seen:
                counters = (self.now // SECOND) % 5 == 0
                for reading in self.world.readings(self.now, counters=counters):
                    self.accounting.read(reading, self.now)
                self.windows += self.accounting.advance(self.now).windows
            self.world.second()
            self.now += SECOND

    def cell(self, window: Window, name: str) -> float:
        """Return a cell of a window in its unit."""
        for cell, units in zip(self.accounting.cells, window.cells, strict=True):
            if cell.name == name:
                return units * 10.0**cell.exponent
        raise KeyError(name)

    def total(self, name: str, length_ns: int = MINUTE_NS) -> float:
        """Return the sum of a cell over the windows of a length, latest revisions."""
        latest: dict[int, Window] = {}
        for window in self.windows:
            if window.length_ns == length_ns:
                before = latest.get(window.start_ns)
                assert before is None or before.revision < window.revision
                latest[window.start_ns] = window
        return sum(self.cell(window, name) for window in latest.values())


@pytest.fixture
def run() -> Run:
    return Run()


def identities(run: Run) -> Iterator[tuple[str, int, int]]:
    """Yield both sides of every identity of every window, as integers."""
    names = [cell.name for cell in run.accounting.cells]
    for window in run.windows:
        units = dict(zip(names, window.cells, strict=True))
        for origin in run.accounting.network.origins:
            received = sum(
                units[f"{place.name}:from:{origin.name}"]
                for place in run.accounting.network.places
            )
            yield origin.name, units[f"{origin.name}:entered"], received
        for view in ("physical", "location"):
            ends = f":emissions:{view}"
            yield (
                view,
                sum(units[o.name + ends] for o in run.accounting.network.origins),
                sum(units[p.name + ends] for p in run.accounting.network.places),
            )


def test_a_minute_is_attributed_and_booked(run: Run) -> None:
    run.seconds(121)
    minute = run.windows[-1]
    assert (minute.length_ns, minute.covered_ns) == (MINUTE_NS, MINUTE_NS)
    assert minute.measured_share == 1.0
    assert run.cell(minute, "source.grid:quantity") == pytest.approx(1.0)
    assert run.cell(minute, "sink.line:quantity") == pytest.approx(0.8)
    # 96 kW in, of which the line takes half: half of the grid's kilogram share.
    grid = run.cell(minute, "sink.line:from:source.grid")
    assert grid == pytest.approx(0.5 * 1.0, rel=1e-6)
    assert run.cell(minute, "fuel.boiler.natural_gas:entered") == pytest.approx(0.6)
    heat = run.cell(minute, "remainder.heat:emissions:physical")
    assert heat == pytest.approx(1.2)


def test_the_books_balance_to_the_last_unit(run: Run) -> None:
    run.world.powers_w |= {"line": 47_123.4, "pv": 31_007.7}
    run.seconds(1000)
    assert len(run.windows) > 16
    for name, left, right in identities(run):
        assert left == right, name
    assert all(b.worst < 1e-12 for b in run.accounting.balance.values())


def test_a_quarter_is_the_sum_of_its_minutes(run: Run) -> None:
    run.seconds(2000)
    quarters = [w for w in run.windows if w.length_ns == 15 * MINUTE_NS]
    assert len(quarters) == 2
    quarter = quarters[1]
    minutes = [
        w
        for w in run.windows
        if w.length_ns == MINUTE_NS
        and quarter.start_ns <= w.start_ns < quarter.start_ns + quarter.length_ns
    ]
    assert len(minutes) == 15
    sums = [sum(column) for column in zip(*(w.cells for w in minutes), strict=True)]
    assert sums == list(quarter.cells)


def test_the_counter_wins_over_a_wrong_power(run: Run) -> None:
    """A power that reads 10 % high shapes, but does not add energy."""
    run.seconds(10)
    true = run.world.powers_w["line"]
    before = run.world.imports["line"]
    for _ in range(300):
        for reading in run.world.readings(run.now, counters=run.now // SECOND % 5 == 0):
            if reading.meter == "line" and len(reading.points) == 1:
                reading.values[0] = true * 1.1
            run.accounting.read(reading, run.now)
        run.windows += run.accounting.advance(run.now).windows
        run.world.second()
        run.now += SECOND
    gained = run.world.imports["line"] - before
    assert run.total("sink.line:quantity") == pytest.approx(gained, rel=0.04)


def test_energy_of_a_dead_meter_comes_back_with_its_counter(run: Run) -> None:
    run.seconds(120)
    run.world.dead.add("line")
    run.seconds(180)
    dark = run.windows[-1]
    assert dark.measured_share < 1.0
    run.world.dead.clear()
    run.seconds(121)
    run.windows += run.accounting.interrupt().windows
    expected = 48.0 * (run.now - START - SECOND) / 3600 / SECOND
    assert run.total("sink.line:quantity") == pytest.approx(expected, rel=1e-3)


def test_a_restart_books_what_was_missed_once(run: Run) -> None:
    run.seconds(100)
    state = run.accounting.state()
    run.seconds(400, seen=False)
    run.accounting = Accounting(run.site, ZONE)
    assert run.accounting.restore(state) is None
    run.accounting.resume(run.now)
    run.seconds(200)
    run.windows += run.accounting.interrupt().windows
    for name, kw in (("source.grid", 60.0), ("source.pv", 30.0), ("sink.line", 48.0)):
        expected = kw * (run.now - START - SECOND) / 3600 / SECOND
        assert run.total(f"{name}:quantity") == pytest.approx(expected, rel=1e-3)
    starts = [w.start_ns for w in run.windows if w.length_ns == MINUTE_NS]
    assert starts == sorted(set(starts))
    assert len(starts) == 12
    for name, left, right in identities(run):
        assert left == right, name


def test_an_interrupted_window_goes_on_with_the_next_revision(run: Run) -> None:
    run.seconds(90)
    run.windows += run.accounting.interrupt().windows
    partial = [w for w in run.windows if w.length_ns == MINUTE_NS][-1]
    assert (partial.revision, partial.covered_ns) == (0, 29 * SECOND)
    state = run.accounting.state()
    run.accounting = Accounting(run.site, ZONE)
    run.accounting.restore(state)
    run.accounting.resume(run.now)
    run.seconds(60)
    whole = next(
        w
        for w in run.windows
        if w.start_ns == partial.start_ns and w.length_ns == MINUTE_NS and w.revision
    )
    assert (whole.revision, whole.covered_ns) == (1, MINUTE_NS)
    assert run.cell(whole, "sink.line:quantity") == pytest.approx(0.8, rel=1e-3)


def test_a_changed_graph_takes_up_counters_and_puts_out_old_windows(run: Run) -> None:
    run.seconds(100)
    state = run.accounting.state()
    cells = state["windows"]["cells"]
    cells[0] = ["sink.gone:quantity", "kWh", -6]
    accounting = Accounting(run.site, ZONE)
    leftover = accounting.restore(state)
    assert leftover is not None
    assert leftover.cells[0].name == "sink.gone:quantity"
    assert {w.length_ns for w in leftover.windows} == {MINUTE_NS * 15}
    index = accounting.metering.counters.index("line", "active_energy_import")
    assert index == run.accounting.metering.counters.index(
        "line", "active_energy_import"
    )


def test_a_cut_window_goes_on_over_a_changed_graph(run: Run) -> None:
    """The clock is an hour late for a while, and the graph changes meanwhile."""
    run.seconds(30)
    run.windows += run.accounting.rebase(-3600 * SECOND).windows
    run.now -= 3600 * SECOND
    run.seconds(5)
    state = run.accounting.state()
    state["windows"]["cells"][0] = ["sink.gone:quantity", "kWh", -6]
    run.accounting = Accounting(run.site, ZONE)
    assert run.accounting.restore(state) is not None
    run.windows += run.accounting.rebase(3600 * SECOND).windows
    run.now += 3600 * SECOND
    run.seconds(30)
    again = run.windows[-1]
    assert (again.start_ns, again.length_ns, again.revision) == (START, MINUTE_NS, 1)
    assert again.covered_ns > 50 * SECOND
    assert run.cell(again, "sink.line:quantity") == pytest.approx(
        48.0 * 60 / 3600, rel=0.15
    )


def test_a_flow_that_another_counter_measures_begins_anew(run: Run) -> None:
    run.seconds(100)
    state = run.accounting.state()
    sinks = tuple(
        replace(sink, measure=drawn("compressor")) if sink.id == "line" else sink
        for sink in run.site.sinks
    )
    accounting = Accounting(replace(run.site, sinks=sinks), ZONE)
    assert accounting.restore(state) is None
    accounting.resume(run.now)
    run.accounting = accounting
    run.windows.clear()
    run.seconds(81)
    run.windows += accounting.interrupt().windows
    # 24 kW of the compressor, not what its counter has ever counted.
    (_, window) = [w for w in run.windows if w.length_ns == MINUTE_NS][:2]
    assert run.cell(window, "sink.line:quantity") == pytest.approx(0.4, rel=0.05)


def test_a_later_state_is_refused_by_name(run: Run) -> None:
    state = run.accounting.state() | {"format": 99}
    with pytest.raises(JournalError, match="format 99"):
        run.accounting.restore(state)


def test_the_clock_steps_forward_without_booking_the_step(run: Run) -> None:
    run.seconds(30)
    run.windows += run.accounting.rebase(3600 * SECOND).windows
    run.now += 3600 * SECOND
    run.seconds(121)
    run.windows += run.accounting.interrupt().windows
    expected = 48.0 * 150 / 3600
    assert run.total("sink.line:quantity") == pytest.approx(expected, rel=0.01)


def test_a_step_within_a_window_loses_none_of_it(run: Run) -> None:
    run.seconds(300)
    run.windows += run.accounting.rebase(SECOND).windows
    run.now += SECOND
    run.seconds(1000)
    run.windows += run.accounting.interrupt().windows
    expected = 48.0 * 1299 / 3600
    for length_ns in (MINUTE_NS, 15 * MINUTE_NS):
        booked = run.total("sink.line:quantity", length_ns)
        assert booked == pytest.approx(expected, rel=0.01)
    for name, left, right in identities(run):
        assert left == right, name


def test_a_changed_conversion_counts_from_the_restart(run: Run) -> None:
    """What the counter gained while we were away is converted as the file says now."""
    run.seconds(120)
    before = run.total("process.compressors:gives:air:quantity")
    state = run.accounting.state()
    run.seconds(600, seen=False)
    compressors, boiler = run.site.processes
    air = replace(compressors.gives["air"], times=10.0, power_times=0.01)
    run.site = replace(
        run.site, processes=(replace(compressors, gives={"air": air}), boiler)
    )
    run.accounting = Accounting(run.site, ZONE)
    assert run.accounting.restore(state) is None
    run.accounting.resume(run.now)
    run.seconds(121)
    gained = run.total("process.compressors:gives:air:quantity") - before
    # The minute that was open, the time away, and a minute after it.
    assert gained == pytest.approx(24.0 * 10 * (60 + 600 + 120) / 3600, rel=0.02)


def test_a_small_step_back_is_waited_for(run: Run) -> None:
    run.seconds(61)
    assert run.accounting.rebase(-30 * SECOND).windows == []
    run.now -= 30 * SECOND
    run.seconds(30)
    run.seconds(91)
    run.windows += run.accounting.interrupt().windows
    starts = [w.start_ns for w in run.windows if w.length_ns == MINUTE_NS]
    assert starts == sorted(starts)
    expected = 48.0 * (60 + 30 + 91) / 3600
    assert run.total("sink.line:quantity") == pytest.approx(expected, rel=0.02)


def test_present_rates_follow_the_last_reading(run: Run) -> None:
    run.seconds(10)
    rates = run.accounting.rates(run.now)
    lv, air, heat = rates.factors["physical"]
    assert lv is not None
    # 60 of grid and 6 of an unknown battery at 0.6, 30 of PV at 0, per 96 kW.
    assert lv == pytest.approx(0.6 * 66 / 96)
    assert air == pytest.approx(lv / 8)
    assert heat == pytest.approx(2.0 / 0.03)


def test_without_flow_a_factor_is_undefined(run: Run) -> None:
    rates = run.accounting.rates(run.now)
    assert rates.factors["physical"] == [None, None, None]


def test_a_replaced_meter_opens_a_gap_and_costs_no_energy_before_it(run: Run) -> None:
    run.seconds(120)
    run.world.imports["line"] = 3.0
    notes = []
    for _ in range(300):
        for reading in run.world.readings(run.now, counters=run.now // SECOND % 5 == 0):
            notes += run.accounting.read(reading, run.now)
        run.windows += run.accounting.advance(run.now).windows
        run.world.second()
        run.now += SECOND
    kinds = [note.kind for note in notes]
    assert kinds == ["counter-held", "counter-held", "counter-reset"]
    assert (notes[-1].meter, notes[-1].point) == ("line", "active_energy_import")
    run.windows += run.accounting.interrupt().windows
    expected = 48.0 * (run.now - START - SECOND) / 3600 / SECOND
    assert run.total("sink.line:quantity") == pytest.approx(expected, rel=1e-3)


def test_a_float_counter_is_as_coarse_as_its_floats(run: Run) -> None:
    counters = run.accounting.metering.counters
    slot = counters.slot("line", "active_energy_import")
    assert counters.bank.step(slot) == 0.001
    run.world.imports["line"] = 3_000_000.0
    run.seconds(2)
    assert counters.bank.step(slot) == 0.25


def test_nothing_before_the_first_tick_is_an_interruption(run: Run) -> None:
    run.accounting.resume(run.now)
    assert run.accounting.interrupt().windows == []
    assert run.accounting.last_ns is None
    assert run.accounting.rebase(-10 * SECOND).windows == []
    run.seconds(61)
    assert run.windows[0].covered_ns == MINUTE_NS


def test_a_site_without_a_graph_has_windows_without_cells() -> None:
    site = replace(
        small_site(), pools=(), sources=(), processes=(), storages=(), sinks=()
    )
    accounting = Accounting(site, ZONE)
    accounting.advance(START)
    windows = accounting.advance(START + MINUTE_NS).windows
    assert [(w.covered_ns, w.measured_share, len(w.cells)) for w in windows] == [
        (MINUTE_NS, 1.0, 0)
    ]
    again = Accounting(site, ZONE)
    assert again.restore(accounting.state()) is None
    assert not again.rates(START).throughput


def test_an_interruption_longer_than_a_week_is_its_last_week(run: Run) -> None:
    run.seconds(61)
    run.now += LONGEST_GAP_NS + 10 * MINUTE_NS
    run.accounting.resume(run.now)
    run.seconds(61)
    minutes = [w for w in run.windows if w.length_ns == MINUTE_NS]
    assert sum(w.covered_ns for w in minutes) == pytest.approx(
        LONGEST_GAP_NS + 2 * MINUTE_NS, abs=MINUTE_NS
    )
    assert minutes[1].start_ns - minutes[0].start_ns >= 10 * MINUTE_NS


@pytest.mark.parametrize(
    ("midnight", "quarters"),
    [("2026-03-29T00:00:00+01:00", 92), ("2026-10-25T00:00:00+02:00", 100)],
)
def test_windows_tile_the_days_on_which_clocks_change(
    midnight: str, quarters: int
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = int(datetime.fromisoformat(midnight).timestamp()) * SECOND
    accounting = Accounting(replace(small_site(), tick_ns=MINUTE_NS), zone)
    accounting.advance(start)
    end = start + quarters * 15 * MINUTE_NS
    windows = accounting.finish(end).windows
    for length_ns in (MINUTE_NS, 15 * MINUTE_NS):
        starts = [w.start_ns for w in windows if w.length_ns == length_ns]
        assert starts == list(range(start, end, length_ns))
    assert {w.covered_ns == w.length_ns for w in windows} == {True}
    local = datetime.fromtimestamp(end // SECOND, zone)
    assert (local.hour, local.minute) == (0, 0)
