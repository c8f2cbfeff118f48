"""``zerometer receive`` as a process that can be killed."""

import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import argparse, sys
from zerometer.agent.cli import receive
parser = argparse.ArgumentParser()
receive.add_parser(parser.add_subparsers())
options = parser.parse_args()
sys.exit(options.run(options))
"""


class ReceiverProcess:
    """Starts at once, and returns when it listens."""

    def __init__(self, database: Path | str, port: int = 0, *options: str) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable, "-c", PROGRAM,
                "receive", "--to", str(database), "--port", str(port),
                *options,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self.pid = self._process.pid
        self.port = int(self.url.split(":")[2].split("/")[0])

    def end(self, number: signal.Signals) -> int:
        """Send a signal; return the exit code."""
        self._process.send_signal(number)
        code = self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code
