"""Wall time as an offset to boot time."""

import pytest

from zerometer.agent.clock import STEP_NS, Clock, read_boot_id, read_boottime_ns

SECOND = 10**9


class Clocks:
    """Two hands that the tests move."""

    def __init__(self) -> None:
        self.boot = 5 * SECOND
        self.wall = 1_800_000_000 * SECOND

    def clock(self) -> Clock:
        return Clock(boottime_ns=lambda: self.boot, realtime_ns=lambda: self.wall)

    def advance(self, seconds: int) -> None:
        self.boot += seconds * SECOND
        self.wall += seconds * SECOND


def test_wall_time_is_boot_time_plus_an_offset() -> None:
    hands = Clocks()
    clock = hands.clock()
    hands.advance(7)
    assert clock.wall_ns(clock.boottime_ns()) == hands.wall
    assert clock.boottime_of(hands.wall) == hands.boot
    assert clock.synchronised


@pytest.mark.parametrize("seconds", [100, -60])
def test_a_step_is_followed_once(seconds: int) -> None:
    hands = Clocks()
    clock = hands.clock()
    hands.wall += seconds * SECOND
    assert not clock.synchronised
    assert clock.follow() == seconds * SECOND
    assert clock.follow() == 0
    assert clock.synchronised
    assert clock.wall_ns(hands.boot) == hands.wall


def test_drift_is_not_a_step() -> None:
    hands = Clocks()
    clock = hands.clock()
    hands.wall += STEP_NS - 1
    assert clock.follow() == 0


def test_after_a_reboot_without_a_clock_time_goes_on_from_what_is_booked() -> None:
    hands = Clocks()
    hands.wall = 0
    clock = hands.clock()
    clock.not_before(1_790_000_000 * SECOND)
    hands.advance(3)
    assert clock.wall_ns(hands.boot) == 1_790_000_003 * SECOND
    assert not clock.synchronised
    assert clock.follow() == 0
    hands.wall = 1_790_000_503 * SECOND
    assert clock.follow() == 500 * SECOND
    assert clock.synchronised


def test_a_clock_that_is_set_is_believed() -> None:
    hands = Clocks()
    clock = hands.clock()
    clock.not_before(hands.wall + 3600 * SECOND)
    assert clock.wall_ns(hands.boot) == hands.wall


def test_the_real_clocks_answer() -> None:
    assert len(read_boot_id()) == 16
    first = read_boottime_ns()
    assert 0 < first <= read_boottime_ns()
    clock = Clock()
    assert clock.wall_ns(clock.boottime_ns()) > 0
