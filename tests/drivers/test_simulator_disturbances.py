"""What a whole simulated line does wrong: echo, babble, unplugging; and its tap."""

import os
import select
import time
import tty
from pathlib import Path

import pytest
from harness.simulation import SDM630, constant
from harness.wire import converse

from zerometer.core._frame import read_request
from zerometer.core.points import LineSettings
from zerometer.drivers.simulator.babble import Babble
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.simulator.meters import SimulatedMeter
from zerometer.drivers.simulator.terminal import Terminal

FAST = LineSettings(baud=115_200)
MS = 1_000_000
ASK = read_request(1, 4, 52, 2)


def units() -> dict[int, SimulatedMeter]:
    return {1: SimulatedMeter("a", SDM630, constant(41.5))}


@pytest.mark.parametrize("paced", [True, False])
def test_an_echo_comes_before_the_reply(paced: bool) -> None:
    with SimulatedLine(FAST, units(), turnaround_ns=0, paced=paced) as line:
        reply = converse(line.port, ASK, 9)
        line.echo()
        assert converse(line.port, ASK, 17) == ASK + reply
        line.echo(False)
        assert converse(line.port, ASK, 9) == reply
        line.echo()
        assert converse(line.port, b"\x09", 1) == b"\x09"


def test_an_echo_takes_the_time_of_the_request() -> None:
    slow = LineSettings(baud=2400)
    with SimulatedLine(slow, units(), turnaround_ns=0) as line:
        line.echo()
        begin = time.monotonic_ns()
        converse(line.port, ASK, 8)
        took_ns = time.monotonic_ns() - begin
    assert 8 * slow.character_ns <= took_ns < 8 * slow.character_ns + 100 * MS


def test_babble_comes_while_all_are_silent() -> None:
    with SimulatedLine(FAST, units()) as line:
        line.babble(Babble(10 * MS, 3))
        heard = converse(line.port, b"", 9)
        line.babble(None)
        converse(line.port, b"", 100, 0.03)
        assert converse(line.port, b"", 1, 0.03) == b""
    assert len(heard) == 9


def test_the_tap_sees_what_is_written_and_nothing_else() -> None:
    seen: list[bytes] = []
    with SimulatedLine(FAST, units(), turnaround_ns=0, tap=seen.append) as line:
        line.echo()
        converse(line.port, ASK + b"\x01", 18)
        converse(line.port, b"junk", 4)
    assert b"".join(seen) == ASK + b"\x01junk"


def test_unplugging_hangs_up_and_takes_the_link_away(tmp_path: Path) -> None:
    link = tmp_path / "port"
    line = SimulatedLine(FAST, units(), end=Terminal(link), turnaround_ns=0)
    line.start()
    descriptor = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(descriptor)
        os.write(descriptor, ASK)
        line.stop()
        assert not link.is_symlink()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        ((_, events),) = poll.poll(1000)
        assert events & select.POLLHUP
        with pytest.raises(OSError, match="Input/output error"):
            os.write(descriptor, ASK)
        line.start()
        assert len(converse(str(link), ASK, 9)) == 9
    finally:
        os.close(descriptor)
        line.stop()


def test_nothing_of_before_is_heard_when_it_is_plugged_in_again() -> None:
    line = SimulatedLine(FAST, units(), turnaround_ns=100 * MS)
    with line:
        converse(line.port, ASK + ASK[:5], 1, 0.01)
    with line:
        assert converse(line.port, b"", 1, 0.15) == b""
        assert len(converse(line.port, ASK, 9)) == 9
