"""``zerometer status``: what a site's agent sees, or saw last."""

import argparse
import json
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from zerometer.agent.cli.common import Subparsers, load, site_argument
from zerometer.agent.last_status import read_last
from zerometer.core.errors import UpstreamError
from zerometer.core.site import Site

TIMEOUT_S = 5.0

Json = dict[str, Any]
Row = tuple[str, ...]

METER_HEAD = ("meter", "state", "quality", "age", "answers in", "good", "errors")
#: "late": the latest cycle, and the most of the last minute or two.
BUS_HEAD = ("bus", "state", "used", "late, at most", "skipped", "requests", "errors")


def add_parser(subparsers: Subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "status",
        help="show what a site's agent sees",
        description=(
            "Show meters, pools, journal and uplinks of the running agent (asked over "
            "its page), or what it saw last when it is stopped."
        ),
        epilog="example: zerometer status /etc/zerometer/site.toml --json",
    )
    site_argument(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the status."""
    site = load(args)
    running = ask(site) if site.page.enabled else None
    snapshot = running or read_last(Path(site.journal.path))
    if snapshot is None:
        raise UpstreamError(
            f"status: no agent answers for {site.id}, and none has stopped here: "
            "start one with: zerometer run"
        )
    snapshot["running"] = running is not None
    if args.json:
        print(json.dumps(snapshot, ensure_ascii=False))
    else:
        print("\n".join(lines(snapshot)))
    return 0


def ask(site: Site) -> Json | None:
    """Return the snapshot of the site's running agent; None when there is none."""
    host = f"[{site.page.host}]" if ":" in site.page.host else site.page.host
    address = f"http://{host}:{site.page.port}/api/snapshot"
    # Never through a proxy: the agent is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=TIMEOUT_S) as answer:
            snapshot: Json = json.load(answer)
            return snapshot if snapshot["site"]["id"] == site.id else None
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return None  # nobody, or somebody else


def lines(snapshot: Json) -> list[str]:
    """Return a snapshot as text for a terminal."""
    state = "running" if snapshot["running"] else "stopped"
    site = snapshot["site"]
    text = [f"{site['id']} ({site['name']}): {state}"]
    for pool in snapshot["pools"]:
        factor = pool["factor"]["physical"]
        shown = "not defined" if factor is None else f"{factor:.4f} kg/{pool['unit']}"
        text.append(
            f"pool {pool['id']}: {pool['inflow']:.1f} {pool['rate_unit']}, {shown}"
        )
    text += _accounts(snapshot)
    text += _columns([METER_HEAD, *_meter_rows(snapshot)])
    text += [line for meter in snapshot["meters"] for line in _learnt(meter)]
    text += _columns([BUS_HEAD, *map(_bus_row, snapshot["buses"])])
    text += [
        f"bus {bus['id']} is overloaded: each of its meters is read less often; "
        "zerometer plan shows what takes how long"
        for bus in snapshot["buses"]
        if bus["overloaded"]
    ]
    if snapshot["clock"]["waits"]:
        text.append("clock: not set yet: readings wait for it, at most 5 minutes")
    elif not snapshot["clock"]["synchronised"]:
        text.append("clock: nobody keeps it right: times are a guess, and say so")
    journal = snapshot["journal"]
    text.append(
        f"journal: {journal['batches']} batches, {journal['bytes']} bytes"
        + (f", {journal['error']}" if journal["error"] else "")
    )
    for uplink in snapshot["uplinks"]:
        text.append(
            f"uplink {uplink['id']}: {uplink['state']}, {uplink['backlog']} waiting"
            + f", {uplink['quarantined']} set aside" * bool(uplink["quarantined"])
            + (f", {uplink['last_error']}" if uplink["last_error"] else "")
        )
    return text


def _accounts(snapshot: Json) -> Iterator[str]:
    for origin in snapshot["factors"]:
        for view, told in origin["by_view"].items():
            if told["status"] == "fallback":
                yield f"factor of {origin['id']}, {view}: {told['from']} has no value"
    for demand in snapshot["demand"]:
        shown = [_kilowatts(demand[key]) for key in ("last_kw", "predicted_kw")]
        yield f"demand {demand['source']}: {shown[0]}, this quarter {shown[1]}"
    basis = snapshot["accounting"]
    if basis["measured_share"] is not None:
        flags = [f"{flag['kind']} {flag['subject']}" for flag in basis["flags"]]
        told = ", ".join([f"{basis['measured_share']:.1%} measured", *flags])
        yield f"last minute: {told}"


def _kilowatts(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1f} kW"


def _meter_rows(snapshot: Json) -> Iterator[Row]:
    # A stop closes every port: then a meter is as it was seen last.
    closed = {
        bus["id"]
        for bus in snapshot["buses"]
        if bus["state"] != "open" and snapshot["running"]
    }
    for meter in snapshot["meters"]:
        state = "port closed" if meter["bus"] in closed else meter["state"]
        age = "never" if meter["age_s"] is None else f"{meter['age_s']:.1f} s ago"
        took = "-" if meter["latency_s"] is None else _brief(meter["latency_s"])
        good, errors = str(meter["good"]), _by_kind(meter["errors"])
        yield meter["id"], state, meter["quality"], age, took, good, errors


def _learnt(meter: Json) -> Iterator[str]:
    if meter["refused"]:
        yield f"meter {meter['id']} refuses: {', '.join(meter['refused'])}"
    takes, stated = meter["max_registers"], meter["map_max_registers"]
    if takes < stated:
        yield (
            f"meter {meter['id']} takes at most {takes} registers in one request, "
            f"its map says {stated}"
        )


def _bus_row(bus: Json) -> Row:
    late = f"{_brief(bus['lateness_s'])}, {_brief(bus['lateness_max_s'])}"
    used = f"{bus['utilisation']:.1%}"
    sent, skipped = str(bus["transactions"]), str(bus["skipped_cycles"])
    return bus["id"], bus["state"], used, late, skipped, sent, _by_kind(bus["errors"])


def _brief(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _by_kind(errors: dict[str, int]) -> str:
    happened = [f"{kind} {count}" for kind, count in errors.items() if count]
    return ", ".join(happened) or "-"


def _columns(table: list[Row]) -> list[str]:
    """Return rows as lines whose columns begin below each other."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]
