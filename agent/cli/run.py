"""``zerometer run``: the daemon."""

import argparse
import asyncio
import logging
import sys

from zerometer.agent.cli.common import Subparsers, load, site_argument


def add_parser(subparsers: Subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "run",
        help="meter a site until SIGTERM",
        description="Read the site's meters, account, journal, forward and show.",
        epilog="example: zerometer run /etc/zerometer/site.toml",
    )
    site_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the daemon until it is told to stop."""
    site = load(args)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s"
    )
    from zerometer.agent import daemon

    asyncio.run(daemon.run(site))
    return 0
