"""``zerometer replay``: the accounting of the agent over recorded readings."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from zerometer.agent.cli.common import Subparsers, load
from zerometer.agent.replay.text import lines, window_line
from zerometer.agent.replay.writer import Writer

if TYPE_CHECKING:
    from zerometer.agent.factors.table import Bad
    from zerometer.core.event import SiteEvent
    from zerometer.core.intervals import Granularity
    from zerometer.core.matching import Matching
    from zerometer.core.network import Network
    from zerometer.core.series_book import SeriesBook
    from zerometer.core.site import Site

EXAMPLE = """\
example:
  zerometer replay site.toml readings.csv
  zerometer replay site.toml /var/lib/zerometer --window 1d --json
"""

#: What a window is called here, and in the calendar.
WINDOWS: "dict[str, Granularity]" = {
    "1min": "1min",
    "15min": "15min",
    "1h": "hour",
    "1d": "day",
    "month": "month",
    "year": "year",
}


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "replay",
        help="account for recorded readings",
        description=(
            "Account for recorded readings as the agent does for those that it reads. "
            "READINGS is a CSV file with the columns time, meter, point and value, or "
            "a journal: its folder, or a folder of batches. Nothing is written but "
            "the output."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("site", metavar="SITE", help="the site file")
    parser.add_argument("readings", metavar="READINGS", help="what was read")
    parser.add_argument(
        "--factors", metavar="F", help="values of the site's factor series, a CSV file"
    )
    parser.add_argument(
        "--certificates",
        metavar="C",
        type=Path,
        help="certificates and contracts for the view market, a CSV file",
    )
    parser.add_argument(
        "--events",
        metavar="E",
        help="what happened on the site, a CSV file, beside that of the site file",
    )
    parser.add_argument(
        "--window",
        metavar="W",
        choices=WINDOWS,
        help=f"tell of each window as well: {', '.join(WINDOWS)}",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Replay and print."""
    from zerometer.agent.replay.batch_readings import holds_batches
    from zerometer.agent.replay.blocks import open_readings
    from zerometer.agent.replay.certificates import match_readings
    from zerometer.agent.replay.document import Document
    from zerometer.agent.replay.pace import at_recorded_pace
    from zerometer.agent.replay.points import Points
    from zerometer.agent.replay.run import Replay
    from zerometer.agent.replay.sections.certificates import CertificatesSection
    from zerometer.core.network import Network

    site, path = load(options), Path(options.readings)
    if not holds_batches(path):
        site = at_recorded_pace(site)
    network = Network(site)
    factors, rejected = _factors(site, network, options.factors)
    points = Points(site, network)
    matchings: Mapping[str, Matching] = {}
    if options.certificates is not None:
        once = open_readings(path, points)
        matchings = match_readings(site, network, factors, options.certificates, once)
    readings = open_readings(path, points)
    replay = Replay(
        site,
        network,
        factors,
        WINDOWS.get(options.window),
        rejected,
        events=_events(site, options.events),
        extra=[CertificatesSection(site, network, matchings)],
    )
    document = Document(site, network)
    spans = map(document.span, replay.windows(readings))
    head = {"site": site.id, "window": options.window, "views": list(network.views)}
    (_print_json if options.json else _print_text)(
        head, spans, lambda: document.whole(replay.whole(), readings.count)
    )
    for warning in readings.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return 0


def _events(site: "Site", path: str | None) -> "list[SiteEvent]":
    """Return what happened on the site, in the order of the times."""
    from zerometer.config.events import read_events

    files = [Path(name) for name in (site.events, path) if name]
    events = [event for file in files for event in read_events(file, site)]
    return sorted(dict.fromkeys(events), key=lambda event: event.time_ns)


def _factors(
    site: "Site", network: "Network", path: str | None
) -> "tuple[SeriesBook, list[Bad]]":
    """Return the factors of the site at all times, and the rows that do not hold."""
    from zerometer.agent.factors.table import Bad, read_factor_csv
    from zerometer.core.series_book import SeriesBook

    origins = [origin.name for origin in network.origins]
    book = SeriesBook(site, origins, ZoneInfo(site.timezone))
    if path is None:
        return book, []
    table = read_factor_csv(Path(path))
    rejected = table.bad
    for row in table.rows:
        if row.series not in book.units:
            rejected.append(Bad(path, row.series, "the site uses no such series"))
        elif fault := book.fault_of(row):
            rejected.append(Bad(path, row.series, fault))
    book.load(table.rows)
    for bad in dict.fromkeys(rejected):
        print(f"warning: {bad.where}: {bad.text}: {bad.reason}", file=sys.stderr)
    return book, rejected


def _print_json(
    head: dict[str, Any],
    windows: Iterator[dict[str, Any]],
    whole: Callable[[], dict[str, Any]],
) -> None:
    writer = Writer(sys.stdout, head)
    for window in windows:
        writer.window(window)
    writer.whole(whole())


def _print_text(
    head: dict[str, Any],
    windows: Iterator[dict[str, Any]],
    whole: Callable[[], dict[str, Any]],
) -> None:
    for window in windows:
        print(window_line(window))
    for line in lines({**head, **whole()}):
        print(line)
