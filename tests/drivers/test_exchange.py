"""Exchange against scripted far ends: every way in which a reply can come or not."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from harness.ptys import Pty, ScriptedUnits

from zerometer.core._frame import crc16, read_request
from zerometer.core.errors import UsageError
from zerometer.core.points import LineSettings
from zerometer.core.verdict import Verdict
from zerometer.drivers._exchange import MAX_SERIES, Exchange, Transaction
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.outcome import Outcome

FAST = LineSettings(baud=115_200)
MS = 1_000_000
REQUEST = read_request(1, 3, 100, 4)
PAYLOAD = bytes(range(8))


def framed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


GOOD_REPLY = framed(bytes([1, 3, 8]) + PAYLOAD)


def ask(
    exchange: Exchange, turnaround_ns: int, timeout_ns: int, request: bytes = REQUEST
) -> Transaction:
    """Run a series of one."""
    transaction = Transaction(request)
    transaction.expect(turnaround_ns, timeout_ns)
    assert exchange.run([transaction]) == 1
    return transaction


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
        done = ask(exchange, 0, 500 * MS)
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        assert done.outcome == Outcome.GOOD
        assert done.data() == PAYLOAD
        assert done.reply() == GOOD_REPLY
        assert before < done.end_ns < after
        assert done.request == REQUEST
        assert exchange.wakes <= 3


def test_reply_in_pieces_with_gaps_below_an_adapters_latency() -> None:
    pieces = [(0.002, GOOD_REPLY[i : i + 3]) for i in range(0, len(GOOD_REPLY), 3)]
    with exchange_with(ScriptedUnits(lambda _: pieces)) as exchange:
        done = ask(exchange, 0, 500 * MS)
        assert done.outcome == Outcome.GOOD
        assert done.data() == PAYLOAD
        assert not done.overslept


def test_a_reply_may_pause_before_the_time_out_but_not_for_ever() -> None:
    for pause_s, outcome in ((0.06, Outcome.GOOD), (0.16, Outcome.INCOMPLETE)):
        pieces = [(0.0, GOOD_REPLY[:6]), (pause_s, GOOD_REPLY[6:])]
        with exchange_with(ScriptedUnits(lambda _, p=pieces: p)) as exchange:
            assert ask(exchange, 0, 2000 * MS).outcome == outcome


def test_a_reply_that_drips_ends_soon_after_the_time_out() -> None:
    """Whatever the gaps: a byte every 10 ms would otherwise take seconds."""
    request = read_request(1, 3, 100, 125)
    whole = framed(bytes([1, 3, 250]) + bytes(250))
    drips = [(0.01, whole[i : i + 1]) for i in range(len(whole))]
    with exchange_with(ScriptedUnits(lambda _: drips)) as exchange:
        start = time.monotonic()
        done = ask(exchange, 0, 100 * MS, request)
        assert done.outcome == Outcome.INCOMPLETE
        assert 0.1 < time.monotonic() - start < 0.6


def test_a_whole_reply_of_another_length_is_not_mixed_with_the_next() -> None:
    late = framed(bytes([1, 3, 2, 0, 7]))
    pieces = [(0.0, late), (0.06, GOOD_REPLY)]
    with exchange_with(ScriptedUnits(lambda _: pieces)) as exchange:
        done = ask(exchange, 0, 2000 * MS)
        assert done.outcome == Outcome.WRONG_COUNT
        assert done.reply() == late


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
        done = ask(exchange, 0, 2000 * MS)
        assert done.outcome == outcome
        assert time.monotonic() - start < 1.0, "the reply's end was not recognised"
        assert done.reply() == reply[:256]


def test_silence_ends_at_the_time_out() -> None:
    with exchange_with(ScriptedUnits(lambda _: [])) as exchange:
        start = time.monotonic()
        done = ask(exchange, 10 * MS, 50 * MS)
        assert done.outcome == Outcome.TIMEOUT
        assert 0.05 <= time.monotonic() - start < 0.5
        assert exchange.wakes <= 2
        assert done.reply() == done.data() == b""


def test_late_reply_is_flushed_before_the_next_request() -> None:
    stale = framed(bytes([1, 3, 8]) + bytes(8))
    replies = [[(0.06, stale)], [(0.0, GOOD_REPLY)]]
    with exchange_with(ScriptedUnits(lambda _: replies.pop(0))) as exchange:
        assert ask(exchange, 0, 20 * MS).outcome == Outcome.TIMEOUT
        time.sleep(0.1)
        done = ask(exchange, 0, 500 * MS)
        assert done.outcome == Outcome.GOOD
        assert done.data() == PAYLOAD
        assert exchange.discarded == len(stale)


def test_drain_waits_for_silence() -> None:
    pieces = [(0.03, b"junk"), (0.03, b"junk"), (0.03, b"junk")]
    with exchange_with(ScriptedUnits(lambda _: pieces)) as exchange:
        assert ask(exchange, 0, 5 * MS).outcome == Outcome.TIMEOUT
        assert 50 * MS < exchange.drain(60 * MS, 1000 * MS) < 300 * MS
        assert exchange.discarded == 12
        assert exchange.drain(5 * MS, 1000 * MS) == 0


def test_drain_of_a_babbling_line_is_capped() -> None:
    babble = [(0.005, b"x")] * 60
    with exchange_with(ScriptedUnits(lambda _: babble)) as exchange:
        ask(exchange, 0, 5 * MS)
        start = time.monotonic()
        exchange.drain(100 * MS, 150 * MS)
        assert time.monotonic() - start < 0.25


@pytest.mark.parametrize("turnaround_ms", [0, 40])
def test_hang_up_while_waiting(turnaround_ms: int) -> None:
    script = [(0.02, ScriptedUnits.HANG_UP)]
    with exchange_with(ScriptedUnits(lambda _: script)) as exchange:
        start = time.monotonic()
        assert ask(exchange, turnaround_ms * MS, 3000 * MS).outcome == Outcome.LOST
        assert time.monotonic() - start < 1.0


def test_hang_up_before_a_request_and_while_draining() -> None:
    pty = Pty()
    line = SerialLine(pty.path, FAST)
    exchange = Exchange(line.fd, FAST.character_ns, FAST.silence_ns)
    pty.hang_up()
    assert ask(exchange, 0, 10 * MS).outcome == Outcome.LOST
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
        ask(exchange, 0, 500 * MS)
        answered = time.monotonic_ns()
        ask(exchange, 0, 500 * MS)
    line.close()
    assert seen[1] - answered >= 25 * MS


def test_the_turnaround_is_measured() -> None:
    script = [(0.03, GOOD_REPLY)]
    with exchange_with(ScriptedUnits(lambda _: script)) as exchange:
        done = ask(exchange, 0, 500 * MS)
        assert 25 * MS < done.latency_ns < 100 * MS
        assert not done.overslept
        done = ask(exchange, 150 * MS, 500 * MS)
        assert done.overslept
        assert done.latency_ns >= 150 * MS


def test_a_gateways_word_for_a_silent_unit_is_no_collision() -> None:
    """On a line that echoed before, too: its CRC says that nothing collided."""
    answers = [REQUEST + GOOD_REPLY, framed(bytes([1, 0x83, 11]))]
    with exchange_with(ScriptedUnits(lambda _: [(0.0, answers.pop(0))])) as exchange:
        assert ask(exchange, 0, 500 * MS).data() == PAYLOAD
        assert exchange.echoes
        assert ask(exchange, 0, 500 * MS).outcome == Outcome.TIMEOUT
        assert not exchange.echoes


def series_of(*counts: int) -> list[Transaction]:
    """Reads of so many registers."""
    series = [Transaction(read_request(1, 3, 100, count)) for count in counts]
    for transaction in series:
        transaction.expect(0, 100 * MS)
    return series


def granting(request: bytes) -> list[tuple[float, bytes]]:
    """The reply after 20 ms, in which every byte is the count of registers."""
    count = request[5]
    return [(0.02, framed(bytes([1, 3, 2 * count]) + bytes([count]) * 2 * count))]


def test_each_of_a_series_has_its_own_reply_and_time() -> None:
    series = series_of(1, 2, 3, 4)
    with exchange_with(ScriptedUnits(granting)) as exchange:
        assert exchange.run(series) == 4
        assert exchange.transactions == 4
        assert exchange.wakes <= 12
        assert 80 * MS <= exchange.busy_ns < 500 * MS
    assert [done.outcome for done in series] == [Outcome.GOOD] * 4
    assert [done.data() for done in series] == [bytes([n]) * 2 * n for n in range(1, 5)]
    for earlier, later in itertools.pairwise(series):
        assert later.end_ns - earlier.end_ns >= 20 * MS
        assert later.done_ns - earlier.done_ns >= 20 * MS


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ([], Outcome.TIMEOUT),
        ([(0.0, framed(bytes([1, 0x83, 2])))], Outcome.EXCEPTION),
        ([(0.0, b"junk")], Outcome.INCOMPLETE),
        ([(0.0, ScriptedUnits.HANG_UP)], Outcome.LOST),
    ],
)
def test_a_series_ends_with_the_first_failure(
    reply: list[tuple[float, bytes]], outcome: Outcome
) -> None:
    units = ScriptedUnits(lambda r: reply if r[5] == 2 else granting(r))
    series = series_of(1, 2, 3)
    with exchange_with(units) as exchange:
        assert exchange.run(series) == 2
        assert exchange.transactions == 2
    assert [done.outcome for done in series[:2]] == [Outcome.GOOD, outcome]
    assert [request[5] for request in units.requests] == [1, 2]
    assert series[2].reply() == b""


def test_senseless_series_are_refused() -> None:
    exchange = Exchange(0, 1, 0)
    for count in (0, MAX_SERIES + 1):
        with pytest.raises(UsageError):
            exchange.run(series_of(1) * count)
    with pytest.raises(TypeError):
        exchange.run([REQUEST])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "arguments",
    [(-1, 1, 1), (0, 0, 1), (0, -5, 1), (0, 1, -1), (0, 2**62, 1), (0, 1, 2**62)],
)
def test_senseless_lines_are_refused(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError):
        Exchange(*arguments)


def test_senseless_times_are_refused() -> None:
    for times in ((-1, 0), (0, -1), (2**62, 0), (0, 2**62)):
        with pytest.raises(UsageError):
            Transaction(REQUEST).expect(*times)


@pytest.mark.parametrize("width", [-1, 0, 126])
def test_replies_of_senseless_width_are_refused(width: int) -> None:
    with pytest.raises(UsageError, match=f"^request: width: {width} "):
        Transaction(read_request(1, 3, 0, 1), width)
