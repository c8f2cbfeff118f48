"""Lines whose adapter gives back what is sent: the echo comes off, and nothing else."""

import itertools
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from harness.buses import MS, running_bus, unit_plan
from harness.ptys import Pty, ScriptedUnits
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import frame as reference

from zerometer.core._frame import read_request
from zerometer.core.points import LineSettings, Point
from zerometer.drivers._exchange import Exchange, Transaction
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.outcome import Outcome

FAST = LineSettings(baud=115_200)
REQUEST = read_request(1, 3, 100, 4)
PAYLOAD = bytes(range(8))
REPLY = reference.granted(REQUEST, PAYLOAD)

#: A read of bits whose reply is, byte for byte, the request: three bytes of data.
TWIN = reference.read_request(1, 1, 0x0321, 20)
TWIN_DATA = TWIN[3:6]

Script = Callable[[bytes], list[tuple[float, bytes]]]


def ask(
    exchange: Exchange, request: bytes = REQUEST, timeout_ms: int = 300
) -> Transaction:
    transaction = Transaction(request)
    transaction.expect(0, timeout_ms * MS)
    assert exchange.run([transaction]) == 1
    return transaction


@contextmanager
def scripted(script: Script) -> Iterator[Exchange]:
    with ScriptedUnits(script) as far:
        line = SerialLine(far.pty.path, FAST)
        try:
            yield line.master
        finally:
            line.close()


def echoing(script: Script) -> Script:
    return lambda request: [(0.0, request), *script(request)]


def test_an_echo_is_found_out_and_comes_off() -> None:
    with scripted(echoing(lambda _: [(0.002, REPLY)])) as exchange:
        assert not exchange.echoes
        for _ in range(3):
            done = ask(exchange)
            assert done.outcome == Outcome.GOOD
            assert done.reply() == REPLY
            assert exchange.echoes
        assert exchange.discarded == 0


def test_without_an_echo_nothing_is_taken_for_one() -> None:
    with scripted(lambda _: [(0.0, REPLY)]) as exchange:
        assert ask(exchange).reply() == REPLY
        assert not exchange.echoes


def test_a_reply_right_behind_the_echo_is_not_lost() -> None:
    with scripted(lambda request: [(0.0, request + REPLY)]) as exchange:
        assert ask(exchange).reply() == REPLY


def test_the_echo_of_a_silent_unit_is_silence() -> None:
    with scripted(lambda request: [(0.0, request)]) as exchange:
        done = ask(exchange, timeout_ms=60)
        assert done.outcome == Outcome.TIMEOUT
        assert done.reply() == b""
        assert exchange.echoes
        assert exchange.heard_ns == 0


def test_an_exception_behind_an_echo() -> None:
    refused = reference.refused(REQUEST, 2)
    with scripted(echoing(lambda _: [(0.0, refused)])) as exchange:
        done = ask(exchange)
        assert done.outcome == Outcome.EXCEPTION
        assert done.reply() == refused


def test_an_echo_costs_no_time_and_no_wake() -> None:
    """What comes back does so while it is sent: the first look is for the reply."""
    latencies: dict[bool, list[int]] = {}
    for echoes in (False, True):
        script: Script = lambda _: [(0.004, REPLY)]  # noqa: E731
        with scripted(echoing(script) if echoes else script) as exchange:
            ask(exchange)
            wakes = exchange.wakes
            latencies[echoes] = [ask(exchange).latency_ns for _ in range(9)]
            # The silence, the end of the request, the reply's first and last bytes.
            assert exchange.wakes - wakes <= 9 * 4
    plain, behind_echo = (sorted(latencies[echoes])[4] for echoes in (False, True))
    assert abs(behind_echo - plain) < 2 * MS


@pytest.mark.parametrize(
    "came",
    [
        bytes([REQUEST[0] ^ 4]) + REQUEST[1:] + REPLY,
        REQUEST[:7] + bytes([REQUEST[7] ^ 1]) + REPLY,
        REQUEST[:5],
        b"\0" + REQUEST + REPLY,
        bytes(8),
    ],
)
def test_another_echo_than_what_was_sent_is_a_collision(came: bytes) -> None:
    answers = [[(0.0, REQUEST + REPLY)], [(0.0, came)], [(0.0, REQUEST + REPLY)]]
    with scripted(lambda _: answers.pop(0)) as exchange:
        assert ask(exchange).outcome == Outcome.GOOD
        assert ask(exchange).outcome == Outcome.COLLISION
        exchange.drain(20 * MS, 100 * MS)
        assert ask(exchange).outcome == Outcome.GOOD


def test_an_adapter_that_no_longer_echoes() -> None:
    answers = [[(0.0, REQUEST + REPLY)], [(0.0, REPLY)], [(0.0, REQUEST + REPLY)]]
    with scripted(lambda _: answers.pop(0)) as exchange:
        for echoes in (True, False, True):
            assert ask(exchange).reply() == REPLY
            assert exchange.echoes == echoes


def test_a_reply_that_equals_its_request_is_believed_only_when_nothing_echoes() -> None:
    assert reference.granted(TWIN, TWIN_DATA) == TWIN
    known = read_request(1, 3, 0, 1)
    answer = reference.granted(known, b"\0\7")

    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, answer if request == known else TWIN)]

    with scripted(script) as exchange:
        # Nothing is known yet: it could as well be the echo of a silent unit.
        assert ask(exchange, TWIN, timeout_ms=40).outcome == Outcome.TIMEOUT
        assert ask(exchange, known).outcome == Outcome.GOOD
        done = ask(exchange, TWIN)
        assert done.outcome == Outcome.GOOD
        assert done.data() == TWIN_DATA
    with scripted(echoing(script)) as exchange:
        for _ in range(2):
            assert ask(exchange, TWIN).data() == TWIN_DATA
    with scripted(lambda request: [(0.0, request)]) as exchange:
        for _ in range(2):
            assert ask(exchange, TWIN, timeout_ms=40).outcome == Outcome.TIMEOUT


class EchoingLine:
    """A pty whose far end gives back each request and answers, in drawn pieces."""

    def __init__(self) -> None:
        self.pty = Pty()
        self.pieces: list[bytes] = []
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self.pty.far, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            os.read(self.pty.far, 64)
            for piece in self.pieces:
                # So that pieces are read apart, now and then.
                with suppress(OSError):
                    os.write(self.pty.far, piece)
                select.select([], [], [], 0.0002)

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        self.pty.close()
        os.close(self._stop_read)
        os.close(self._stop_write)


@pytest.fixture(scope="module")
def line() -> Iterator[EchoingLine]:
    far = EchoingLine()
    yield far
    far.close()


REQUESTS = st.builds(
    reference.read_request,
    st.integers(1, 247),
    st.integers(1, 4),
    st.integers(0, 65_411) | st.integers(0x0200, 0x02FF) | st.just(0x0321),
    st.integers(1, 125) | st.just(20),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(REQUESTS, st.randoms(use_true_random=False)), max_size=4),
    st.lists(st.integers(1, 140), max_size=5),
    st.booleans(),
)
def test_any_reply_in_any_pieces(
    line: EchoingLine,
    series: list[tuple[bytes, object]],
    cuts: list[int],
    echoes: bool,
) -> None:
    near = SerialLine(line.pty.path, FAST)
    try:
        for request, random in series:
            size = reference.data_bytes(request)
            data = random.randbytes(size)  # type: ignore[attr-defined]
            reply = reference.granted(request, data)
            whole = (request if echoes else b"") + reply
            places = [0, *sorted({c for c in cuts if c < len(whole)}), len(whole)]
            line.pieces = [
                whole[start:end] for start, end in itertools.pairwise(places)
            ]
            done = ask(near.master, request)
            assert done.outcome == Outcome.GOOD
            assert done.data() == data
            assert near.master.echoes == echoes
    finally:
        near.close()


def test_a_bus_counts_collisions_and_says_so_once() -> None:
    """The third request collides; what is read is right all the same."""
    point = Point(name="value", function=3, address=100, type="u16")
    seen: list[bytes] = []

    def script(request: bytes) -> list[tuple[float, bytes]]:
        seen.append(request)
        count = int.from_bytes(request[4:6], "big")
        reply = reference.granted(request, b"\0\7" * count)
        echo = b"\xff" + request[1:] if len(seen) == 3 else request
        return [(0.0, echo + reply)]

    with (
        ScriptedUnits(script) as far,
        running_bus(far.pty.path, [unit_plan("m", 1, [point])]) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 6)
        assert loop.statistics().errors == {"echo": 1}
    (notice,) = watched.said("echo")
    assert "do not begin with the echo of the request" in notice.text
    values = [r.values[0] for r in watched.readings if r.qualities == b"\0"]
    assert set(values) == {7.0}
