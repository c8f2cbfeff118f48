"""Columns to totals: worked numbers, and what meters and people can do to them."""

from array import array
from dataclasses import replace
from typing import Any

import pytest
from harness.metered import (
    START,
    UTC,
    column,
    counted,
    kg,
    quantity,
    replayed,
    sink,
    site_of,
    source,
)
from harness.sites import EXPORT, IMPORT, POWER, SECOND, meter, reading

from zerometer.core.accounting import MOST_SPANS, Accounting
from zerometer.core.event import SiteEvent
from zerometer.core.metering import Column
from zerometer.core.notes import Note
from zerometer.core.points import Point
from zerometer.core.site import Combination, Sink, Site


@pytest.mark.parametrize("every_min", [30, 10, 1])
def test_a_tick_is_not_a_netted_window(every_min: int) -> None:
    """PV feeds A, then the grid feeds B: A has 0 kg, B 60 kg."""
    site = site_of(
        [meter(name, i, IMPORT) for i, name in enumerate(("pv", "grid", "a", "b"), 1)],
        sources=(
            source("pv", 0.0, counted("pv")),
            source("grid", 0.6, counted("grid")),
        ),
        sinks=(sink("a", counted("a")), sink("b", counted("b"))),
    )
    half = 30 // every_min
    first = [100.0 * min(i / half, 1.0) for i in range(2 * half + 1)]
    second = [100.0 * max(i / half - 1.0, 0.0) for i in range(2 * half + 1)]
    closing = replayed(
        site,
        [
            column(name, "active_energy_import", 60 * every_min, values)
            for name, values in (("pv", first), ("a", first),
                                 ("grid", second), ("b", second))
        ],
    )  # fmt: skip
    assert kg(site, closing, "sink.a") == pytest.approx(0.0, abs=1e-9)
    assert kg(site, closing, "sink.b") == pytest.approx(60.0, rel=1e-9)


def test_what_is_booked_is_what_counters_gained_whenever_they_end() -> None:
    site = site_of(
        [meter("grid", 1, IMPORT), meter("line", 2, IMPORT)],
        sources=(source("grid", 0.6, counted("grid")),),
        sinks=(sink("line", counted("line")),),
    )
    closing = replayed(
        site,
        [
            column("grid", "active_energy_import", 60, [0.0, 2.0, 4.0]),
            column("line", "active_energy_import", 40, [0.0, 1.0, 2.0]),
        ],
    )
    assert quantity(site, closing, "source.grid") == pytest.approx(4.0, rel=1e-12)
    assert quantity(site, closing, "sink.line") == pytest.approx(2.0, rel=1e-12)


def test_import_and_export_are_not_netted() -> None:
    """Export 50 kWh, then import 50 kWh: 30 kg are bought."""
    site = site_of(
        [meter("pv", 1, IMPORT), meter("grid", 2, IMPORT, EXPORT)],
        sources=(
            source("pv", 0.0, counted("pv")), source("grid", 0.6, counted("grid")),
        ),
        sinks=(
            Sink(id="export", pool="lv", kind="export",
                 measure=counted("grid", "active_energy_export")),
            Sink(id="rest", pool="lv", measure=None, kind="remainder"),
        ),
    )  # fmt: skip
    closing = replayed(
        site,
        [
            column("pv", "active_energy_import", 480, [0.0, 50.0, 100.0]),
            column("grid", "active_energy_export", 480, [5.0, 55.0, 55.0]),
            column("grid", "active_energy_import", 480, [7.0, 7.0, 57.0]),
        ],
    )
    entered = sum(t.entered_kg["physical"][1] for t in closing.totals)
    assert entered == pytest.approx(30.0, rel=1e-9)
    assert kg(site, closing, "sink.rest") == pytest.approx(30.0, rel=1e-9)
    assert kg(site, closing, "sink.export") == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("modulus", "step", "trace", "total"),
    [
        (4294967296, 1, [4294967290, 14], 20),
        (1e5, 0.1, [99999.8, 0.3], 0.5),
        (1e6, 0.01, [999999.97, 0.02], 0.05),
        (None, 0.1, [215.6, 215.7, 215.6, 215.6, 215.8], 0.2),
        (None, 0.01, [100.0, 42949672.95, 100.05], 0.05),
    ],
)
def test_worked_counter_traces_are_booked(
    modulus: float | None, step: float, trace: list[float], total: float
) -> None:
    point = replace(IMPORT, type="u32", scale=step, resolution=step, modulus=modulus)
    # 100 units a minute at most.
    line = replace(meter("line", 1, point), max_rate={point.name: 6000.0})
    site = site_of([line], sinks=(sink("line", counted("line")),))
    closing = replayed(site, [column("line", point.name, 60, trace)])
    booked = quantity(site, closing, "sink.line")
    assert booked == pytest.approx(total, abs=1e-9)


def line_site(*points: Point, **changes: Any) -> Site:
    return site_of(
        [replace(meter("line", 1, *(points or (IMPORT,))), **changes)],
        sinks=(sink("line", counted("line")),),
    )


def changed(at_s: float, **what: Any) -> SiteEvent:
    what.setdefault("kind", "meter-change")
    return SiteEvent(time_ns=START + round(at_s * SECOND), subject="line", **what)


def test_a_registered_meter_change_costs_no_energy() -> None:
    """Not even where the new meter reads more than the old one."""
    trace = column("line", "active_energy_import", 60, [100.0, 101.0, 102.0, 104.0])
    event = changed(90, final=101.6, quantity=101.5)
    closing = replayed(line_site(), [trace], event)
    assert quantity(line_site(), closing, "sink.line") == pytest.approx(1.6 + 2.5)
    assert closing.notes == []


def test_a_meter_change_of_which_nothing_is_known_opens_a_gap() -> None:
    trace = column("line", "active_energy_import", 60, [100.0, 101.0, 5.0, 6.0])
    closing = replayed(line_site(), [trace], changed(61))
    assert quantity(line_site(), closing, "sink.line") == pytest.approx(2.0)
    assert closing.notes == []


@pytest.mark.parametrize(
    ("final", "start", "kwh"), [(101.6, None, 2.6), (None, 4.5, 2.5)]
)
def test_half_of_a_meter_change_is_worth_half(
    final: float | None, start: float | None, kwh: float
) -> None:
    trace = column("line", "active_energy_import", 60, [100.0, 101.0, 5.0, 6.0])
    event = changed(90, final=final, quantity=start)
    closing = replayed(line_site(), [trace], event)
    assert quantity(line_site(), closing, "sink.line") == pytest.approx(kwh)


def test_a_meter_change_without_an_event_is_told() -> None:
    """Its energy since the last value of the old meter is not made up."""
    trace = column(
        "line", "active_energy_import", 60, [100.0, 101.0, 5.0, 6.0, 7.0, 8.0]
    )
    closing = replayed(line_site(), [trace])
    assert quantity(line_site(), closing, "sink.line") == pytest.approx(4.0)
    kinds = [note.kind for note in closing.notes]
    assert kinds == ["counter-held", "counter-held", "counter-reset"]
    assert "no event tells" in closing.notes[-1].text


def test_a_change_of_the_ratio_is_followed() -> None:
    """CT 100 becomes CT 200: the primary reading doubles, and nobody used that."""
    trace = column("line", "active_energy_import", 60, [100.0, 101.0, 204.0, 206.0])
    closing = replayed(line_site(), [trace], changed(90, kind="ratio-change"))
    assert quantity(line_site(), closing, "sink.line") == pytest.approx(3.0)


def test_an_event_that_comes_too_late_is_told() -> None:
    accounting = Accounting(line_site(), UTC)
    accounting.feed(column("line", "active_energy_import", 60, [100.0, 101.0]))
    (note,) = accounting.event(changed(30))
    assert (note.kind, note.meter) == ("event-late", "line")
    assert note.text.startswith("active_energy_import: told")
    assert accounting.event(changed(61)) == []
    assert accounting.event(replace(changed(1), kind="note")) == []


def test_a_change_that_is_to_come_outlives_a_restart() -> None:
    site = line_site()
    before = Accounting(site, UTC)
    before.feed(column("line", "active_energy_import", 60, [100.0, 101.0]))
    before.event(changed(90, final=102.0, quantity=4.0))
    before.advance(START + 60 * SECOND)
    after = Accounting(site, UTC)
    after.restore(before.state())
    at = array("q", [START + 120 * SECOND])
    after.feed(Column("line", "active_energy_import", at, array("d", [5.0])))
    closing = after.finish(START + 120 * SECOND)
    assert quantity(site, closing, "sink.line") == pytest.approx(2.0)


def test_the_fastest_rate_is_the_meters_own() -> None:
    trace = column("line", "active_energy_import", 60, [100.0, 105.0, 110.0])
    closing = replayed(line_site(), [trace])
    assert closing.notes == []
    slow = line_site(max_rate={"active_energy_import": 60.0})
    held = replayed(slow, [trace])
    assert {note.kind for note in held.notes} == {"counter-held"}
    assert quantity(slow, held, "sink.line") == 0.0


def test_another_transformer_over_a_restart_goes_on_as_another_meter() -> None:
    """What the counter reads is 50 times as much: that was not used."""
    secondary = replace(IMPORT, ratio="secondary")
    site = line_site(secondary, ct=(100.0, 5.0))
    before = Accounting(site, UTC)
    before.feed(column("line", "active_energy_import", 60, [100.0, 101.0]))
    first = before.finish(START + 60 * SECOND)
    for ct, gained in (((100.0, 5.0), 3.0), ((150.0, 5.0), 1.0)):
        changed_site = line_site(secondary, ct=ct)
        after = Accounting(changed_site, UTC)
        after.restore(before.state())
        after.resume(START + 120 * SECOND)
        times = array("q", (START + s * SECOND for s in (120, 180)))
        after.feed(
            Column("line", "active_energy_import", times, array("d", [103.0, 104.0]))
        )
        closing = after.finish(START + 180 * SECOND)
        assert quantity(site, closing, "sink.line") == pytest.approx(gained)
    assert quantity(site, first, "sink.line") == pytest.approx(1.0)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_ratio_that_the_meter_tells_anew_makes_another_counter(
    restarted: bool,
) -> None:
    ratio = Point(name="ct", function=3, address=1, type="u16", group="ratio")
    times = replace(IMPORT, type="u32", scale=0.01, resolution=None, times=("ct",))
    site = site_of(
        [meter("line", 1, times, ratio)], sinks=(sink("line", counted("line")),)
    )
    accounting, before = Accounting(site, UTC), 0.0
    for second, ct, value in ((0, 20, 100.0), (60, 20, 101.0), (120, 40, 204.0),
                              (180, 40, 206.0)):  # fmt: skip
        time_ns = START + second * SECOND
        if restarted and second == 120:
            before = quantity(
                site, accounting.advance(START + 60 * SECOND), "sink.line"
            )
            state, accounting = accounting.state(), Accounting(site, UTC)
            accounting.restore(state)
        both_of = {"active_energy_import": value, "ct": float(ct)}
        assert accounting.read(reading(site, "line", time_ns, **both_of), time_ns) == []
    closing = accounting.finish(START + 180 * SECOND)
    assert before + quantity(site, closing, "sink.line") == pytest.approx(3.0)
    counters = accounting.metering.counters
    assert counters.bank.step(counters.slot("line", "active_energy_import")) == 0.4


def test_negative_pv_at_night_is_told_once_and_never_booked() -> None:
    site = site_of([meter("pv", 1, POWER, IMPORT)], sources=(source("pv", 0.0),))
    watts = [30e3] * 10 + [-20.0] * 10 + [-200.0] * 10
    closing = replayed(
        site,
        [
            column("pv", "active_power", 1, watts[:15]),
            Column("pv", "active_power",
                   array("q", (START + s * SECOND for s in range(15, 30))),
                   array("d", watts[15:])),
            column("pv", "active_energy_import", 10,
                   [1.0, 1.0 + 1 / 12, 1.0 + 1 / 12, 1.0 + 1 / 12]),
        ],
    )  # fmt: skip
    # 20 W of 30 kW are noise.
    assert closing.notes == [Note("negative-flow", "pv", "active_power", -200.0)]
    assert quantity(site, closing, "source.pv") == pytest.approx(1 / 12)
    assert all(min(totals.flows) >= 0 for totals in closing.totals)


def test_an_export_that_no_flow_uses_is_told_once() -> None:
    site = site_of([meter("grid", 1)], sources=(source("grid", 0.6),))
    exports = [5.0, 5.001, 5.2, 5.4, 5.6]
    closing = replayed(site, [column("grid", "active_energy_export", 60, exports)])
    (note,) = closing.notes
    assert (note.kind, note.point) == ("negative-flow", "active_energy_export")


def test_a_virtual_meter_is_a_sum_and_never_negative() -> None:
    hall = Combination(
        id="hall", terms=((1, counted("main")), (-1, counted("a")), (-1, counted("b")))
    )
    site = site_of(
        [meter(name, i, IMPORT) for i, name in enumerate(("main", "a", "b"), 1)],
        sinks=(sink("hall", hall), sink("a", counted("a"))),
    )
    main = column("main", "active_energy_import", 60, [0.0, 9.0, 10.0])
    a = column("a", "active_energy_import", 60, [0.0, 2.0, 4.0])
    b = column("b", "active_energy_import", 60, [0.0, 3.0, 3.5])
    closing = replayed(site, [main, a, b])
    assert quantity(site, closing, "sink.hall") == pytest.approx(4.0)
    assert quantity(site, closing, "sink.a") == pytest.approx(4.0)
    (note,) = closing.notes
    assert (note.kind, note.meter) == ("virtual-negative", "sink.hall")
    assert note.value == pytest.approx(-1.5)
    assert note.text.startswith("comes to -1.5")


def test_a_week_away_is_worked_off_in_parts() -> None:
    """The loop is not held up, and every hour has its energy in the end."""
    site = line_site(POWER, IMPORT)
    before = Accounting(site, UTC)
    before.feed(column("line", "active_energy_import", 10, [0.0, 1.0, 2.0]))
    before.advance(START + 20 * SECOND)
    after = Accounting(site, UTC)
    after.restore(before.state())
    away = 6 * 24 * 3600
    now = START + (20 + away) * SECOND
    after.resume(now)
    parts, booked = [], 0.0
    while not parts or parts[-1]:
        after.read(reading(site, "line", now, active_energy_import=2.0 + away), now)
        closing = after.advance(now)
        parts.append(len(closing.totals))
        booked += sum(totals.flows[0] for totals in closing.totals)
        now += SECOND
    assert max(parts) == MOST_SPANS
    assert sum(parts) == (20 + away) // 60
    assert booked == pytest.approx(2.0 + away, rel=1e-3)


def test_who_has_just_come_back_is_waited_for() -> None:
    site = line_site(POWER, IMPORT)
    before = Accounting(site, UTC)
    before.feed(column("line", "active_energy_import", 10, [0.0, 1.0, 2.0]))
    before.advance(START + 20 * SECOND)
    after = Accounting(site, UTC)
    after.restore(before.state())
    after.resume(START + 320 * SECOND)
    # Three periods of five seconds; an orderly stop books no more than was known.
    assert after.advance(START + 335 * SECOND).totals == []
    (known,) = after.interrupt().totals
    assert known.end_ns == START + 20 * SECOND
    assert len(after.advance(START + 336 * SECOND).totals) == 5
