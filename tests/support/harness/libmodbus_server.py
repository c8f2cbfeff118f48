"""Run the server that libmodbus_server.c makes of libmodbus."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.far_ends import Contents
from harness.ptys import NullModem

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
def libmodbus_on_a_pty(program: Path, contents: Contents) -> Iterator[str]:
    """Serve *contents* by libmodbus; yield the port."""
    modem = NullModem()
    try:
        with libmodbus_process(program, "rtu", modem.right, contents=contents) as line:
            assert line == "serving"
            yield modem.left
    finally:
        modem.close()
