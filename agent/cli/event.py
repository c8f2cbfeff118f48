"""``zerometer event``: tell a site what happened, and list what it was told."""

import argparse
import csv
import sys
import time
from contextlib import closing
from pathlib import Path

from zerometer.agent.cli.common import Subparsers, load, site_argument
from zerometer.core.errors import UsageError

#: Options of ``add`` and what they say, by column of the events file.
OPTIONS = {
    "time": "when: ISO 8601 with offset, or seconds since 1970; default: now",
    "kind": "what: meter-change, refrigerant, lot-start, ... (docs/site-events.md)",
    "subject": "what it happened to: a meter, storage, gas, process or product",
    "quantity": "how much",
    "unit": "the unit of the quantity",
    "final": "meter-change: the last reading of the old meter",
    "text": "what else to say; of a lot, its name",
    "evidence": "where the proof is: an invoice, a photo, a report",
}


def add_parser(subparsers: Subparsers) -> None:
    """Add the command and its parts."""
    parser = subparsers.add_parser(
        "event",
        help="add and list dated events: meter changes, top-ups, lots, captures",
        description="Dated events are what happened on the site that no meter tells.",
        epilog="Start with: zerometer event list SITE",
    )
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    add = parts.add_parser(
        "add",
        help="add an event",
        description=(
            "Add an event to the site's state, for good. An agent that runs takes it "
            "up within a tick."
        ),
        epilog=(
            "Example: zerometer event add site.toml --kind refrigerant "
            "--subject R410A --quantity 2.5 --unit kg --evidence invoice-0815"
        ),
    )
    site_argument(add)
    for name, meaning in OPTIONS.items():
        add.add_argument(
            f"--{name}", required=name in ("kind", "subject"), help=meaning
        )
    add.add_argument(
        "--permanent", action="store_true", help="capture: it is stored for good"
    )
    add.set_defaults(run=run_add)
    show = parts.add_parser(
        "list",
        help="list the events of a site",
        description="Print what the site was told, as CSV of the events file's form.",
        epilog="Example: zerometer event list site.toml",
    )
    site_argument(show)
    show.set_defaults(run=run_list)


def run_add(options: argparse.Namespace) -> int:
    """Add an event; say its number."""
    from zerometer.agent.site_events.store import EventStore
    from zerometer.config.events import event_of
    from zerometer.core.event import SiteEvent

    site = load(options)
    given = {name: getattr(options, name) for name in OPTIONS}
    values = {name: value for name, value in given.items() if value is not None}
    now_ns = time.time_ns()
    values.setdefault("time", str(now_ns // 1_000_000_000))
    if options.permanent:
        values["permanent"] = "true"
    found = event_of(values, site)
    if not isinstance(found, SiteEvent):
        faults = "\n".join(f"event: --{f.column}: {f.message}" for f in found)
        raise UsageError(f"{faults}\nnothing was added")
    with closing(EventStore(Path(site.journal.path))) as store:
        (number,) = store.add([found], now_ns)
    print("it was there already" if number is None else f"event {number} added")
    return 0


def run_list(options: argparse.Namespace) -> int:
    """Print the events."""
    from zerometer.agent.site_events.store import EVENTS, EventStore
    from zerometer.config.events import COLUMNS, as_text

    folder = Path(load(options).journal.path)
    events = []
    if (folder / EVENTS.name).exists():  # a list makes no file
        with closing(EventStore(folder)) as store:
            events = store.after(0)
    out = csv.DictWriter(sys.stdout, COLUMNS, restval="", lineterminator="\n")
    out.writeheader()
    for _, event in events:
        out.writerow(as_text(event))
    return 0
