"""The far ends of the suite: servers of others, on each kind of line."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from harness import libmodbus_server as libmodbus
from harness.far_ends import Contents, FarEnd, Side
from harness.pymodbus_server import pymodbus_on_a_pty, pymodbus_on_tcp

from zerometer.core.site import Bus

Serve = Callable[[Contents], AbstractContextManager[Bus]]
#: Servers of pymodbus, by the protocol of the bus.
PYMODBUS: dict[str, Serve] = {
    "rtu": pymodbus_on_a_pty,
    "rtu+tcp": partial(pymodbus_on_tcp, protocol="rtu+tcp"),
    "tcp": partial(pymodbus_on_tcp, protocol="tcp"),
}
#: Servers of libmodbus, which are given the program.
LIBMODBUS: dict[str, Callable[[Path, Contents], AbstractContextManager[Bus]]] = {
    "rtu": libmodbus.libmodbus_on_a_pty,
    "rtu+tcp": libmodbus.libmodbus_behind_a_device_server,
    "tcp": libmodbus.libmodbus_on_tcp,
}


@pytest.fixture(scope="session")
def libmodbus_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server of libmodbus, compiled."""
    return libmodbus.compiled(tmp_path_factory.mktemp("libmodbus"))


@pytest.fixture(params=["rtu", "rtu+tcp", "tcp"])
def protocol(request: pytest.FixtureRequest) -> str:
    """Each kind of line."""
    return str(request.param)


@pytest.fixture(params=["pymodbus", "libmodbus"])
def far(request: pytest.FixtureRequest, protocol: str) -> FarEnd:
    """Each far end on each kind of line."""
    side: Side = request.param
    if side == "pymodbus":
        return FarEnd(side, PYMODBUS[protocol])
    program: Path = request.getfixturevalue("libmodbus_program")
    return FarEnd(side, partial(LIBMODBUS[protocol], program))
