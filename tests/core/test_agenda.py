"""What is so from a moment on."""

from array import array
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from harness.sites import meter, small_site
from harness.sites import reading as read

from zerometer.core.accounting import Accounting
from zerometer.core.agenda import Agenda
from zerometer.core.alignment import MINUTE_NS
from zerometer.core.event import SiteEvent
from zerometer.core.metering import Column
from zerometer.core.network import Network
from zerometer.core.points import Point
from zerometer.core.site import Site, StateOfCharge
from zerometer.core.totals import Totals

START = 1_800_000_000 * 10**9
QUARTER = 15 * MINUTE_NS
CHARGE = Point(name="soc", function=4, address=9, type="f32", unit="%", group="state")


def site() -> Site:
    """Return the small site; a gauge says when the battery is full or empty."""
    plain = small_site()
    gauge = StateOfCharge(meter="bms", point="soc", empty=5.0, full=95.0)
    battery = replace(plain.storages[0], capacity=40.0, state_of_charge=gauge)
    return replace(
        plain, storages=(battery,), meters=(*plain.meters, meter("bms", 9, CHARGE))
    )


def anchor(time_ns: int, energy: float, subject: str = "battery") -> SiteEvent:
    return SiteEvent(
        time_ns=time_ns, kind="storage-anchor", subject=subject, quantity=energy
    )


def lot(time_ns: int) -> SiteEvent:
    return SiteEvent(time_ns=time_ns, kind="lot-start", subject="door", text="L")


def test_spans_end_where_something_begins() -> None:
    agenda = Agenda(site(), Network(site()))
    for event in (anchor(30, 5.0), lot(20), anchor(70, 1.0, "gone")):
        agenda.event(event)
    assert agenda.until(0, 50) == 20
    assert agenda.until(20, 50) == 30
    assert agenda.until(30, 50) == 50
    assert list(agenda.take(20)) == []
    assert list(agenda.take(30)) == [(0, 5.0)]
    assert agenda.until(0, 50) == 50


def test_what_was_so_before_the_accounts_begin_says_nothing() -> None:
    agenda = Agenda(site(), Network(site()))
    agenda.event(anchor(30, 5.0))
    assert list(agenda.take(40)) == []
    assert agenda.until(0, 50) == 50


def test_a_gauge_counts_when_it_comes_to_an_end() -> None:
    agenda = Agenda(site(), Network(site()))
    for time_ns, value in enumerate((50, 95, 97, float("nan"), 96, 80, 4, 3, 99)):
        agenda.gauge("bms", "soc", time_ns, value)
    agenda.gauge("bms", "other", 9, 100.0)
    found = [(t, *anchored) for t in range(10) for anchored in agenda.take(t)]
    assert found == [(1, 0, 40.0), (6, 0, 0.0), (8, 0, 40.0)]


def test_full_says_nothing_of_a_storage_of_unknown_capacity() -> None:
    plain = site()
    small = replace(plain, storages=(replace(plain.storages[0], capacity=0.0),))
    agenda = Agenda(small, Network(small))
    agenda.gauge("bms", "soc", 0, 99.0)
    agenda.gauge("bms", "soc", 1, 1.0)
    assert [list(agenda.take(t)) for t in (0, 1)] == [[], [(0, 0.0)]]


def test_what_is_to_come_outlives_a_restart() -> None:
    before, after = (Agenda(site(), Network(site())) for _ in range(2))
    before.event(anchor(30, 5.0))
    before.event(lot(20))
    after.restore(before.state())
    assert after.until(0, 50) == 20
    assert list(after.take(30)) == [(0, 5.0)]
    gone = Agenda(replace(site(), storages=()), Network(replace(site(), storages=())))
    gone.restore(before.state())
    assert list(gone.take(99)) == []


def booked(accounting: Accounting, minutes: int) -> list[Totals]:
    """Charge the battery with 60 kW out of the grid; return what was booked."""
    for meter_id in ("grid", "battery"):
        times = array("q", (START + i * MINUTE_NS for i in range(minutes + 1)))
        values = array("d", (float(i) for i in range(minutes + 1)))
        accounting.feed(Column(meter_id, "active_energy_import", times, values))
    return accounting.finish(START + minutes * MINUTE_NS).totals


def test_a_storage_holds_from_then_on_what_it_is_known_to_hold() -> None:
    accounting = Accounting(site(), ZoneInfo("UTC"), booking_ns=QUARTER, ledger=False)
    assert accounting.event(anchor(START + 5 * MINUTE_NS, 30.0)) == []
    before, after = booked(accounting, 15)
    assert [before.end_ns, after.end_ns] == [
        START + 5 * MINUTE_NS, START + QUARTER,
    ]  # fmt: skip
    assert before.held[0].energy == pytest.approx(5 * 0.81)
    assert after.held[0].energy == pytest.approx(30 + 10 * 0.81)
    late = accounting.event(anchor(START + MINUTE_NS, 30.0))
    assert [note.kind for note in late] == ["event-late"]


def test_a_gauge_at_its_end_trues_a_storage_up() -> None:
    accounting = Accounting(site(), ZoneInfo("UTC"), booking_ns=QUARTER, ledger=False)
    empty_ns = START + 5 * MINUTE_NS
    accounting.read(read(site(), "bms", empty_ns, soc=4.0), empty_ns)
    *_, last = booked(accounting, 15)
    assert last.held[0].energy == pytest.approx(10 * 0.81)
    columns = Accounting(site(), ZoneInfo("UTC"), booking_ns=QUARTER, ledger=False)
    times, values = array("q", [empty_ns]), array("d", [4.0])
    columns.feed(Column("bms", "soc", times, values))
    *_, same = booked(columns, 15)
    assert same.held[0].energy == pytest.approx(last.held[0].energy)
