"""Exchange against scripted far ends: every way in which a reply can come or not."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from harness.ptys import Pty, ScriptedUnits
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core._frame import crc16, read_request
from zerometer.core.errors import UsageError
from zerometer.core.points import LineSettings
from zerometer.core.verdict import Verdict
from zerometer.drivers._exchange import Exchange
from zerometer.drivers.outcome import Outcome
from zerometer.drivers.serial_line import SerialLine

FAST = LineSettings(baud=115_200)
MS = 1_000_000
REQUEST = read_request(1, 3, 100, 4)
PAYLOAD = bytes(range(8))


def framed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


GOOD_REPLY = framed(bytes([1, 3, 8]) + PAYLOAD)


@contextmanager
def exchange_with(units: ScriptedUnits) -> Iterator[Exchange]:
    line = SerialLine(units.pty.path, FAST)
    try:
        with units:
            yield Exchange(line.fd, FAST.character_ns, FAST.silence_ns)
    finally:
        line.close()


def test_outcomes_continue_the_verdicts() -> None:
    assert [(v.name, v.value) for v in Verdict] == [(o.name, o.value) for o in Outcome][
        : len(Verdict)
    ]


def test_good_reply() -> None:
    with exchange_with(ScriptedUnits(lambda _: [(0.0, GOOD_REPLY)])) as exchange:
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        assert exchange.run(REQUEST, 0, 500 * MS) == Outcome.GOOD
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        assert exchange.data() == PAYLOAD
        assert exchange.reply() == GOOD_REPLY
        assert before < exchange.end_ns < after
        assert exchange.wakes <= 3


def test_reply_in_pieces_with_gaps_below_an_adapters_latency() -> None:
    pieces = [(0.002, GOOD_REPLY[i : i + 3]) for i in range(0, len(GOOD_REPLY), 3)]
    with exchange_with(ScriptedUnits(lambda _: pieces)) as exchange:
        assert exchange.run(REQUEST, 0, 500 * MS) == Outcome.GOOD
        assert exchange.data() == PAYLOAD
        assert not exchange.overslept


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (GOOD_REPLY[:-1] + b"\x00", Outcome.WRONG_CRC),
        (GOOD_REPLY[:-3], Outcome.INCOMPLETE),
        (b"\xff", Outcome.INCOMPLETE),
        (framed(bytes([2, 3, 8]) + PAYLOAD), Outcome.WRONG_UNIT),
        (framed(bytes([1, 4, 8]) + PAYLOAD), Outcome.WRONG_FUNCTION),
        (framed(bytes([1, 3, 6]) + PAYLOAD[:6]), Outcome.WRONG_COUNT),
        (framed(bytes([1, 0x83, 2])), Outcome.EXCEPTION),
        (GOOD_REPLY + GOOD_REPLY, Outcome.WRONG_CRC),
        (bytes(300), Outcome.WRONG_CRC),
    ],
)
def test_other_replies(reply: bytes, outcome: Outcome) -> None:
    with exchange_with(ScriptedUnits(lambda _: [(0.0, reply)])) as exchange:
        start = time.monotonic()
        assert exchange.run(REQUEST, 0, 2000 * MS) == outcome
        assert time.monotonic() - start < 1.0, "the reply's end was not recognised"
        assert exchange.reply() == reply[:256]


def test_silence_ends_at_the_time_out() -> None:
    with exchange_with(ScriptedUnits(lambda _: [])) as exchange:
        start = time.monotonic()
        assert exchange.run(REQUEST, 10 * MS, 50 * MS) == Outcome.TIMEOUT
        assert 0.05 <= time.monotonic() - start < 0.5
        assert exchange.wakes <= 2
        assert exchange.reply() == exchange.data() == b""


def test_late_reply_is_flushed_before_the_next_request() -> None:
    stale = framed(bytes([1, 3, 8]) + bytes(8))
    replies = [[(0.06, stale)], [(0.0, GOOD_REPLY)]]
    with exchange_with(ScriptedUnits(lambda _: replies.pop(0))) as exchange:
        assert exchange.run(REQUEST, 0, 20 * MS) == Outcome.TIMEOUT
        time.sleep(0.1)
        assert exchange.run(REQUEST, 0, 500 * MS) == Outcome.GOOD
        assert exchange.data() == PAYLOAD
        assert exchange.discarded == len(stale)


def test_drain_waits_for_silence() -> None:
    pieces = [(0.03, b"junk"), (0.03, b"junk"), (0.03, b"junk")]
    with exchange_with(ScriptedUnits(lambda _: pieces)) as exchange:
        assert exchange.run(REQUEST, 0, 5 * MS) == Outcome.TIMEOUT
        assert 50 * MS < exchange.drain(60 * MS, 1000 * MS) < 300 * MS
        assert exchange.discarded == 12
        assert exchange.drain(5 * MS, 1000 * MS) == 0


def test_drain_of_a_babbling_line_is_capped() -> None:
    babble = [(0.005, b"x")] * 60
    with exchange_with(ScriptedUnits(lambda _: babble)) as exchange:
        exchange.run(REQUEST, 0, 5 * MS)
        start = time.monotonic()
        exchange.drain(100 * MS, 150 * MS)
        assert time.monotonic() - start < 0.25


@pytest.mark.parametrize("turnaround_ms", [0, 40])
def test_hang_up_while_waiting(turnaround_ms: int) -> None:
    script = [(0.02, ScriptedUnits.HANG_UP)]
    with exchange_with(ScriptedUnits(lambda _: script)) as exchange:
        start = time.monotonic()
        assert exchange.run(REQUEST, turnaround_ms * MS, 3000 * MS) == Outcome.LOST
        assert time.monotonic() - start < 1.0


def test_hang_up_before_a_request_and_while_draining() -> None:
    pty = Pty()
    line = SerialLine(pty.path, FAST)
    exchange = Exchange(line.fd, FAST.character_ns, FAST.silence_ns)
    pty.hang_up()
    assert exchange.run(REQUEST, 0, 10 * MS) == Outcome.LOST
    assert exchange.drain(10 * MS, 10 * MS) == -1
    line.close()
    pty.close()


def test_silence_between_frames_is_kept() -> None:
    seen: list[int] = []

    def answer(_: bytes) -> list[tuple[float, bytes]]:
        seen.append(time.monotonic_ns())
        return [(0.0, GOOD_REPLY)]

    units = ScriptedUnits(answer)
    line = SerialLine(units.pty.path, FAST)
    with units:
        exchange = Exchange(line.fd, 1, 30 * MS)
        exchange.run(REQUEST, 0, 500 * MS)
        answered = time.monotonic_ns()
        exchange.run(REQUEST, 0, 500 * MS)
    line.close()
    assert seen[1] - answered >= 25 * MS


def test_the_turnaround_is_measured() -> None:
    script = [(0.03, GOOD_REPLY)]
    with exchange_with(ScriptedUnits(lambda _: script)) as exchange:
        exchange.run(REQUEST, 0, 500 * MS)
        assert 25 * MS < exchange.latency_ns < 100 * MS
        assert not exchange.overslept
        exchange.run(REQUEST, 150 * MS, 500 * MS)
        assert exchange.overslept
        assert exchange.latency_ns >= 150 * MS


@pytest.mark.parametrize("arguments", [(-1, 1, 1), (0, 0, 1), (0, -5, 1), (0, 1, -1)])
def test_senseless_lines_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError):
        Exchange(*arguments)


def test_negative_times_are_refused() -> None:
    exchange = Exchange(0, 1, 1)
    for times in ((-1, 0), (0, -1)):
        with pytest.raises(UsageError):
            exchange.run(REQUEST, *times)


@given(st.binary(max_size=20))
def test_nothing_but_reading_leaves(request_bytes: bytes) -> None:
    """Bytes that are no read request are refused before the descriptor is used."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    try:
        exchange = Exchange(write_end, 1, 0)
        reads = len(request_bytes) == 8 and 1 <= request_bytes[1] <= 4
        if not reads:
            with pytest.raises(UsageError):
                exchange.run(request_bytes, 0, 0)
        with pytest.raises(BlockingIOError):
            os.read(read_end, 100)
    finally:
        os.close(read_end)
        os.close(write_end)


@given(function=st.integers(5, 255), rest=st.binary(min_size=6, max_size=6))
def test_writes_are_refused_whatever_they_write(function: int, rest: bytes) -> None:
    with pytest.raises(UsageError):
        Exchange(0, 1, 0).run(bytes([1, function]) + rest, 0, 0)
