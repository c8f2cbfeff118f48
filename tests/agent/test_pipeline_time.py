"""A gateway without a clock of its own: what it writes down before it knows the date.

The truth in these tests: the gateway ran until WALL_NS, was without power for ten
minutes, and booted again. A Pi comes up with 1970, or with the time of the last
shutdown, and learns the date when it reaches a time server.
"""

import pytest
from harness.gateway import LINE, WALL_NS, Gateway, kinds, kwh, rows, total, windows
from harness.sites import SECOND

from zerometer.core.alignment import QUARTER_NS

MINUTE = 60 * SECOND
OFF_S = 600
#: What a Pi takes itself to be: unset, or where it was last written down.
WRONG = pytest.mark.parametrize("wrong_ns", [20 * SECOND, WALL_NS - 1800 * SECOND])


def reboot(gateway: Gateway, wrong_ns: int) -> int:
    """Let power fail and come back; return by how much the wall clock is behind."""
    gateway.kill()
    gateway.unseen(OFF_S)
    truth_ns = gateway.times.wall_ns
    gateway.times.reboot(wrong_ns)
    gateway.start()
    return truth_ns - wrong_ns


def synchronise(gateway: Gateway, behind_ns: int) -> None:
    """Let the gateway reach a time server."""
    gateway.times.wall_ns += behind_ns
    gateway.times.synchronised = True


@WRONG
def test_what_is_read_before_the_date_is_known_waits_for_it(
    gateway: Gateway, wrong_ns: int
) -> None:
    gateway.seconds(120)
    behind_ns = reboot(gateway, wrong_ns)
    booted_ns = gateway.times.wall_ns + behind_ns
    gateway.seconds(30)
    assert gateway.pipeline.latest.meters["line"].time_ns > 0  # it is shown
    synchronise(gateway, behind_ns)
    gateway.seconds(90)
    gateway.stop()
    readings = gateway.sealed("readings")
    times = [row["time"] for row in rows(readings, "readings/line/power")]
    first, second = WALL_NS // 10**6, booted_ns // 10**6
    assert times == [
        *range(first, first + 120_000 - 4000, 1000),  # those 4 s were not committed
        *range(second, second + 120_000, 1000),
    ]
    assert {batch.header.clock for batch in readings} == {"synced"}
    # The energy of the time without power lies where that was.
    books = gateway.books()
    assert total(books, LINE) == pytest.approx(kwh(840), rel=0.01)
    covered = [row["covered"] for row in windows(books).values()]
    assert sum(x for x in covered if isinstance(x, float | int)) == 840
    quarters = windows(books, "15min")
    assert list(quarters) == [WALL_NS // 10**6]
    assert kinds(gateway) == []


@WRONG
def test_without_a_date_it_goes_on_from_the_books_and_says_so(
    gateway: Gateway, wrong_ns: int
) -> None:
    gateway.seconds(120)
    behind_ns = reboot(gateway, wrong_ns)
    gateway.seconds(600)
    synchronise(gateway, behind_ns)
    gateway.seconds(120)
    gateway.stop()
    readings = gateway.sealed("readings")
    clocks = [batch.header.clock for batch in readings]
    assert set("".join(clock[0] for clock in clocks).strip("s")) == {"u"}
    unsynced = [b for b in readings if b.header.clock == "unsynced"]
    # Time runs on from where it ended: never back, and nowhere near 1970.
    assert min(b.header.t0_ms for b in unsynced) >= (WALL_NS + 115 * SECOND) // 10**6
    offsets = {b.header.offset_ms for b in unsynced}
    assert len(offsets) == 1
    steps = rows(gateway.sealed("state"), "clock")
    assert [row["cause"] for row in steps] == ["boot", "floor", "step"]
    floor, step = steps[1:]
    assert {step["before"]} == offsets == {floor["after"]}
    assert (floor["synchronised"], step["synchronised"]) == (0, 1)
    truth_ms = (gateway.times.wall_ns - gateway.times.boot_ns) // 10**6
    assert step["after"] == truth_ms
    assert total(gateway.books(), LINE) == pytest.approx(kwh(1440), rel=0.01)
    assert kinds(gateway) == ["clock-step"]


def test_a_stop_while_the_clock_is_waited_for_loses_nothing(gateway: Gateway) -> None:
    gateway.seconds(60)
    reboot(gateway, 20 * SECOND)
    gateway.seconds(30)
    gateway.stop()
    powers = rows(gateway.sealed("readings"), "readings/line/power")
    assert len(powers) == 60 - 4 + 30
    assert gateway.sealed("readings")[-1].header.clock == "unsynced"


def test_a_first_start_without_a_date_waits_for_it(gateway: Gateway) -> None:
    gateway.kill()
    (gateway.folder / "journal.db").unlink()
    truth_ns = gateway.times.wall_ns
    gateway.times.reboot(20 * SECOND)
    gateway.start()
    gateway.seconds(45)
    synchronise(gateway, truth_ns - 20 * SECOND)
    gateway.seconds(75)
    gateway.stop()
    assert list(windows(gateway.books())) == [
        truth_ns // 10**6, truth_ns // 10**6 + 60_000
    ]  # fmt: skip
    assert total(gateway.books(), LINE) == pytest.approx(kwh(120), rel=0.01)
    assert {b.header.clock for b in gateway.sealed("readings")} == {"synced"}


def test_events_of_the_wait_are_dated_when_the_date_is_known(
    gateway: Gateway,
) -> None:
    gateway.seconds(60)
    behind_ns = reboot(gateway, 20 * SECOND)
    gateway.events.add(gateway.times.wall_ns // 10**6, "port-lost", "bus", "is gone")
    truth_ms = (gateway.times.wall_ns + behind_ns) // 10**6
    gateway.seconds(10)
    synchronise(gateway, behind_ns)
    gateway.seconds(10)
    assert [event.time_ms for event in gateway.events.recent] == [truth_ms]
    gateway.stop()
    (event,) = rows(gateway.books(), "events")
    assert event["time"] == truth_ms


def test_time_never_runs_back_over_reboots(gateway: Gateway) -> None:
    """Again and again without a time server, from a clock that was set long ago."""
    for _ in range(4):
        gateway.seconds(40)
        gateway.kill()
        gateway.unseen(5)
        gateway.times.reboot(WALL_NS - 86_400 * SECOND, boot_ns=400 * SECOND)
        gateway.start()
    gateway.seconds(40)
    gateway.stop()
    times = [
        row["time"] for row in rows(gateway.sealed("readings"), "readings/pv/power")
    ]
    assert len(times) > 180
    assert times == sorted(set(times))


def test_a_restart_in_a_boot_without_a_date_goes_on_as_before(
    gateway: Gateway,
) -> None:
    gateway.seconds(60)
    gateway.kill()
    gateway.times.reboot(20 * SECOND, boot_ns=400 * SECOND)
    gateway.start()
    gateway.seconds(61)
    gateway.stop()
    gateway.unseen(30)
    gateway.start()
    gateway.seconds(30)
    gateway.stop()
    readings = gateway.sealed("readings")
    offsets = [b.header.offset_ms for b in readings if b.header.clock == "unsynced"]
    assert len(set(offsets)) == 1
    assert len(offsets) >= 3
    assert total(gateway.books(), LINE) == pytest.approx(kwh(181), rel=0.05)


def test_a_step_while_stopped_is_known_to_the_second(gateway: Gateway) -> None:
    """In the same boot, the clock since boot tells what was away and what stepped."""
    gateway.seconds(70)
    gateway.stop()
    gateway.unseen(100)
    gateway.times.wall_ns -= 2 * QUARTER_NS
    gateway.start()
    gateway.seconds(120)
    gateway.stop()
    assert kinds(gateway) == ["clock-step"]
    (event,) = rows(gateway.books(), "events")
    assert event["text"] == "wall clock stepped by -1800.000 s"
    assert total(gateway.books(), LINE) == pytest.approx(kwh(290), rel=0.02)


def test_batches_say_when_the_clock_is_kept_and_when_no_more(gateway: Gateway) -> None:
    for kept in (True, False, True):
        gateway.times.synchronised = kept
        gateway.seconds(20)
    gateway.stop()
    readings = gateway.sealed("readings")
    clocks = [batch.header.clock for batch in readings]
    assert clocks == ["synced", "unsynced", "synced"]
    told = rows(gateway.sealed("state"), "clock")
    assert [(row["cause"], row["synchronised"]) for row in told] == [
        ("boot", 1), ("unkept", 0), ("kept", 1)
    ]  # fmt: skip
    assert kinds(gateway) == []
