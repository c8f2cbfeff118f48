"""What a peer is asked to do, and how it is started, watched and ended."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers.environments import PeerError

#: How long a reply is waited for in the best configurations: a little more than the
#: longest reply takes at 9600 baud.
TIMEOUT_S = 0.3
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """Blocks (address, registers) to read of each unit, over and over.

    ``timeout_s`` is None where the peer's own time-out shall hold. ``folder`` is
    empty, for the peer's files.
    """

    port: str
    baud: int
    units: tuple[int, ...]
    blocks: tuple[tuple[int, int], ...]
    timeout_s: float | None
    folder: Path

    @property
    def reads(self) -> tuple[tuple[int, int, int], ...]:
        """Unit, address and registers of each read."""
        return tuple((u, *block) for u in self.units for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Came:
    """How many values came out at the peer's far end, and how many were wrong."""

    right: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Start:
    """A command that does a job, and what counts the values that come out."""

    command: list[str]
    came: Callable[[], Came]
    environment: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def started(start: Start, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command meanwhile; it and all that it started are gone afterwards."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            start.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**_environment(), **start.environment},
            cwd=folder,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end(process)


def _environment() -> dict[str, str]:
    """Return this process's environment, without where its own modules are."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return kept | {"PYTHONUNBUFFERED": "1"}


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask *process* to end, then end it and its group."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def check(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Raise PeerError when *process* has ended."""
    if process.poll() is not None:
        log = (folder / "log").read_text(encoding="utf-8", errors="replace")
        last = (log.strip().splitlines() or ["no output"])[-1]
        raise PeerError(f"ended with {process.returncode}: {last}")
