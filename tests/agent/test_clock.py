"""Wall time as an offset to boot time, and what is done when it is a guess."""

import ctypes
import errno
from typing import Any

import pytest

from zerometer.agent import kernel_clock
from zerometer.agent.clock import (
    EPOCH_NS,
    LONGEST_WAIT_NS,
    STEP_NS,
    Clock,
    Stamp,
    read_boot_id,
    read_boottime_ns,
)
from zerometer.agent.kernel_clock import kernel_synchronisation

SECOND = 10**9
BOOT, OTHER = bytes(16), bytes([1]) * 16
NOW_NS = 1_800_000_000 * SECOND


class Hands:
    """What a machine knows of the time; the tests move it."""

    def __init__(self, wall: int = NOW_NS, *, kept: bool = True) -> None:
        self.boot = 5 * SECOND
        self.wall = wall
        self.kept = kept

    def clock(self, boot: bytes = BOOT) -> Clock:
        """Return a clock by these hands, in a boot."""
        return Clock(
            boottime_ns=lambda: self.boot,
            realtime_ns=lambda: self.wall,
            kernel_synchronised=lambda: self.kept,
            boot=boot,
        )

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.boot += seconds * SECOND
        self.wall += seconds * SECOND


def known(clock: Clock) -> dict[str, Any]:
    """Return what a journal keeps of a clock, checked to be plain."""
    kept = clock.known()
    assert all(isinstance(value, bytes | int) for value in kept.values())
    return kept


def test_wall_time_is_boot_time_plus_an_offset() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.advance(7)
    assert clock.wall_ns(clock.boottime_ns()) == hands.wall
    assert clock.boottime_of(hands.wall) == hands.boot
    assert clock.stamp == Stamp(BOOT, (NOW_NS - 5 * SECOND) // 10**6, True)


@pytest.mark.parametrize("seconds", [100, -60])
def test_a_step_is_followed_once(seconds: int) -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall += seconds * SECOND
    assert not clock.synchronised
    assert clock.follow() == seconds * SECOND
    assert clock.follow() == 0
    assert clock.synchronised
    assert clock.wall_ns(hands.boot) == hands.wall


def test_drift_is_not_a_step() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall += STEP_NS - 1
    assert clock.follow() == 0


def test_a_clock_that_nobody_keeps_right_is_a_guess() -> None:
    hands = Hands(kept=False)
    clock = hands.clock()
    assert not clock.synchronised
    hands.kept = True
    assert clock.synchronised


@pytest.mark.parametrize("kept", [True, False])
def test_a_first_start_waits_for_nothing_but_a_date(kept: bool) -> None:
    clock = Hands(kept=kept).clock()
    clock.take_up(None, None)
    assert not clock.waits
    unset = Hands(5 * SECOND, kept=kept)
    clock = unset.clock()
    clock.take_up(None, None)
    assert clock.waits
    assert clock.wait() is None
    unset.wall = NOW_NS
    assert clock.wait() == NOW_NS - 5 * SECOND
    assert not clock.waits
    assert clock.wall_ns(unset.boot) == NOW_NS


def test_a_start_in_the_same_boot_goes_on_by_the_same_offset() -> None:
    hands = Hands(kept=False)
    before = hands.clock()
    hands.advance(30)
    hands.wall += 1000
    clock = hands.clock()
    clock.take_up(known(before), NOW_NS)
    assert not clock.waits
    assert clock.wall_ns(hands.boot) == hands.wall - 1000
    hands.wall += 3600 * SECOND
    again = hands.clock()
    again.take_up(known(clock), NOW_NS)
    assert again.follow() == 3600 * SECOND + 1000


def test_after_a_reboot_the_clock_is_waited_for() -> None:
    hands = Hands(kept=False)
    before = hands.clock(OTHER)
    clock = hands.clock()
    clock.take_up(known(before), NOW_NS + 60 * SECOND)
    assert clock.waits
    hands.advance(30)
    assert clock.wait() is None
    hands.wall, hands.kept = NOW_NS + 600 * SECOND, True
    assert clock.wait() == 570 * SECOND
    assert clock.synchronised
    assert not clock.floored


def test_a_reboot_that_is_long_ago_is_not_waited_for() -> None:
    hands = Hands(kept=False)
    hands.boot = LONGEST_WAIT_NS
    clock = hands.clock()
    clock.take_up(known(hands.clock(OTHER)), NOW_NS)
    assert not clock.waits


def test_without_synchronisation_time_goes_on_from_the_books() -> None:
    """From where it ended when this boot began, which is the least it can be."""
    hands = Hands(NOW_NS - 3600 * SECOND, kept=False)
    clock = hands.clock()
    clock.take_up(known(hands.clock(OTHER)), NOW_NS)
    assert clock.wait(longer=True) is None
    hands.advance(300)
    assert clock.wait() == 3605 * SECOND
    assert clock.wall_ns(hands.boot) == NOW_NS + 305 * SECOND
    assert clock.floored
    assert not clock.synchronised
    # The clock that nobody keeps is behind the books: it is not followed, nor when
    # somebody sets it back further.
    assert clock.follow() == 0
    hands.wall -= 60 * SECOND
    assert clock.follow() == 0
    again = hands.clock()
    again.take_up(known(clock), NOW_NS)
    assert again.wall_ns(hands.boot) == NOW_NS + 305 * SECOND
    assert again.follow() == 0
    hands.wall, hands.kept = NOW_NS + 4000 * SECOND, True
    assert again.follow() == 3695 * SECOND
    assert again.synchronised
    assert not again.floored


def test_somebody_may_set_a_clock_that_goes_on_from_the_books() -> None:
    hands = Hands(0, kept=False)
    clock = hands.clock()
    clock.take_up(known(hands.clock(OTHER)), NOW_NS)
    clock.wait(longer=False)
    assert clock.follow() == 0
    hands.wall = NOW_NS + 500 * SECOND
    assert clock.follow() == 495 * SECOND
    assert not clock.synchronised


def test_a_clock_that_is_ahead_of_the_books_is_taken_as_it_is() -> None:
    """A machine with a clock of its own, that nobody compares with anything."""
    hands = Hands(kept=False)
    clock = hands.clock()
    clock.take_up(known(hands.clock(OTHER)), NOW_NS - 3600 * SECOND)
    hands.advance(300)
    assert clock.wait() == 0
    assert clock.wall_ns(hands.boot) == hands.wall
    assert not clock.floored
    assert not clock.synchronised


def test_a_clock_that_is_kept_is_believed_even_behind_the_books() -> None:
    hands = Hands()
    clock = hands.clock()
    clock.take_up(known(hands.clock(OTHER)), NOW_NS + 3600 * SECOND)
    assert not clock.waits
    assert clock.wall_ns(hands.boot) == hands.wall


def test_a_journal_that_knows_no_boot_ends_before_now() -> None:
    """It is of an older version: in which boot it ended is not known."""
    hands = Hands(0, kept=False)
    hands.boot = 90 * 86_400 * SECOND
    clock = hands.clock()
    clock.take_up(None, NOW_NS)
    assert clock.wall_ns(hands.boot) == NOW_NS


def test_a_date_before_the_first_gateway_is_no_date() -> None:
    hands = Hands(EPOCH_NS - 1)
    clock = hands.clock()
    assert not clock.synchronised
    hands.wall -= 3600 * SECOND
    assert clock.follow() == 0


def test_the_real_clocks_answer() -> None:
    assert len(read_boot_id()) == 16
    first = read_boottime_ns()
    assert 0 < first <= read_boottime_ns()
    clock = Clock()
    assert clock.wall_ns(clock.boottime_ns()) > 0
    assert clock.boot == read_boot_id()


def test_the_kernel_says_whether_somebody_keeps_its_clock() -> None:
    """The same as by the other call that asks it (ntp_gettime(3))."""
    told = kernel_synchronisation()()
    answer = ctypes.CDLL(None).ntp_gettime(ctypes.create_string_buffer(512))
    assert told == (0 <= answer < 5)


def test_a_kernel_that_refuses_to_tell_counts_as_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refusing(_: object) -> int:
        ctypes.set_errno(errno.EPERM)
        return -1

    class Library:
        adjtimex = staticmethod(refusing)

    monkeypatch.setattr(kernel_clock.ctypes, "CDLL", lambda _: Library())
    assert not kernel_synchronisation()()
