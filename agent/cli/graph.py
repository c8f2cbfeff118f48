"""``zerometer graph``: draw the graph of a site file."""

import argparse
import sys
from pathlib import Path

from zerometer.agent.cli.common import Subparsers, load, site_argument
from zerometer.core.errors import UsageError


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "graph",
        help="draw the graph of a site file as SVG",
        description=(
            "Draw sources, pools, processes, storages and sinks of a site file, and "
            "what flows between them. No port is opened."
        ),
        epilog="Example: zerometer graph site.toml --out site.svg",
    )
    site_argument(parser)
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="write to this file; default: standard output",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print or write the picture."""
    from zerometer.agent.graph.svg import draw

    picture = draw(load(options))
    if options.out is None:
        sys.stdout.write(picture)
        return 0
    try:
        options.out.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {options.out}: {error.strerror}") from None
    return 0
