"""RTU over TCP against pymodbus's server, and device servers that misbehave."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from harness.buses import MS, running_bus, unit_plan
from harness.far_ends import Contents
from harness.pymodbus_server import pymodbus_on_tcp
from harness.scripted_server import Script, ScriptedServer
from reference import frame as reference

from zerometer.core._frame import read_request
from zerometer.core.errors import LineError
from zerometer.core.points import LineSettings, Point
from zerometer.core.site import Bus
from zerometer.drivers import port
from zerometer.drivers._exchange import Exchange, Transaction
from zerometer.drivers.lines import connection
from zerometer.drivers.lines.connection import connect
from zerometer.drivers.lines.line import Line
from zerometer.drivers.lines.open_line import open_line
from zerometer.drivers.lines.tcp_line import TcpLine
from zerometer.drivers.outcome import Outcome

FAST = LineSettings(baud=115_200)
SINGLE = Point(name="value", function=3, address=100, type="u16")
REQUEST = read_request(1, 3, 100, 2)


def bus_of(tcp_port: int) -> Bus:
    return Bus(
        id="net",
        port=f"rtu+tcp://127.0.0.1:{tcp_port}",
        protocol="rtu+tcp",
        host="127.0.0.1",
        tcp_port=tcp_port,
        line=FAST,
    )


def opened(tcp_port: int) -> Line:
    return open_line(bus_of(tcp_port))


def ask(
    exchange: Exchange, request: bytes = REQUEST, timeout_ms: int = 500
) -> Transaction:
    transaction = Transaction(request)
    transaction.expect(0, timeout_ms * MS)
    assert exchange.run([transaction]) == 1
    return transaction


def granting(request: bytes, value: int) -> bytes:
    count = int.from_bytes(request[4:6], "big")
    return reference.granted(request, value.to_bytes(2, "big") * count)


@contextmanager
def scripted(
    script: Script, greeting: bytes = b""
) -> Iterator[tuple[Exchange, ScriptedServer]]:
    with ScriptedServer(script, 8, greeting) as far:
        line = opened(far.port)
        assert isinstance(line, TcpLine)
        try:
            yield line.master, far
        finally:
            line.close()
            line.close()


def test_pymodbus_is_read_like_a_line() -> None:
    contents = Contents(units=(1, 9), tables={3: list(range(125)), 4: [7] * 9})
    with pymodbus_on_tcp(contents, "rtu+tcp") as bus:
        line = open_line(bus)
        assert isinstance(line, TcpLine)
        for unit in (1, 9):
            done = ask(line.master, read_request(unit, 3, 0, 125))
            assert done.data() == b"".join(n.to_bytes(2, "big") for n in range(125))
            assert ask(line.master, read_request(unit, 4, 8, 1)).data() == b"\0\7"
        assert ask(line.master, read_request(1, 4, 60_000, 1)).outcome == (
            Outcome.EXCEPTION
        )
        line.close()


def test_the_connection_is_prepared_for_its_loss() -> None:
    with ScriptedServer(lambda _: [], 8) as far:
        link = connect("p", "127.0.0.1", far.port)
        assert not link.getblocking()
        for level, option, value in (
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 20_000),
        ):
            assert link.getsockopt(level, option) == value
        link.close()


def test_packets_may_cut_a_reply_anywhere() -> None:
    whole = granting(REQUEST, 0x1234)

    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, whole[:4]), (0.06, whole[4:7]), (0.03, whole[7:])]

    with scripted(script) as (exchange, _):
        assert ask(exchange).data() == bytes([0x12, 0x34] * 2)


def test_what_was_received_before_is_thrown_away() -> None:
    stale = granting(REQUEST, 1)
    with scripted(lambda r: [(0.0, granting(r, 2))], greeting=stale) as (exchange, _):
        assert exchange.discarded == len(stale)
        assert ask(exchange).data() == bytes([0, 2, 0, 2])


def test_an_echoing_server() -> None:
    with scripted(lambda r: [(0.0, r), (0.01, granting(r, 2))]) as (exchange, _):
        assert ask(exchange).data() == bytes([0, 2, 0, 2])
        assert exchange.echoes


def test_units_that_no_serial_line_has_are_not_asked() -> None:
    with scripted(lambda r: []) as (exchange, far):
        for unit in (0, 248, 255):
            with pytest.raises(Exception, match=f"unit: {unit} is not within 1 to 247"):
                ask(exchange, read_request(unit, 3, 0, 1))
        assert not far.requests


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_nobody_listens(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        tcp_port = taken.getsockname()[1]
    with pytest.raises(LineError, match="port p: cannot be connected to: refused; is"):
        connect("p", name, tcp_port)


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full backlog drops what comes, as a host does that is off."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = []
        for _ in range(4):
            knock = socket.socket()
            knock.setblocking(False)
            knock.connect_ex(address)
            waiting.append(knock)
        start = time.monotonic()
        with pytest.raises(LineError, match=r"no answer within 0\.1 s; is the device"):
            connect("p", *address)
        assert time.monotonic() - start < 1
        for knock in waiting:
            knock.close()


def test_a_name_without_an_address() -> None:
    with pytest.raises(LineError, match="no address for this name"):
        connect("p", "no-such-host.invalid", 4001)


def test_a_server_whose_connections_are_all_taken() -> None:
    """It takes the connection, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            server.accept()[0].close()

        refusing = threading.Thread(target=refuse)
        refusing.start()
        with pytest.raises(LineError, match=r"are all its connections taken\?"):
            opened(server.getsockname()[1])
        refusing.join()


def test_a_server_that_hangs_up_on_whoever_comes_is_told_of_once() -> None:
    """Each attempt connects, and is closed before anything was heard."""

    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, ScriptedServer.HANG_UP)]

    with (
        ScriptedServer(script, 8) as far,
        running_bus(bus_of(far.port), [unit_plan("m", 1, [SINGLE])]) as (
            _,
            watched,
        ),
    ):
        watched.wait(lambda: far.connections >= 3)
    assert [notice.kind for notice in watched.notices] == ["port-lost"]
    assert {r.qualities for r in watched.readings} == {b"\x06"}


def test_a_bus_reconnects_and_leaks_nothing() -> None:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        if len(far.requests) % 6 == 0:
            return [(0.0, ScriptedServer.HANG_UP)]
        return [(0.0, granting(request, 7))]

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    plan = unit_plan("m", 1, [SINGLE], period_ms=20)
    with (
        ScriptedServer(script, 8) as far,
        running_bus(bus_of(far.port), [plan]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.said("port-back")) >= 2)
    kinds = [notice.kind for notice in watched.notices]
    assert kinds[:4] == ["port-lost", "port-back"] * 2
    values = {r.values[0] for r in watched.readings if r.qualities == b"\0"}
    assert values == {7.0}
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_connection_on_which_nothing_answers_is_renewed_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zerometer.drivers.lines.tcp_line.DEAF_AFTER_NS", 50 * MS)
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 5 * MS)

    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, granting(request, 7))] if far.connections == 3 else []

    def suspected_after_s() -> float:
        """Open the line and ask until it is suspected."""
        tried.open(0)
        assert tried.exchange is not None
        start = time.monotonic()
        while True:
            transaction = Transaction(REQUEST)
            transaction.expect(0, 5 * MS)
            tried.exchange.run([transaction])
            if transaction.outcome == Outcome.GOOD:
                return 0.0
            there, _ = tried.drain(tried.exchange, transaction, corrupted=False)
            if not there:
                assert tried.lose(0).startswith("nothing has answered for 0 s")
                return time.monotonic() - start

    with ScriptedServer(script, 8) as far:
        tried = port.Port(lambda: opened(far.port), lambda: False)
        assert suspected_after_s() >= 0.05
        assert suspected_after_s() >= 0.1
        assert suspected_after_s() == 0.0
        tried.close()


def test_one_meter_that_answers_keeps_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zerometer.drivers.lines.tcp_line.DEAF_AFTER_NS", 100 * MS)
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 5 * MS)

    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, granting(request, 7))] if request[0] == 1 else []

    plans = [unit_plan(f"m{unit}", unit, [SINGLE]) for unit in (1, 2)]
    with (
        ScriptedServer(script, 8) as far,
        running_bus(bus_of(far.port), plans, timeout_ms=20) as (_, watched),
    ):
        watched.wait(lambda: len(watched.of("m1")) >= 12)
        assert far.connections == 1
    assert not watched.said("port-lost")
