"""The command ``zerometer``: finds the subcommand, runs it, reports its errors."""

import argparse
import os
import sqlite3
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from zerometer.core.errors import ZerometerError

#: Subcommands, in the order in which a site meets them; each is a module here.
COMMANDS = ("demo", "check", "run", "status", "receive", "decode", "simulate")


def versions() -> str:
    """Return the versions that matter for a support question."""
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"zerometer {version('zerometer')} ({python}, abi3 kernels, "
        f"SQLite {sqlite3.sqlite_version}, {os.uname().machine})"
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with all subcommands."""
    parser = argparse.ArgumentParser(
        prog="zerometer",
        description="Edge metering agent for zero-carbon factories.",
        epilog="Start with: zerometer demo",
    )
    parser.add_argument("--version", action="version", version=versions())
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"zerometer.agent.cli.{name}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit code (see ``docs/errors.md``)."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ZerometerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away: nothing left to tell it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
