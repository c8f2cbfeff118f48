"""The command ``zerometer``: finds the subcommand, runs it, reports its errors."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from zerometer.core.errors import ZerometerError
from zerometer.core.version import VERSION

#: Subcommands, in the order in which a site meets them; each is a module here.
COMMANDS = (
    "demo",
    "check",
    "graph",
    "plan",
    "run",
    "status",
    "event",
    "replay",
    "certificates",
    "factors",
    "receive",
    "decode",
    "journal",
    "simulate",
)


def versions() -> str:
    """Return the versions that matter for a support question."""
    import sqlite3

    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"zerometer {VERSION} ({python}, abi3 kernels, "
        f"SQLite {sqlite3.sqlite_version}, {os.uname().machine})"
    )


class _Version(argparse.Action):
    """Prints the versions, which are only looked up then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and leave."""
        print(versions())
        parser.exit()


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of these subcommands; only their modules are imported."""
    parser = argparse.ArgumentParser(
        prog="zerometer",
        description="Edge metering agent for zero-carbon factories.",
        epilog="Start with: zerometer demo",
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show versions and exit"
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in commands:
        import_module(f"zerometer.agent.cli.{name}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit code (see ``docs/errors.md``)."""
    if arguments is None:
        arguments = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        # What a terminal's encoding lacks is shown as its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    chosen = [name for name in COMMANDS if name in arguments[:1]]
    options = build_parser(chosen or COMMANDS).parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
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
