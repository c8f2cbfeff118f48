"""BusLoop and networks in which something is wrong, on both kinds of connection."""

import os
import time
from dataclasses import replace
from typing import Literal

import pytest
from harness.buses import MS, Watched, running_bus, unit_plan
from harness.far_ends import network_bus
from harness.scripted_server import ScriptedServer
from reference import frame as reference

from zerometer.core.points import Point, Quality
from zerometer.core.site import Bus

Protocol = Literal["tcp", "rtu+tcp"]
POINT = Point(name="p", function=3, address=0, type="u16")
#: Bytes of a request, by protocol.
LENGTHS = {"tcp": 12, "rtu+tcp": 8}


@pytest.fixture(params=["tcp", "rtu+tcp"])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    """Each kind of connection."""
    kind: Protocol = request.param
    return kind


def reply(protocol: Protocol, request: bytes, value: int) -> bytes:
    """Return a right reply to *request*, each register of which is *value*."""
    if protocol == "rtu+tcp":
        count = int.from_bytes(request[4:6], "big")
        return reference.granted(request, value.to_bytes(2, "big") * count)
    count = int.from_bytes(request[10:12], "big")
    body = bytes([*request[6:8], 2 * count]) + value.to_bytes(2, "big") * count
    return request[:4] + len(body).to_bytes(2, "big") + body


def at(host: str, protocol: Protocol, tcp_port: int) -> Bus:
    return replace(network_bus(protocol, tcp_port), host=host)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_a_name_that_is_not_known_stops_nothing(protocol: Protocol) -> None:
    """The bus says so once, goes on trying, and its values are missing."""
    before = open_files()
    bus = at("no-such-host.invalid", protocol, 502)
    with running_bus(bus, [unit_plan("m", 1, [POINT])]) as (_, watched):
        watched.wait(lambda: len(watched.readings) >= 30)
        start = time.monotonic()
    assert time.monotonic() - start < 2.0
    (notice,) = watched.notices
    assert notice.kind == "port-lost"
    assert "no address for this name" in notice.text
    assert {q for r in watched.readings for q in r.qualities} == {Quality.MISSING}
    assert open_files() == before


def test_a_server_that_closes_at_once_is_tried_with_pauses(protocol: Protocol) -> None:
    before = open_files()
    with (
        ScriptedServer(lambda _: [], LENGTHS[protocol], ScriptedServer.HANG_UP) as far,
        running_bus(
            at("127.0.0.1", protocol, far.port), [unit_plan("m", 1, [POINT])]
        ) as (_, watched),
    ):
        start = time.monotonic()
        watched.wait(lambda: far.connections >= 4)
        took_s = time.monotonic() - start
    assert took_s > 2.0  # pauses of 0.5, 1 and 1.5 s, less what jitter there is
    assert [notice.kind for notice in watched.notices] == ["port-lost"]
    assert {q for r in watched.readings for q in r.qualities} == {Quality.MISSING}
    assert open_files() == before


def test_a_server_that_sends_single_bytes_and_pauses(protocol: Protocol) -> None:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        whole = reply(protocol, request, 7)
        return [(0.004, bytes([byte])) for byte in whole]

    with (
        ScriptedServer(script, LENGTHS[protocol]) as far,
        running_bus(
            at("127.0.0.1", protocol, far.port),
            [unit_plan(f"m{unit}", unit, [POINT], period_ms=300) for unit in (1, 2)],
        ) as (_, watched),
    ):
        watched.wait(lambda: len(watched.of("m2")) >= 4)
    assert not watched.notices
    assert {r.values[0] for r in watched.readings} == {7.0}


def test_addresses_of_the_sixth_version(protocol: Protocol) -> None:
    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, reply(protocol, request, 7))]

    with (
        ScriptedServer(script, LENGTHS[protocol], host="::1") as far,
        running_bus(
            at("::1", protocol, far.port), [unit_plan("m", 1, [POINT], period_ms=20)]
        ) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 5)
    assert not watched.notices
    assert {r.values[0] for r in watched.readings} == {7.0}


def measured(watched: Watched) -> list[float]:
    """Return the values that came; on a busy machine one may be missing."""
    readings = [r for r in watched.readings if r.qualities[0] == Quality.MEASURED]
    return [reading.values[0] for reading in readings]


def test_several_masters_on_one_gateway_host_are_kept_apart(
    protocol: Protocol,
) -> None:
    """One host, several lines: each master is a bus, with units of its own."""

    def serving(value: int) -> ScriptedServer:
        return ScriptedServer(
            lambda request: [(0.0, reply(protocol, request, value))], LENGTHS[protocol]
        )

    plans = [unit_plan("m", 1, [POINT], period_ms=20)]
    with (
        serving(111) as first,
        serving(222) as second,
        running_bus(at("127.0.0.1", protocol, first.port), plans) as (_, one),
        running_bus(at("127.0.0.1", protocol, second.port), plans) as (_, other),
    ):
        one.wait(lambda: len(measured(one)) >= 10)
        other.wait(lambda: len(measured(other)) >= 10)
    assert set(measured(one)) == {111.0}
    assert set(measured(other)) == {222.0}


def test_one_port_that_hangs_up_leaves_the_other_of_its_host_alone(
    protocol: Protocol,
) -> None:
    plan = [unit_plan("m", 1, [POINT], period_ms=20)]

    def script(request: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, reply(protocol, request, 7))]

    length = LENGTHS[protocol]
    with (
        ScriptedServer(script, length) as good,
        ScriptedServer(script, length, ScriptedServer.HANG_UP) as bad,
        running_bus(at("127.0.0.1", protocol, bad.port), plan) as (_, lost),
        running_bus(at("127.0.0.1", protocol, good.port), plan) as (loop, watched),
    ):
        lost.wait(lambda: bad.connections >= 2)
        watched.wait(lambda: len(watched.readings) >= 10)
        assert loop.statistics().errors == {}
    assert {r.values[0] for r in watched.readings} == {7.0}
    assert watched.readings[-1].time_ns - watched.readings[0].time_ns < 5000 * MS
