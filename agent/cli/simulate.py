"""``zerometer simulate``: a simulated factory behind a site file's ports."""

import argparse
import json
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from zerometer.agent.cli.common import Subparsers, load, site_argument
from zerometer.core.errors import UsageError


def add_parser(subparsers: Subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "simulate",
        help="simulate a site's meters",
        description=(
            "Simulate the meters of a site: a pty takes the place of each bus's port "
            "(nothing may be there), a port over a network is listened on here, bytes "
            "are paced at the baud rate, and the meters measure a factory whose energy "
            "balances. Runs until SIGTERM or Ctrl-C. "
            "With --fault things go wrong, for tests and for training."
        ),
        epilog=(
            "example: zerometer simulate site.toml --fault press:late=800ms,1%@30s+60s"
        ),
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
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help=(
            "let something go wrong: METER:FAULT[=VALUES][@START[+DURATION]], or "
            "bus=BUS:FAULT...; may be repeated"
        ),
    )
    parser.add_argument(
        "--faults", action="store_true", help="list the faults there are, and end"
    )
    parser.add_argument(
        "--tap",
        type=Path,
        metavar="FILE",
        help="note every byte that is written to a bus, as lines of JSON",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Simulate until told to stop."""
    from zerometer.drivers.simulator.catalogue import listing
    from zerometer.drivers.simulator.factory import build

    if args.faults:
        print(listing())
        return 0
    site = load(args)
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with ExitStack() as stack:
        start_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        factory = build(
            site,
            seed=args.seed,
            start_ns=start_ns,
            recorder=args.served and Served(_opened(args, "served", stack)).note,
            faults=args.fault,
            tap=args.tap and Tap(_opened(args, "tap", stack)).note,
            report=_report,
        )
        with factory:
            ports = {bus.id: bus.port for bus in site.buses}
            print(json.dumps({"start_ns": start_ns, "ports": ports}), flush=True)
            signal.sigwait(stop)
    return 0


def _opened(args: argparse.Namespace, option: str, stack: ExitStack) -> TextIO:
    path: Path = getattr(args, option)
    try:
        return stack.enter_context(path.open("w", encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--{option} {path}: {error.strerror}") from None


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Tap:
    """Notes what is written to the buses, for tests and for the curious."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def note(self, bus: str, data: bytes) -> None:
        """Write what came at once; the file is read once we have stopped."""
        now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        row = {"t": now_ns, "bus": bus, "bytes": data.hex(" ")}
        print(json.dumps(row), file=self._file)


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
