"""``zerometer check``: say what a site file means, or all that is wrong with it."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zerometer.agent.bus_plan import bus_plan
from zerometer.agent.cli.common import Subparsers, site_argument, site_path
from zerometer.agent.cli.plan import learnt
from zerometer.config.events import read_events
from zerometer.config.problems import FileError, Problem
from zerometer.config.site import load_site
from zerometer.core.network import Network
from zerometer.core.points import NETWORK_LINE
from zerometer.core.reconcile import Reconciliation
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
        if loaded.site.events:
            read_events(Path(loaded.site.events), loaded.site)
    except FileError as error:
        if not options.json:
            raise
        print(_to_json(ok=False, problems=[asdict(p) for p in error.problems]))
        return error.exit_code
    file = str(site_path(options))
    warnings = [
        *loaded.warnings,
        *_overloads(loaded.site, file),
        *_unbalanced(loaded.site, file),
    ]
    if options.json:
        told = [asdict(problem) for problem in warnings]
        print(_to_json(ok=True, site=_counts(loaded.site), warnings=told))
    else:
        _print_summary(loaded.site, warnings)
    return 0


def _overloads(site: Site, file: str) -> list[Problem]:
    """Return a warning for each bus whose periods cannot be kept."""
    known = learnt(site, None)
    used = {bus.id: bus_plan(site, bus, known)["utilisation"] for bus in site.buses}
    return [
        Problem(
            file,
            0,
            0,
            f'bus "{bus}"',
            "",
            f"its meters take {share:.0%} of its time, so each is read less often "
            "than stated; zerometer plan shows what takes how long",
        )
        for bus, share in used.items()
        if share > 1.0
    ]


def _unbalanced(site: Site, file: str) -> list[Problem]:
    """Return a warning for each balanced pool that cannot be made to agree."""
    unknown = Reconciliation(Network(site), site).unknown
    return [
        Problem(
            file,
            0,
            0,
            f'pool "{pool}"',
            "balance",
            "its flows stay as measured: neither class nor uncertainty is stated of "
            + ", ".join(meters),
        )
        for pool, meters in unknown.items()
    ]


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
        "products": len(site.products),
        "views": list(site.views),
        "uplinks": len(site.uplinks),
    }


def _print_summary(site: Site, warnings: Sequence[Problem]) -> None:
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{site.id} ({site.name}), {site.timezone}, revision {site.revision}")
    for bus in site.buses:
        line = bus.line
        settings = f", {line.baud} 8{line.parity}{line.stop_bits}"
        print(f"bus {bus.id}: {bus.port}{settings * (line != NETWORK_LINE)}")
        for meter in site.meters:
            if meter.bus == bus.id:
                points = _number(len(meter.points), "points")
                print(f"  {meter.unit:3d} {meter.id}: {meter.map.id}, {points}")
    for meter in site.meters:
        if not meter.bus:
            names = ", ".join(f"{p.point.name} ({p.point.unit})" for p in meter.points)
            print(f"no bus: {meter.id}: {names}")
    counts = _counts(site)
    graph = ("pools", "sources", "processes", "storages", "sinks", "products")
    print(", ".join(_number(counts[name], name) for name in graph))
    print(f"views: {', '.join(site.views)}")
    for uplink in site.uplinks:
        print(f"uplink {uplink.id}: {uplink.url}")
    print("no problem found" if not warnings else "no error found")


def _number(count: int, plural: str) -> str:
    """Return *count* with its word: "1 pool", "2 processes"."""
    singular = plural.removesuffix("es") if plural == "processes" else plural[:-1]
    return f"{count} {singular if count == 1 else plural}"
