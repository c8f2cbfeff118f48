"""Libraries, each with the loop around it that its manual shows; and ours."""

import contextlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.peers.environments import HEADER, PeerError, cache, program, python
from bench.peers.job import Came, Job, Start
from bench.peers.loops.tally import LAYOUT, SIZE

#: Where this process has its modules from; ours run in its environment.
MODULES = os.pathsep.join(str(Path(place).resolve()) for place in sys.path)
LOOPS = Path(__file__).resolve().parent / "loops"
Prepare = Callable[[Job], contextlib.AbstractContextManager[Start]]


def counters(tally: Path) -> tuple[int, int, int, int]:
    """Return transactions, right and wrong values, failed transactions so far."""
    transactions, right, wrong, failed = struct.unpack(LAYOUT, tally.read_bytes())
    return transactions, right, wrong, failed


def tally_of(job: Job) -> Path:
    """Return the file in which a loop that does *job* counts."""
    return job.folder / "tally"


def _came(job: Job) -> Callable[[], Came]:
    return lambda: Came(*counters(tally_of(job))[1:3])


def _python_loop(
    interpreter: Callable[[], str], name: str, modules: str = ""
) -> Prepare:
    @contextlib.contextmanager
    def prepare(job: Job) -> Iterator[Start]:
        tally_of(job).write_bytes(bytes(SIZE))
        wanted = {
            "port": job.port,
            "baud": job.baud,
            "timeout_s": job.timeout_s,
            "reads": job.reads,
            "tally": str(tally_of(job)),
        }
        command = [interpreter(), str(LOOPS / f"{name}_loop.py"), json.dumps(wanted)]
        yield Start(command, _came(job), {"PYTHONPATH": modules})

    return prepare


def library(name: str) -> Prepare:
    """Return how the loop of a library in an environment of its own is prepared."""
    return _python_loop(lambda: python(name), name)


#: Our bus loop is started like the others.
zerometer = _python_loop(
    lambda: sys.executable,
    "zerometer",
    MODULES,
)


@contextlib.contextmanager
def libmodbus(job: Job) -> Iterator[Start]:
    """Prepare the loop of libmodbus."""
    tally_of(job).write_bytes(bytes(SIZE))
    timeout_us = str(int((job.timeout_s or 0) * 1e6))
    reads = [str(number) for read in job.reads for number in read]
    command = [str(_compiled()), job.port, str(job.baud), timeout_us]
    yield Start([*command, str(tally_of(job)), *reads], _came(job))


def _compiled() -> Path:
    source = LOOPS / "libmodbus_loop.c"
    result = cache() / "libmodbus_loop"
    if result.exists() and result.stat().st_mtime > source.stat().st_mtime:
        return result
    cache().mkdir(parents=True, exist_ok=True)
    command = [program("gcc"), "-O2", f"-I{HEADER.parent}", "-o", str(result),
               str(source), "-lmodbus"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerError(f"libmodbus_loop.c: {done.stderr.strip().splitlines()[-1]}")
    return result
