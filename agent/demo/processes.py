"""The demo's processes: each is the product's own command, in a folder of its own."""

import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from zerometer.agent.demo.family import follow_parent
from zerometer.core.errors import ZerometerError

START_S = 20.0
STOP_S = 30.0


class DemoError(ZerometerError):
    """A part of the demo did not start or stop as it should."""


class Process:
    """A ``zerometer`` command that runs beside us; its messages go to a log file.

    In a session of its own: Ctrl-C reaches the demo only, which stops the parts in
    the right order. When the demo dies, it is told to stop.
    """

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "zerometer.agent.cli.main", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                start_new_session=True,
                preexec_fn=follow_parent(),  # noqa: PLW1509 - we have no threads
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def line(self) -> str:
        """Return the next line that it prints; DemoError when none comes in time."""
        output = self._process.stdout
        assert output is not None
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            if selector.select(START_S):
                text = output.readline().decode().strip()
                if text:
                    return text
        raise self._failure("did not start")

    def check(self) -> None:
        """Raise DemoError when it has ended."""
        if self._process.poll() is not None:
            raise self._failure(f"ended with exit code {self._process.returncode}")

    def stop(self) -> None:
        """Ask it to stop and wait; DemoError when it did not stop cleanly."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self._failure(f"did not stop within {STOP_S:.0f} s") from None
        finally:
            self._close()
        if code != 0:
            raise self._failure(f"ended with exit code {code}")

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _failure(self, what: str) -> DemoError:
        last = self.log.read_text(errors="replace").strip().splitlines()[-5:]
        return DemoError("\n".join([f"demo: {self.name}: {what}", *last]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def private_mb(pid: int) -> float:
    """Return the memory that only process *pid* holds: Private_* of smaps_rollup."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    kilobytes = sum(
        int(line.split()[1]) for line in rollup.splitlines() if "Private_" in line
    )
    return kilobytes / 1024


def boottime_offset_ns() -> int:
    """Return wall time minus boot time, as this machine has it now."""
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    wall = time.time_ns()
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return wall - (before + after) // 2
