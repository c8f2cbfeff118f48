"""Modbus TCP against pymodbus's server, and against one that misbehaves."""

import errno
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from harness.buses import MS, running_bus, unit_plan
from harness.far_ends import Contents
from harness.ptys import Pty
from harness.pymodbus_server import pymodbus_on_tcp
from harness.scripted_server import Script, ScriptedServer
from hypothesis import given, settings
from hypothesis import strategies as st

from zerometer.core._frame import read_request
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import NETWORK_LINE, Point
from zerometer.core.site import Bus
from zerometer.drivers import health
from zerometer.drivers._exchange import Transaction
from zerometer.drivers.lines import backlog
from zerometer.drivers.lines.line import Line
from zerometer.drivers.lines.modbus_tcp import ModbusTcp, ModbusTcpLine
from zerometer.drivers.lines.open_line import open_line
from zerometer.drivers.outcome import Outcome

SINGLE = Point(name="value", function=3, address=100, type="u16")


def bus_of(port: int) -> Bus:
    return Bus(
        id="net",
        port=f"tcp://127.0.0.1:{port}",
        protocol="tcp",
        host="127.0.0.1",
        tcp_port=port,
        line=NETWORK_LINE,
    )


def opened(port: int) -> Line:
    return open_line(bus_of(port))


@contextmanager
def master_of(port: int) -> Iterator[ModbusTcp]:
    line = opened(port)
    assert isinstance(line, ModbusTcpLine)
    try:
        yield line.master
    finally:
        line.close()
        line.close()


def ask(master: ModbusTcp, request: bytes, timeout_ms: int = 1000) -> Transaction:
    transaction = Transaction(request)
    transaction.expect(0, timeout_ms * MS)
    assert master.run([transaction]) == 1
    return transaction


def answer(request: bytes, body: bytes) -> bytes:
    """Frame *body*, from unit to data, as the answer to *request*."""
    return request[:4] + len(body).to_bytes(2, "big") + body


def granting(request: bytes, value: int) -> bytes:
    """The answer to *request* for registers, all of which are *value*."""
    data = value.to_bytes(2, "big") * int.from_bytes(request[10:12], "big")
    return answer(request, request[6:8] + bytes([len(data)]) + data)


REQUEST = read_request(1, 3, 100, 2)


@contextmanager
def scripted(script: Script) -> Iterator[tuple[ModbusTcp, ScriptedServer]]:
    with ScriptedServer(script, length=12) as far, master_of(far.port) as master:
        yield master, far


def test_every_function_reads_what_pymodbus_serves() -> None:
    tables = {
        1: [1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0],
        2: [0, 1] * 8,
        3: list(range(50_000, 50_125)),
        4: list(range(125)),
    }
    contents = Contents(units=(1, 7), tables=tables)
    with (
        pymodbus_on_tcp(contents, "tcp") as bus,
        master_of(bus.tcp_port) as master,
    ):
        for unit in (1, 7):
            series = [
                Transaction(read_request(unit, 1, 0, 10)),
                Transaction(read_request(unit, 2, 1, 8)),
                Transaction(read_request(unit, 3, 0, 125)),
                Transaction(read_request(unit, 4, 124, 1)),
            ]
            for transaction in series:
                transaction.expect(0, 1000 * MS)
            before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            assert master.run(series) == 4
            assert [t.outcome for t in series] == [Outcome.GOOD] * 4
            bits = sum(bit << place for place, bit in enumerate(tables[1][:10]))
            assert series[0].data() == bits.to_bytes(2, "little")
            assert series[1].data() == bytes([0b01010101])
            registers = b"".join(n.to_bytes(2, "big") for n in tables[3])
            assert series[2].data() == registers
            assert series[3].data() == bytes([0, 124])
            ends = [before, *(t.end_ns for t in series)]
            assert ends == sorted(ends)
            assert all(t.latency_ns > 0 for t in series)
        assert master.transactions == 8
        assert master.busy_ns > 0
        assert master.heard_ns == series[-1].done_ns


def test_refusals_are_exceptions_and_end_a_series() -> None:
    contents = Contents(tables={3: [1] * 10})
    with (
        pymodbus_on_tcp(contents, "tcp") as bus,
        master_of(bus.tcp_port) as master,
    ):
        wrong = Transaction(read_request(1, 3, 65_000, 1))
        after = Transaction(read_request(1, 3, 0, 1))
        for transaction in (wrong, after):
            transaction.expect(0, 1000 * MS)
        assert master.run([wrong, after]) == 1
        assert wrong.outcome == Outcome.EXCEPTION
        assert wrong.reply()[1:3] == bytes([0x83, 2])


@pytest.mark.parametrize("code", [10, 11])
def test_what_a_gateway_cannot_reach_is_silent(code: int) -> None:
    with scripted(lambda r: [(0.0, answer(r, bytes([r[6], r[7] | 0x80, code])))]) as (
        master,
        _,
    ):
        done = ask(master, REQUEST)
        assert done.outcome == Outcome.TIMEOUT
        assert done.reply()[2] == code
        assert master.heard_ns == done.done_ns


@pytest.mark.parametrize("unit", [0, 247, 248, 255])
def test_units_of_devices_that_are_their_own_gateway(unit: int) -> None:
    with scripted(lambda r: [(0.0, granting(r, unit))]) as (master, far):
        done = ask(master, read_request(unit, 3, 100, 1))
        assert done.data() == bytes([0, unit])
        assert far.requests[0][6] == unit


def test_a_late_reply_is_never_taken_for_the_next() -> None:
    """Each third reply is late, comes before the next one, and looks as right."""
    count = iter(range(1, 1000))

    def script(request: bytes) -> list[tuple[float, bytes]]:
        number = next(count)
        return [(0.09 if number % 3 == 0 else 0.0, granting(request, number))]

    with scripted(script) as (master, _):
        for number in range(1, 13):
            done = ask(master, REQUEST, timeout_ms=60 if number % 3 == 0 else 500)
            if number % 3 == 0:
                assert done.outcome == Outcome.TIMEOUT
                assert master.drain(10**9, 10**10) == 0
            else:
                assert done.data() == number.to_bytes(2, "big") * 2


@pytest.mark.parametrize("number", [b"\0\0", b"\xff\xff", b"\0\x02"])
def test_a_reply_with_another_number_is_none(number: bytes) -> None:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        wrong = number + granting(request, 5)[2:]
        return [(0.0, wrong)]

    with scripted(script) as (master, _):
        done = ask(master, REQUEST, timeout_ms=50)
        assert done.outcome == Outcome.TIMEOUT
        assert done.reply() == b""
        assert master.discarded


def test_replies_in_pieces() -> None:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        whole = granting(request, 9)
        return [(0.005, whole[i : i + 2]) for i in range(0, len(whole), 2)]

    with scripted(script) as (master, _):
        assert ask(master, REQUEST).data() == bytes([0, 9, 0, 9])


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (lambda body: bytes([2]) + body[1:], Outcome.WRONG_UNIT),
        (lambda body: body[:1] + b"\x04" + body[2:], Outcome.WRONG_FUNCTION),
        (lambda body: body[:2] + b"\x02" + body[3:5], Outcome.WRONG_COUNT),
        (lambda body: body + b"\0\0", Outcome.WRONG_COUNT),
        (lambda body: body[:1] + b"\x63" + body[2:], Outcome.WRONG_FUNCTION),
    ],
)
def test_replies_to_something_else(change: object, outcome: Outcome) -> None:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, answer(request, change(granting(request, 9)[6:])))]  # type: ignore[operator]

    with scripted(script) as (master, _):
        start_ns = time.monotonic_ns()
        done = ask(master, REQUEST, timeout_ms=10_000)
        assert done.outcome == outcome
        # Nothing more was waited for, and it is still in step.
        assert time.monotonic_ns() - start_ns < 5_000 * MS
        assert not master.error


@pytest.mark.parametrize(
    "piece",
    [
        lambda r: granting(r, 9)[:-1],
        lambda r: granting(r, 9)[:3],
        lambda r: r[:2] + b"\0\x01" + granting(r, 9)[4:],
    ],
)
def test_out_of_step_is_lost(piece: object) -> None:
    with scripted(lambda r: [(0.0, piece(r))]) as (master, _):  # type: ignore[operator]
        done = ask(master, REQUEST, timeout_ms=50)
        assert done.outcome == Outcome.LOST
        assert master.error == errno.EPROTO


def test_a_connection_that_ends_is_lost() -> None:
    with scripted(lambda _: [(0.0, ScriptedServer.HANG_UP)]) as (master, _):
        assert ask(master, REQUEST).outcome == Outcome.LOST
        assert ask(master, REQUEST).outcome == Outcome.LOST


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), st.data())
def test_hostile_bytes_bring_no_value(pieces: list[bytes], data: st.DataObject) -> None:
    headed = data.draw(st.booleans())

    def script(request: bytes) -> list[tuple[float, bytes]]:
        head = granting(request, 1)[:7] if headed else b""
        return [(0.0, head + b"".join(pieces))]

    with scripted(script) as (master, _):
        done = ask(master, REQUEST, timeout_ms=20)
        if done.outcome == Outcome.GOOD:
            assert headed
            assert b"".join(pieces).startswith(bytes([3, 4]))


@given(
    st.integers(0, 255), st.integers(1, 4), st.integers(0, 65_411), st.integers(1, 125)
)
@settings(max_examples=40, deadline=None)
def test_nothing_leaves_but_the_read_that_was_asked_for(
    unit: int, function: int, address: int, count: int
) -> None:
    with ScriptedServer(lambda _: [(0.0, ScriptedServer.HANG_UP)], length=12) as far:
        with master_of(far.port) as master:
            request = read_request(unit, function, address, count)
            assert ask(master, request).outcome == Outcome.LOST
        (sent,) = far.requests
        assert sent[2:6] == b"\0\0\0\x06"
        assert sent[6:] == request[:6]


def test_what_can_be_called_is_named_here() -> None:
    """Whoever adds to it must think of what could leave."""
    public = {name for name in dir(ModbusTcp) if not name.startswith("_")}
    assert public == {"drain", "pairs_replies", "run"}


def test_the_log_stays_quiet(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "LONGEST_HOLD_NS", 10 * MS)
    with scripted(lambda r: [(0.0, b"\xff" * 20)]) as (master, _):
        ask(master, REQUEST, timeout_ms=20)
    with scripted(lambda r: []) as (master, _):
        for _ in range(5):
            ask(master, REQUEST, timeout_ms=5)
    assert not caplog.records


def test_a_serial_site_never_imports_pymodbus() -> None:
    pty = Pty()
    program = (
        "import sys\n"
        "import zerometer.agent.cli.main, zerometer.agent.daemon\n"
        "from zerometer.core.site import Bus\n"
        "from zerometer.drivers.lines.open_line import open_line\n"
        f"open_line(Bus(id='a', port={pty.path!r})).close()\n"
        "print(sorted(name for name in sys.modules if 'pymodbus' in name))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    pty.close()
    assert done.stdout == "[]\n"


def test_the_same_units_behind_two_gateways_never_mix() -> None:
    plans = [unit_plan("m", 1, [SINGLE], period_ms=10)]
    with ExitStack() as stack:
        seen = []
        for value in (111, 222):
            contents = Contents(tables={3: [value] * 101})
            bus = stack.enter_context(pymodbus_on_tcp(contents, "tcp"))
            _, watched = stack.enter_context(running_bus(bus, plans))
            seen.append(watched)
        for watched in seen:
            watched.wait(lambda watched=watched: len(watched.readings) >= 20)
    for watched, value in zip(seen, (111, 222), strict=True):
        assert {r.values[0] for r in watched.readings} == {value}
        assert not watched.notices


def test_a_dead_meter_behind_a_gateway_is_down_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "DOWN_AFTER_NS", 200 * MS)

    def script(request: bytes) -> list[tuple[float, bytes]]:
        if request[6] == 2:
            body = bytes([2, request[7] | 0x80, 11])
            return [(0.01, answer(request, body))]
        return [(0.0, granting(request, 7))]

    plans = [unit_plan(f"m{unit}", unit, [SINGLE]) for unit in (1, 2)]
    with (
        ScriptedServer(script, length=12) as far,
        running_bus(bus_of(far.port), plans) as (_, watched),
    ):
        watched.wait(lambda: bool(watched.said("down")))
        count = len(watched.of("m1"))
        watched.wait(lambda: len(watched.of("m1")) > count + 5)
    assert {r.values[0] for r in watched.of("m1")} == {7}
    assert [n.kind for n in watched.notices] == ["timeout", "down"]
    assert "no answer, as the gateway says with exception 11" in watched.notices[0].text
    assert {n.meter for n in watched.notices} == {"m2"}


@pytest.mark.parametrize("says_so", [True, False])
def test_who_is_asked_after_a_dead_meter_does_not_fail_with_it(
    monkeypatch: pytest.MonkeyPatch, says_so: bool
) -> None:
    """The gateway does one thing at a time, and waits longer for it than we do."""
    monkeypatch.setattr(health, "DOWN_AFTER_NS", 200 * MS)

    def script(request: bytes) -> list[tuple[float, bytes]]:
        if request[6] != 3:
            return [(0.002, granting(request, request[6]))]
        unreached = answer(request, bytes([3, request[7] | 0x80, 11]))
        return [(0.4, unreached if says_so else b"")]

    units = range(1, 9)
    plans = [unit_plan(f"m{unit}", unit, [SINGLE], period_ms=100) for unit in units]
    with (
        ScriptedServer(script, length=12) as far,
        running_bus(bus_of(far.port), plans, timeout_ms=60) as (loop, watched),
    ):
        watched.wait(lambda: bool(watched.said("down")))
        count = len(watched.of("m4"))
        watched.wait(lambda: len(watched.of("m4")) > count + 15)
        probed = len([r for r in far.requests if r[6] == 3])
        statistics = loop.statistics()
    assert probed >= 3
    assert {u.meter for u in statistics.units if u.errors} == {"m3"}
    for unit in units:
        values = [r.values[0] for r in watched.of(f"m{unit}")]
        if unit == 3:
            assert all(map(math.isnan, values))
        else:
            assert set(values) == {unit}
    # What the meters themselves take is not mistaken.
    assert all(u.turnaround_ns < 40 * MS for u in statistics.units if u.meter != "m3")


def test_a_gateway_that_restarts_is_connected_to_again() -> None:
    hung_up = threading.Event()

    def script(request: bytes) -> list[tuple[float, bytes]]:
        if len(far.requests) == 5:
            hung_up.set()
            return [(0.0, ScriptedServer.HANG_UP)]
        return [(0.0, granting(request, len(far.requests)))]

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with (
        ScriptedServer(script, length=12) as far,
        running_bus(bus_of(far.port), [unit_plan("m", 1, [SINGLE], period_ms=20)]) as (
            _,
            watched,
        ),
    ):
        watched.wait(lambda: bool(watched.said("port-back")))
        assert hung_up.is_set()
        watched.wait(lambda: watched.readings[-1].values[0] >= 8)
    assert [n.kind for n in watched.notices] == ["port-lost", "port-back"]
    assert far.connections == 2
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_gateway_behind_which_nothing_answers_is_connected_to_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It forgot the first connection: the second one works."""
    monkeypatch.setattr("zerometer.drivers.lines.modbus_tcp.DEAF_AFTER_NS", 150 * MS)
    monkeypatch.setattr(backlog, "LONGEST_HOLD_NS", 50 * MS)

    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [] if far.connections == 1 else [(0.0, granting(request, 7))]

    with (
        ScriptedServer(script, length=12) as far,
        running_bus(bus_of(far.port), [unit_plan("m", 1, [SINGLE])], timeout_ms=20) as (
            _,
            watched,
        ),
    ):
        watched.wait(lambda: bool(watched.said("port-back")))
    (lost,) = watched.said("port-lost")
    assert "nothing has answered for 0 s; connects anew" in lost.text


def test_meters_may_want_a_pause_after_the_connection() -> None:
    """Only those that say so: others behind the connection are read meanwhile."""
    limits = ReadLimits(connect_delay_ms=150)
    patient = unit_plan("patient", 1, [SINGLE], limits=limits)
    with (
        ScriptedServer(lambda r: [(0.0, granting(r, 7))], length=12) as far,
        running_bus(bus_of(far.port), [patient, unit_plan("m", 2, [SINGLE])]) as (
            _,
            watched,
        ),
    ):
        watched.wait(lambda: bool(watched.of("patient")))
        pause_ns = watched.of("patient")[0].time_ns - watched.of("m")[0].time_ns
    assert list(watched.of("patient")[0].values) == [7.0]
    assert pause_ns >= 100 * MS
