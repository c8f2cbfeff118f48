"""Clocks that step, stop or were never set: what becomes of the books."""

import pytest
from harness.gateway import LINE, WALL_NS, Gateway, kinds, kwh, rows, total, windows
from harness.sites import SECOND


def test_a_step_seals_what_the_old_clock_timed(gateway: Gateway) -> None:
    gateway.seconds(10)
    gateway.times.wall_ns += 3600 * SECOND
    gateway.seconds(10)
    gateway.stop()
    before, after = gateway.sealed("readings")
    assert (before.header.clock, after.header.clock) == ("unsynced", "synced")
    # The reading of the tick that sees the step is timed by the clock as it is.
    assert after.header.t0_ms - before.header.t1_ms == 3_601_000
    (event,) = rows(gateway.books(), "events")
    assert event["kind"] == "clock-step"
    assert event["text"] == "wall clock stepped by +3600.000 s"
    assert total(gateway.books(), LINE) == pytest.approx(kwh(20), rel=0.06)


def test_steps_within_a_window_cost_none_of_it(gateway: Gateway) -> None:
    """What a receiver has of a window is replaced when its name comes again."""
    for _ in range(8):
        gateway.seconds(17)
        gateway.times.wall_ns += 2 * SECOND
    gateway.seconds(17)
    gateway.stop()
    ledger = gateway.books()
    for length in ("1min", "15min"):
        booked = total(ledger, LINE, length)
        assert booked == pytest.approx(kwh(9 * 17), rel=0.01)


def test_a_step_back_books_each_second_once(gateway: Gateway) -> None:
    gateway.seconds(90)
    gateway.times.wall_ns -= 45 * SECOND
    gateway.seconds(165)
    gateway.stop()
    ledger = gateway.books()
    assert total(ledger, LINE) == pytest.approx(kwh(255), rel=0.01)
    covered = [row["covered"] for row in windows(ledger).values()]
    assert covered == [60, 60, 60, 30]


@pytest.mark.parametrize("back_s", [30, 3600, 300 * 24 * 3600])
def test_a_clock_set_back_while_stopped_does_not_stop_time(
    gateway: Gateway, back_s: int
) -> None:
    gateway.seconds(70)
    gateway.kill()
    gateway.unseen(10)
    gateway.times.wall_ns -= back_s * SECOND
    gateway.start()
    gateway.unseen(1)
    gateway.seconds(120)
    gateway.stop()
    assert kinds(gateway) == ["clock-step"]
    ledger = gateway.books()
    assert total(ledger, LINE) == pytest.approx(kwh(201), rel=0.02)


def test_a_clock_set_for_the_first_time_while_stopped_is_no_outage(
    gateway: Gateway,
) -> None:
    gateway.kill()
    gateway.times.wall_ns = gateway.times.boot_ns
    (gateway.folder / "journal.db").unlink()
    gateway.start()
    gateway.seconds(70)
    gateway.kill()
    gateway.times.wall_ns = WALL_NS
    gateway.start()
    gateway.seconds(70)
    gateway.stop()
    ledger = gateway.books()
    assert total(ledger, LINE) == pytest.approx(kwh(140), rel=0.02)
    assert len(windows(ledger)) == 4


def test_a_clock_set_back_far_repeats_its_time(gateway: Gateway) -> None:
    """What is told of the repeated time comes after what was told of it before."""
    gateway.seconds(90)
    gateway.times.wall_ns -= 20 * 60 * SECOND
    gateway.seconds(1230)
    gateway.stop()
    ledger = gateway.books()
    told = [
        row for row in rows(ledger, "ledger/1min")
        if row["time"] == WALL_NS // 1_000_000
    ]  # fmt: skip
    assert [row["covered"] for row in told] == [60, 60]
    # Of 1320 s, those 60 that came twice are replaced.
    assert total(ledger, LINE) == pytest.approx(kwh(1260), rel=0.01)
