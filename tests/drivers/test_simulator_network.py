"""Simulated buses on TCP: a paced line behind a port, and a Modbus TCP server."""

import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from harness.buses import MS, running_bus, unit_plan
from harness.ports import free_port
from harness.simulation import SDM630
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusIOException
from pymodbus.framer import FramerType

from zerometer.core._frame import crc16, read_request
from zerometer.core.errors import UsageError
from zerometer.core.points import NETWORK_LINE, LineSettings, PolledPoint
from zerometer.core.site import Bus, Meter, Site
from zerometer.drivers.simulator.factory import Factory, build

#: At 9600 baud, a request and a reply of two registers take 8 + 9 characters.
SLOW = LineSettings(baud=9600)
WIRE_NS = 17 * SLOW.character_ns
TURNAROUND_NS = 10 * MS
FREQUENCY = 70

Networked = Literal["tcp", "rtu+tcp"]
BOTH: tuple[Networked, ...] = ("tcp", "rtu+tcp")


def bus_on(protocol: Networked, host: str = "127.0.0.1", number: int = 0) -> Bus:
    number = number or free_port()
    return Bus(
        id="net",
        port=f"{protocol}://{host}:{number}",
        protocol=protocol,
        host=host,
        tcp_port=number,
        line=NETWORK_LINE if protocol == "tcp" else SLOW,
    )


def factory(
    bus: Bus,
    *faults: str,
    tap: Callable[[str, bytes], None] | None = None,
    report: Callable[[str], None] = print,
) -> Factory:
    points = tuple(PolledPoint(point=p, period_ns=1) for p in SDM630.points)
    site = Site(
        id="s",
        name="s",
        timezone="UTC",
        revision="",
        buses=(bus,),
        meters=tuple(
            Meter(id=name, bus="net", unit=unit, map=SDM630, points=points)
            for unit, name in enumerate(("m", "n"), 1)
        ),
    )
    return build(
        site, turnaround_ns=TURNAROUND_NS, faults=faults, tap=tap, report=report
    )


@contextmanager
def pymodbus(bus: Bus, timeout_s: float = 1.0) -> Iterator[ModbusTcpClient]:
    framer = FramerType.SOCKET if bus.protocol == "tcp" else FramerType.RTU
    client = ModbusTcpClient(
        bus.host, port=bus.tcp_port, framer=framer, timeout=timeout_s, retries=0
    )
    assert client.connect()
    try:
        yield client
    finally:
        client.close()


def frequency(client: ModbusTcpClient, unit: int = 1) -> float:
    reply = client.read_input_registers(FREQUENCY, count=2, device_id=unit)
    assert not reply.isError(), reply
    (value,) = struct.unpack(">f", struct.pack(">HH", *reply.registers))
    return float(value)


@pytest.mark.parametrize("protocol", BOTH)
def test_pymodbus_reads_what_is_simulated(protocol: Networked) -> None:
    bus = bus_on(protocol)
    with factory(bus), pymodbus(bus) as client:
        for unit in (1, 2):
            assert frequency(client, unit) == pytest.approx(50.0, abs=0.1)
        refused = client.read_input_registers(20_000, count=2, device_id=1)
        assert refused.exception_code == 2
        with pytest.raises(ModbusIOException):
            client.comm_params.timeout_connect = 0.1
            client.read_input_registers(FREQUENCY, count=2, device_id=9)


@pytest.mark.parametrize("protocol", BOTH)
def test_our_own_loop_reads_what_is_simulated(protocol: Networked) -> None:
    bus = bus_on(protocol)
    plans = [
        unit_plan(name, unit, SDM630.points) for unit, name in ((1, "m"), (2, "n"))
    ]
    with factory(bus), running_bus(bus, plans) as (_, watched):
        watched.wait(lambda: len(watched.of("m")) > 2 and len(watched.of("n")) > 2)
    index = [point.name for point in SDM630.points].index("frequency")
    for reading in watched.readings:
        measured = dict(zip(reading.points, reading.values, strict=True))
        assert measured.get(index, 50.0) == pytest.approx(50.0, abs=0.1)
    assert not watched.said("down")


def test_a_line_behind_a_port_is_paced() -> None:
    bus = bus_on("rtu+tcp")
    with factory(bus), pymodbus(bus) as client:
        frequency(client)
        start_ns = time.monotonic_ns()
        frequency(client)
        assert time.monotonic_ns() - start_ns >= WIRE_NS + TURNAROUND_NS


def test_a_server_keeps_the_turnaround_alone() -> None:
    bus = bus_on("tcp")
    with factory(bus), pymodbus(bus) as client:
        spans_ns = []
        for _ in range(10):
            start_ns = time.monotonic_ns()
            frequency(client)
            spans_ns.append(time.monotonic_ns() - start_ns)
    assert min(spans_ns) >= TURNAROUND_NS
    assert min(spans_ns) < TURNAROUND_NS + WIRE_NS


def connected(bus: Bus) -> socket.socket:
    return socket.create_connection((bus.host, bus.tcp_port), 2.0)


def asking(transaction: int, unit: int = 1, protocol: int = 0) -> bytes:
    body = read_request(unit, 4, FREQUENCY, 2)[:-2]
    return struct.pack(">HHH", transaction, protocol, len(body)) + body


def received(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def test_a_server_answers_several_clients_at_once() -> None:
    bus = bus_on("tcp")
    late = factory(bus, "m:late=300ms")
    with late, connected(bus) as one, connected(bus) as other:
        one.sendall(asking(7))
        other.sendall(asking(8, unit=2))
        assert received(other, 13)[:2] == b"\x00\x08"
        one.setblocking(False)
        with pytest.raises(BlockingIOError):
            one.recv(1)
        one.settimeout(2.0)
        assert received(one, 13)[:2] == b"\x00\x07"


def test_a_server_takes_requests_in_any_pieces() -> None:
    bus = bus_on("tcp")
    with factory(bus), connected(bus) as client:
        both = asking(1) + asking(2, unit=2)
        for piece in (both[:3], both[3:15], both[15:]):
            client.sendall(piece)
            time.sleep(0.005)
        replies = received(client, 26)
    assert [replies[:2], replies[13:15]] == [b"\x00\x01", b"\x00\x02"]
    assert (replies[6], replies[19]) == (1, 2)


def test_a_server_hangs_up_on_what_is_no_modbus() -> None:
    bus = bus_on("tcp")
    with factory(bus):
        for wrong in (asking(1, protocol=1), b"\0\0\0\0\0\1\1", b"GET / HTTP/1.1\r\n"):
            with connected(bus) as client:
                client.sendall(wrong)
                assert client.recv(1) == b""
        with connected(bus) as client:
            client.sendall(asking(3))
            assert len(received(client, 13)) == 13


def test_the_newest_connection_has_the_line() -> None:
    bus = bus_on("rtu+tcp")
    with factory(bus), connected(bus) as lost, connected(bus) as user:
        assert lost.recv(1) == b""
        user.sendall(read_request(1, 4, FREQUENCY, 2))
        reply = received(user, 9)
        assert len(reply) == 9 and not crc16(reply)
        user.close()
        with pymodbus(bus) as client:
            frequency(client)


@pytest.mark.parametrize("protocol", BOTH)
def test_what_was_asked_is_tapped(protocol: Networked) -> None:
    bus = bus_on(protocol)
    heard: list[tuple[str, bytes]] = []
    with factory(bus, tap=lambda *row: heard.append(row)), pymodbus(bus) as client:
        frequency(client)
    asked = read_request(1, 4, FREQUENCY, 2)
    assert b"".join(data for _, data in heard).count(asked[:-2]) == 1
    assert {name for name, _ in heard} == {"net"}


@pytest.mark.parametrize("protocol", BOTH)
def test_units_have_their_faults_on_a_network(protocol: Networked) -> None:
    bus = bus_on(protocol)
    with factory(bus, "m:dead", "n:exception=4"), pymodbus(bus, 0.1) as client:
        refused = client.read_input_registers(FREQUENCY, count=2, device_id=2)
        assert refused.exception_code == 4
        with pytest.raises(ModbusIOException):
            client.read_input_registers(FREQUENCY, count=2, device_id=1)


def test_a_line_behind_a_port_has_the_faults_of_a_line() -> None:
    bus = bus_on("rtu+tcp")
    request = read_request(1, 4, FREQUENCY, 2)
    with factory(bus, "m:short=3", "bus=net:echo"), connected(bus) as client:
        client.sendall(request)
        assert received(client, 11) == request + b"\x01\x04\x04"


@pytest.mark.parametrize("protocol", BOTH)
def test_an_unplugged_network_comes_back(protocol: Networked) -> None:
    bus = bus_on(protocol)
    with factory(bus, "bus=net:unplug@0s+100ms"):
        with pytest.raises(ConnectionRefusedError):
            connected(bus)
        end = time.monotonic() + 2.0
        while True:
            try:
                connected(bus).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < end
                time.sleep(0.01)
        with pymodbus(bus) as client:
            frequency(client)


@pytest.mark.parametrize(
    "order",
    [
        "m:twin",
        "m:garbage",
        "bus=net:crc-noise=1%",
        "m:short=3",
        "m:junk-before",
        "m:junk-after",
        "bus=net:echo",
        "bus=net:babble=1s",
    ],
)
def test_a_server_has_no_wire_to_go_wrong(order: str) -> None:
    with pytest.raises(UsageError, match=f'"{order}": is of serial lines; this bus'):
        factory(bus_on("tcp"), order)
    factory(bus_on("rtu+tcp"), order)


@pytest.mark.parametrize("protocol", BOTH)
def test_only_ports_of_this_machine_are_simulated(protocol: Networked) -> None:
    # TEST-NET-1 of RFC 5737, and a name that RFC 6761 lets nobody have.
    for host in ("192.0.2.1", "meters.invalid"):
        there = f"{protocol}://{host}:4001"
        wanted = (
            f'^bus "net": port: {re.escape(there)} is not this machine; a simulated '
            f'bus is: set port = "{re.escape(protocol)}://127.0.0.1:4001"'
        )
        with pytest.raises(UsageError, match=wanted):
            factory(bus_on(protocol, host, 4001)).start()


@pytest.mark.parametrize("protocol", BOTH)
def test_a_taken_port_is_refused_and_told_when_it_does_not_come_back(
    protocol: Networked,
) -> None:
    bus = bus_on(protocol)
    with factory(bus), pytest.raises(UsageError, match="is served already, by another"):
        factory(bus).start()
    said: list[str] = []
    unplugged = factory(bus, "bus=net:unplug@0s+50ms", report=said.append)
    with unplugged, factory(bus):
        end = time.monotonic() + 2.0
        while not said:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert "the port cannot come back: [Errno 98]" in said[0]
