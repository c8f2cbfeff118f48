"""``zerometer demo``: a simulated factory, the agent, a receiver and the page."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from zerometer.agent.cli.common import Subparsers
from zerometer.core.errors import UsageError

if TYPE_CHECKING:
    from zerometer.agent.demo.scene import Scene

POLL_S = 1.0
#: What tells that a demo ran in a folder.
LEFT = ("site.toml", "received.sqlite")

DESCRIPTION = """\
Run a simulated factory (seven meters on a paced serial line), the agent, a receiver
and the page on this machine until Ctrl-C. With --seconds it stops by itself and says
what arrived, against what the simulated meters measured:
  energy_error_ppm        stitched index at the receiver against the registers served
  power_energy_error_ppm  the same against the integral of the true power, beyond two
                          counter steps, for meters that gained 100 steps or more
  carbon_balance_error    emissions that entered against those attributed, relative
  bus_utilisation         part of the time in which the bus was in use
  private_mb              memory that only the agent holds
A figure for which there was nothing to compare is null. Meters whose counters a fault
makes jump are left out of the energy figures.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "demo",
        help="run a simulated factory end to end",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: zerometer demo --seconds 60 --json",
    )
    parser.add_argument(
        "--seconds", type=_seconds, help="stop by itself after this time"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--folder", type=Path, help="keep the run's files here: a new or empty folder"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="let something go wrong, as simulate --fault does; may be repeated",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo; a signal before all parts run is a KeyboardInterrupt."""
    from zerometer.agent.demo.family import heed_stops

    if args.json and args.seconds is None:
        raise UsageError("demo: --json: only with --seconds")
    stops = heed_stops()
    if args.folder is not None:
        return _run(args, _made(args.folder), stops)
    with tempfile.TemporaryDirectory(prefix="zerometer-demo-") as folder:
        return _run(args, Path(folder), stops)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < inf:
        raise argparse.ArgumentTypeError(f"{text}: must be more than 0")
    return value


def _made(folder: Path) -> Path:
    """Return the absolute path of *folder*, made and without an earlier run."""
    # The parts run in the folder: a relative path would be another one to them.
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        left = {file.name for file in folder.iterdir()}
    except OSError as error:
        raise UsageError(f"demo: --folder {folder}: {error.strerror}") from None
    if not left.isdisjoint(LEFT):
        raise UsageError(
            f"demo: --folder {folder}: holds an earlier run; name a new or empty folder"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"demo: --folder {folder}: cannot be written")
    return folder


def _run(args: argparse.Namespace, folder: Path, stops: set[signal.Signals]) -> int:
    from zerometer.agent.demo.check import figures, misled
    from zerometer.agent.demo.processes import boottime_offset_ns, private_mb
    from zerometer.agent.demo.scene import Scene
    from zerometer.agent.last_status import read_last
    from zerometer.config.site import load_site

    timed = args.seconds is not None
    with Scene(folder, note_served=timed, faults=args.fault) as scene:
        print(f"page: {scene.page}", file=sys.stderr, flush=True)
        if not timed:
            print("Ctrl-C stops it", file=sys.stderr, flush=True)
        _wait(scene, args.seconds, stops)
        memory_mb = private_mb(scene.agent.pid)
        scene.stop()
        if not timed:
            return 0
        site = load_site(scene.site).site
        last = read_last(Path(site.journal.path))
        assert last is not None, "an agent that stopped in order leaves its status"
        result = figures(site, scene.truth, scene.database, last, boottime_offset_ns())
        result["private_mb"] = round(memory_mb, 1)
        if left_out := misled(site, args.fault):
            names = ", ".join(sorted(left_out))
            said = f"energy figures: without {names}: a fault misleads their counters"
            print(said, file=sys.stderr)
    if args.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:24} {'-' if value is None else value}")
    return 0


def _wait(scene: "Scene", seconds: float | None, stop: set[signal.Signals]) -> None:
    """Wait for the time or for one of the signals *stop*, while all parts run."""
    end = None if seconds is None else time.monotonic() + seconds
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    try:
        while end is None or time.monotonic() < end:
            rest = POLL_S if end is None else min(POLL_S, end - time.monotonic())
            if signal.sigtimedwait(stop, max(rest, 0.0)) is not None:
                return
            scene.check()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stop)
