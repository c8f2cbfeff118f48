"""Start the line and its clients, each in a process of its own."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.bus.plant import BLOCKS, UNITS
from bench.bus.sample import Sample, from_text

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 300


@contextlib.contextmanager
def line(baud: int) -> Iterator[str]:
    """Serve the line of the comparison; the value is its port."""
    command = [sys.executable, "-m", "bench.bus.plant", str(baud)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def run_module(name: str, port: str, baud: int, polls: int) -> Sample:
    """Run the client in module *name* of this folder."""
    return _run([sys.executable, "-m", f"bench.bus.{name}"], port, baud, polls)


@contextlib.contextmanager
def libmodbus() -> Iterator[Path]:
    """Compile the client of libmodbus; the value is its path."""
    compiler = shutil.which("gcc")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "libmodbus_loop"
        command = ["gcc", "-O2", "-I/usr/include/modbus", "-o", str(program),
                   str(HERE / "libmodbus_loop.c"), "-lmodbus"]  # fmt: skip
        if compiler is None or subprocess.run(command, check=False).returncode:
            raise SystemExit(
                "bench: libmodbus_loop.c: needs a compiler and libmodbus: "
                "apt-get install -y gcc libmodbus-dev"
            )
        yield program


def run_libmodbus(program: Path, port: str, baud: int, polls: int) -> Sample:
    """Run the client that ``libmodbus`` compiled, on the same blocks."""
    blocks = [str(number) for block in BLOCKS for number in block]
    return _run([str(program)], port, baud, polls, *map(str, UNITS), "--", *blocks)


def _run(command: list[str], port: str, baud: int, polls: int, *more: str) -> Sample:
    done = subprocess.run(
        [*command, port, str(baud), str(polls), *more],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    return from_text(done.stdout)
