"""What the subcommands share: their parsers' type, and the SITE argument."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from zerometer.core.site import Site

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DEFAULT_SITE = "/etc/zerometer/site.toml"


def site_argument(parser: argparse.ArgumentParser) -> None:
    """Add the optional argument SITE."""
    parser.add_argument(
        "site",
        nargs="?",
        metavar="SITE",
        help=f"the site file (default: $ZEROMETER_SITE, else {DEFAULT_SITE})",
    )


def site_path(options: argparse.Namespace) -> Path:
    """Return the path of the site file that a command line means."""
    return Path(options.site or os.environ.get("ZEROMETER_SITE") or DEFAULT_SITE)


def load(options: argparse.Namespace) -> "Site":
    """Return the site that a command line means; warnings go to standard error."""
    from zerometer.config.site import load_site

    loaded = load_site(site_path(options))
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return loaded.site
