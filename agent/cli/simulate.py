"""``zerometer simulate``: a simulated factory behind a site file's ports."""

import argparse
import json
import signal
import time
from pathlib import Path
from typing import TextIO

from zerometer.agent.cli.common import Subparsers, load, site_argument
from zerometer.core.errors import UsageError


def add_parser(subparsers: Subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "simulate",
        help="simulate a site's meters on ptys",
        description=(
            "Simulate the meters of a site: a pty takes the place of each bus's port "
            "(nothing may be there), bytes are paced at its baud rate, and the meters "
            "measure a factory whose energy balances. Runs until SIGTERM or Ctrl-C."
        ),
        epilog="example: zerometer simulate site.toml & zerometer run site.toml",
    )
    site_argument(parser)
    parser.add_argument(
        "--seed", type=int, default=1, help="another factory (default: 1)"
    )
    parser.add_argument(
        "--served",
        type=Path,
        metavar="FILE",
        help="note each counter value that a meter answers with, as lines of JSON",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Simulate until told to stop."""
    from zerometer.drivers.simulator.factory import build

    site = load(args)
    served = None if args.served is None else _open(args.served)
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    try:
        start_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        recorder = None if served is None else Served(served).note
        with build(site, seed=args.seed, start_ns=start_ns, recorder=recorder):
            ports = {bus.id: bus.port for bus in site.buses}
            print(json.dumps({"start_ns": start_ns, "ports": ports}), flush=True)
            signal.sigwait(stop)
    finally:
        if served is not None:
            served.close()
    return 0


def _open(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--served {path}: {error.strerror}") from None


class Served:
    """Notes what the meters answered: the truth that a demo is checked against."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def note(
        self, time_ns: int, meter: str, point: str, value: float, true: float
    ) -> None:
        """Write one counter value; the file is read once we have stopped."""
        row = {"t": time_ns, "meter": meter, "point": point, "value": value}
        print(json.dumps(row | {"true": true}), file=self._file)
