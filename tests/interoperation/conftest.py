"""The far ends of the suite: servers of others, on each kind of line."""

from pathlib import Path

import pytest
from harness.far_ends import FarEnd
from harness.libmodbus_server import compiled, libmodbus_on_a_pty
from harness.pymodbus_server import pymodbus_on_a_pty


@pytest.fixture(scope="session")
def libmodbus_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, compiled."""
    return compiled(tmp_path_factory.mktemp("libmodbus"))


@pytest.fixture(params=["pymodbus", "libmodbus"])
def far(request: pytest.FixtureRequest) -> FarEnd:
    """Each far end."""
    if request.param == "pymodbus":
        return FarEnd("pymodbus", pymodbus_on_a_pty)
    program: Path = request.getfixturevalue("libmodbus_server")
    return FarEnd("libmodbus", lambda contents: libmodbus_on_a_pty(program, contents))
