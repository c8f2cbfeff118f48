"""Run the server that libmodbus_server.c makes of libmodbus."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.buses import serial_bus
from harness.device_server import device_server
from harness.far_ends import Contents, network_bus
from harness.ptys import NullModem

from zerometer.core.site import Bus

HERE = Path(__file__).resolve().parent


def compiled(folder: Path) -> Path:
    """Compile libmodbus_server.c into *folder*; return the program."""
    program = folder / "libmodbus_server"
    source = HERE / "libmodbus_server.c"
    command = ["gcc", "-O1", "-o", str(program), str(source), "-lmodbus"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, (
        f"{source.name} cannot be compiled; install with: "
        f"sudo apt-get install -y gcc libmodbus-dev\n{done.stderr}"
    )
    return program


@contextmanager
def libmodbus_process(
    program: Path, *arguments: str, contents: Contents
) -> Iterator[str]:
    """Run a server of libmodbus; yield the line that it prints when it serves."""
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [str(program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write("\n".join([*contents.lines(), ""]))
            process.stdin.flush()
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            code = process.wait(4)
            errors.seek(0)
            assert code == 0, errors.read()


@contextmanager
def libmodbus_on_a_pty(program: Path, contents: Contents) -> Iterator[Bus]:
    """Serve *contents* on a serial port."""
    modem = NullModem()
    try:
        with libmodbus_process(program, "rtu", modem.right, contents=contents) as line:
            assert line == "serving"
            yield serial_bus(modem.left)
    finally:
        modem.close()


@contextmanager
def libmodbus_behind_a_device_server(
    program: Path, contents: Contents
) -> Iterator[Bus]:
    """Serve *contents* on a serial port that is reached by TCP."""
    with (
        device_server() as server,
        libmodbus_process(program, "rtu", server.path, contents=contents) as line,
    ):
        assert line == "serving"
        yield network_bus("rtu+tcp", server.port)


@contextmanager
def libmodbus_on_tcp(program: Path, contents: Contents) -> Iterator[Bus]:
    """Serve *contents* by Modbus TCP."""
    with libmodbus_process(program, "tcp", contents=contents) as port:
        yield network_bus("tcp", int(port))
