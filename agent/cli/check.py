"""``zerometer check``: say what a site file means, or all that is wrong with it."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from zerometer.agent.cli.common import Subparsers, site_argument, site_path
from zerometer.config.problems import FileError
from zerometer.config.site import LoadedSite, load_site
from zerometer.core.site import Site


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "check",
        help="check a site file without opening anything",
        description="Check a site file and its meter maps. No port is opened.",
        epilog="Example: zerometer check /etc/zerometer/site.toml",
    )
    site_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print a summary; with ``--json`` also problems go to standard output."""
    try:
        loaded = load_site(site_path(options))
    except FileError as error:
        if not options.json:
            raise
        print(_to_json(ok=False, problems=[asdict(p) for p in error.problems]))
        return error.exit_code
    warnings = [asdict(problem) for problem in loaded.warnings]
    if options.json:
        print(_to_json(ok=True, site=_counts(loaded.site), warnings=warnings))
    else:
        _print_summary(loaded)
    return 0


def _to_json(**members: Any) -> str:
    return json.dumps(members, ensure_ascii=False, indent=2)


def _counts(site: Site) -> dict[str, Any]:
    return {
        "id": site.id,
        "name": site.name,
        "revision": site.revision,
        "timezone": site.timezone,
        "buses": len(site.buses),
        "meters": len(site.meters),
        "points": sum(len(meter.points) for meter in site.meters),
        "pools": len(site.pools),
        "sources": len(site.sources),
        "processes": len(site.processes),
        "storages": len(site.storages),
        "sinks": len(site.sinks),
        "uplinks": len(site.uplinks),
    }


def _print_summary(loaded: LoadedSite) -> None:
    site = loaded.site
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{site.id} ({site.name}), {site.timezone}, revision {site.revision}")
    for bus in site.buses:
        line = bus.line
        settings = f"{line.baud} 8{line.parity}{line.stop_bits}"
        print(f"bus {bus.id}: {bus.port}, {settings}")
        for meter in site.meters:
            if meter.bus == bus.id:
                points = _number(len(meter.points), "points")
                print(f"  {meter.unit:3d} {meter.id}: {meter.map.id}, {points}")
    counts = _counts(site)
    graph = ("pools", "sources", "processes", "storages", "sinks")
    print(", ".join(_number(counts[name], name) for name in graph))
    for uplink in site.uplinks:
        print(f"uplink {uplink.id}: {uplink.url}")
    print("no problem found" if not loaded.warnings else "no error found")


def _number(count: int, plural: str) -> str:
    """Return *count* with its word: "1 pool", "2 processes"."""
    singular = plural.removesuffix("es") if plural == "processes" else plural[:-1]
    return f"{count} {singular if count == 1 else plural}"
