"""``zerometer certificates``: import and list certificates and contracts."""

import argparse
import sys
from pathlib import Path

from zerometer.agent.cli.common import Subparsers, load, site_argument
from zerometer.core.iso_time import format_time

#: As files are imported, and as they are listed.
COLUMNS = (
    "id", "kind", "source", "start", "end", "quantity", "unit", "factor",
    "technology", "registry", "plant",
)  # fmt: skip


def add_parser(subparsers: Subparsers) -> None:
    """Add the command and its parts."""
    parser = subparsers.add_parser(
        "certificates",
        help="import and list certificates and contracts of what is bought or sold",
        description="Certificates are matched with what was bought (view market).",
        epilog="Start with: zerometer certificates import SITE FILE",
    )
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    take = parts.add_parser(
        "import",
        help="import a CSV file",
        description=(
            "Import certificates, contracts, sales and profiles of plants from a CSV "
            "file, all of it or nothing. What was imported before is left alone. An "
            "agent that runs takes it up within two minutes."
        ),
        epilog="Example: zerometer certificates import site.toml gec-2026-01.csv",
    )
    take.add_argument("site", metavar="SITE", help="the site file")
    take.add_argument("file", metavar="FILE", type=Path, help="the CSV file")
    take.set_defaults(run=run_import)
    show = parts.add_parser(
        "list",
        help="list what was imported",
        description="Print what was imported, as CSV.",
        epilog="Example: zerometer certificates list site.toml",
    )
    site_argument(show)
    show.set_defaults(run=run_list)


def run_import(options: argparse.Namespace) -> int:
    """Import a file; say how much was new."""
    from zerometer.agent.certificates.read import read_certificates
    from zerometer.agent.certificates.store import CertificateStore

    site = load(options)
    if "market" not in site.views:
        print(
            "warning: certificates count in the view market, which [site] views of "
            "this site does not name: they have no effect",
            file=sys.stderr,
        )
    found = read_certificates(options.file, site)
    store = CertificateStore(Path(site.journal.path))
    new = store.add(found.certificates, found.generation)
    known = len(found.certificates) + len(found.generation) - new
    print(f"{new} new, {known} known before")
    return 0


def run_list(options: argparse.Namespace) -> int:
    """Print what was imported as CSV, in the form in which it is imported."""
    import csv

    from zerometer.agent.certificates.store import CertificateStore

    site = load(options)
    units = {pool.id: pool.unit for pool in site.pools}
    unit_of = {source.id: units[source.pool] for source in site.sources}
    store = CertificateStore(Path(site.journal.path))
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    for c in store.certificates():
        unit = unit_of.get(c.source, "")
        times = format_time(c.start_ns), format_time(c.end_ns)
        what = c.factor, c.technology, c.registry, c.plant
        out.writerow((c.id, c.kind, c.source, *times, c.quantity, unit, *what))
    for readings in store.generation().values():
        for g in readings:
            times = format_time(g.start_ns), format_time(g.end_ns)
            row = "", "generation", "", *times, g.quantity, "kWh", "", "", "", g.plant
            out.writerow(row)
    return 0
