"""Simulated lines behind TCP ports, asked by a master that we did not write."""

import socket
import struct

import pytest
from harness.simulation import SDM630
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient

from zerometer.core.errors import LineError
from zerometer.core.points import LineSettings, PolledPoint
from zerometer.core.site import Bus, Meter, Protocol, Site
from zerometer.drivers.simulator.factory import build

FAST = LineSettings(baud=115_200)
FRAMERS = {"tcp": FramerType.SOCKET, "rtu+tcp": FramerType.RTU}
both = pytest.mark.parametrize("protocol", ["tcp", "rtu+tcp"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def site(protocol: Protocol, number: int, host: str = "127.0.0.1") -> Site:
    bus = Bus(
        id="a", port=f"{protocol}://{host}:{number}", protocol=protocol, host=host,
        tcp_port=number, line=FAST,
    )  # fmt: skip
    points = tuple(PolledPoint(point=p, period_ns=1) for p in SDM630.points)
    meter = Meter(id="m", bus="a", unit=1, map=SDM630, points=points)
    return Site(
        id="s", name="s", timezone="UTC", revision="", buses=(bus,), meters=(meter,)
    )


def client(protocol: str, number: int) -> ModbusTcpClient:
    return ModbusTcpClient(
        "127.0.0.1", port=number, framer=FRAMERS[protocol], timeout=0.3, retries=0
    )


@both
def test_a_meter_answers_through_the_network(protocol: Protocol) -> None:
    number = free_port()
    with build(site(protocol, number)) as factory:
        assert factory.lines["a"].port == f"{protocol}://127.0.0.1:{number}"
        with client(protocol, number) as modbus:
            for _ in range(20):
                words = modbus.read_input_registers(70, count=2, device_id=1).registers
                [frequency] = struct.unpack(">f", struct.pack(">HH", *words))
                assert 49 < frequency < 51
            refusal = modbus.read_input_registers(9000, count=2, device_id=1)
            assert refusal.exception_code == 2


@both
def test_who_connects_takes_the_place_of_who_was(protocol: Protocol) -> None:
    number = free_port()
    with (
        build(site(protocol, number)),
        client(protocol, number) as first,
        client(protocol, number) as second,
    ):
        assert not second.read_input_registers(70, count=2, device_id=1).isError()
        assert first.socket.recv(1) == b""


def test_a_gateway_keeps_replies_with_a_wrong_checksum() -> None:
    number = free_port()
    request = struct.pack(">HHHBBHH", 7, 0, 6, 1, 4, 70, 2)
    with (
        build(site("tcp", number), faults=["m:crc-noise=50%"]),
        socket.create_connection(("127.0.0.1", number)) as connection,
    ):
        connection.settimeout(0.15)
        lost = 0
        for _ in range(20):
            connection.sendall(request)
            try:
                reply = connection.recv(100)
            except TimeoutError:
                lost += 1
                continue
            assert struct.unpack(">HHHBBB", reply[:9]) == (7, 0, 7, 1, 4, 4)
            assert len(reply) == 13
    assert 2 < lost < 18


@both
def test_a_port_that_cannot_be_had_is_named(protocol: Protocol) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        factory = build(site(protocol, number))
        with pytest.raises(LineError, match='bus "a": port: cannot be listened at: '):
            factory.start()
    factory.start()  # nothing was left behind
    factory.stop()
    with pytest.raises(LineError, match="of this machine"):
        build(site(protocol, number, "192.0.2.1")).start()
