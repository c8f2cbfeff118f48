"""Gateways that restart, and what becomes of reading meanwhile."""

from functools import partial
from typing import Literal

import pytest
from harness.buses import Watched, running_bus, unit_plan
from harness.far_ends import Contents, network_bus
from harness.ports import free_port
from harness.pymodbus_server import pymodbus_on_tcp

from zerometer.core.points import Point, Quality

POINT = Point(name="p", function=3, address=0, type="u16")


@pytest.mark.parametrize("protocol", ["tcp", "rtu+tcp"])
def test_reading_resumes_when_a_gateway_is_back(
    protocol: Literal["tcp", "rtu+tcp"],
) -> None:
    bus = network_bus(protocol, free_port())
    serve = partial(pymodbus_on_tcp, protocol=protocol, port=bus.tcp_port)
    with running_bus(bus, [unit_plan("m", 1, [POINT])]) as (_, watched):
        watched.wait(lambda: len(watched.said("port-lost")) == 1)
        for number in (1, 2, 3):
            with serve(Contents(tables={3: [number]})):
                watched.wait(lambda n=number: read(watched, n), timeout_s=8.0)
            watched.wait(
                lambda n=number: len(watched.said("port-lost")) == n + 1, timeout_s=8.0
            )
    assert [notice.kind for notice in watched.notices] == [
        "port-lost", *["port-back", "port-lost"] * 3,
    ]  # fmt: skip


def read(watched: Watched, value: float) -> bool:
    """Whether *value* was read; until then there is none."""
    return any(
        reading.values[0] == value and reading.qualities[0] == Quality.MEASURED
        for reading in watched.readings
    )
