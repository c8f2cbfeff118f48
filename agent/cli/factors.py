"""``zerometer factors``: the shipped factors, and the series of a site."""

import argparse
import csv
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from zerometer.agent.cli.common import Subparsers, load, site_argument
from zerometer.core.errors import ConfigError, UsageError
from zerometer.core.iso_time import format_time, parse_time

if TYPE_CHECKING:
    from zerometer.agent.factors.store import FactorStore
    from zerometer.core.site import Site

SHIPPED = (
    "name", "value", "unit", "year", "basis", "confidence", "verified", "source",
)  # fmt: skip
SERIES = ("series", "rows", "t0", "t1", "unit", "provider", "fetched_at")
ROWS = (
    "series", "t0", "t1", "value", "unit", "method", "basis", "status", "provider",
    "published_at",
)  # fmt: skip


def add_parser(subparsers: Subparsers) -> None:
    """Add the command and its parts."""
    parser = subparsers.add_parser(
        "factors",
        help="list, show and import emission factors",
        description="Shipped emission factors, and the series of a site.",
        epilog="Start with: zerometer factors list --shipped",
    )
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    listing = parts.add_parser(
        "list",
        help="list the series of a site, or the shipped factors",
        description=(
            "Print as CSV what is known of each series of a site, or the factors that "
            "go with Zerometer. What was set aside goes to standard error."
        ),
        epilog="Example: zerometer factors list --shipped",
    )
    site_argument(listing)
    listing.add_argument(
        "--shipped", action="store_true", help="the shipped factors, of no site"
    )
    listing.set_defaults(run=run_list)
    show = parts.add_parser(
        "show",
        help="show one factor or series",
        description=(
            "Show a shipped factor with its source; or print as CSV which values of a "
            "site's series hold, in the form in which they are imported."
        ),
        epilog="Example: zerometer factors show cn-grid/2023/national",
    )
    show.add_argument("name", metavar="NAME", help="a shipped factor or a series")
    site_argument(show)
    show.add_argument(
        "--as-of",
        metavar="TIME",
        type=_time,
        help="as it was known then: ISO 8601 with an offset",
    )
    show.set_defaults(run=run_show)
    take = parts.add_parser(
        "import",
        help="import values of series from a CSV file",
        description=(
            "Import values of series. Lines that cannot be used are told and set "
            "aside, the others are taken. An agent that runs takes them up within a "
            "minute."
        ),
        epilog="Example: zerometer factors import site.toml factors.csv",
    )
    take.add_argument("site", metavar="SITE", help="the site file")
    take.add_argument("file", metavar="FILE", type=Path, help="the CSV file")
    take.set_defaults(run=run_import)


def _time(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run_list(options: argparse.Namespace) -> int:
    """List the shipped factors, or the series of a site."""
    from zerometer.config.factor_library import shipped
    from zerometer.core.origin_factors import series_units

    if options.shipped:
        _print(
            SHIPPED,
            (
                (
                    name, s.factor.value, s.factor.unit, s.year or "", s.basis,
                    s.confidence, "yes" if s.verified else "no", s.source,
                )
                for name, s in shipped().items()
            ),
        )  # fmt: skip
        return 0
    site = load(options)
    with _kept(site) as store:
        known = store.overview() if store else []
        aside = store.quarantine() if store else []
    rows = {
        name: (name, 0, "", "", u, "", "") for name, u in series_units(site).items()
    }
    rows |= {
        o.series: (
            o.series, o.rows, format_time(o.t0_ns), format_time(o.t1_ns), o.unit,
            o.provider, format_time(o.fetched_ns),
        )
        for o in known
    }  # fmt: skip
    _print(SERIES, (rows[name] for name in sorted(rows)))
    for fetched_ns, bad in aside:
        when = format_time(fetched_ns)
        print(f"set aside {when}: {bad.where}: {bad.reason}", file=sys.stderr)
    return 0


@contextmanager
def _kept(site: "Site") -> "Iterator[FactorStore | None]":
    """Yield what a site has kept of factors; None if that is nothing yet."""
    from zerometer.agent.factors.store import FACTORS, FactorStore

    folder = Path(site.journal.path)
    if not (folder / FACTORS.name).exists():
        yield None
        return
    with FactorStore(folder) as store:
        if store.notice:
            print(f"warning: factors: {store.notice}", file=sys.stderr)
        yield store


def run_show(options: argparse.Namespace) -> int:
    """Show a shipped factor, or what holds of a series."""
    from zerometer.config.factor_library import shipped

    series = shipped().get(options.name)
    if series is None:
        return _show_series(options)
    print(f"{options.name}: {series.factor.value:g} {series.factor.unit}")
    print(f"{series.title_zh} / {series.title_en}, {series.year or 'year not stated'}")
    if series.basis:
        print(f"basis: {series.basis}")
    if parts := series.combustion:
        print(
            f"{parts.ncv_gj:g} GJ per unit x {parts.carbon_t_per_gj:g} t carbon per GJ"
            f" x {parts.oxidation:g} oxidised x 44/12"
        )
    unverified = "" if series.verified else ", unverified"
    print(f"confidence: {series.confidence}{unverified}")
    print(f"source: {series.source}")
    return 0


def _show_series(options: argparse.Namespace) -> int:
    from zerometer.core.factor_timeline import Timeline

    if options.site is None and "/" in options.name:
        raise UsageError(
            f"factors: {options.name}: no shipped factor; zerometer factors list "
            "--shipped has those that are"
        )
    site = load(options)
    timelines: dict[str, Timeline] = {}
    known: list[str] = []
    with _kept(site) as store:
        for row in store.rows(options.name, options.as_of) if store else ():
            timelines.setdefault(row.method, Timeline()).add(row)
        if store:
            known = [overview.series for overview in store.overview()]
    if options.name in known and not timelines:
        raise UsageError(
            f"factors: {options.name}: nothing was known of it at this time; "
            "without --as-of, what is known now is shown"
        )
    if not timelines:
        raise UsageError(
            f"factors: {options.name}: no shipped factor, and no value of such a series"
            f" was known; there are: {', '.join(known) or 'none'}"
        )
    _print(
        ROWS,
        (
            (
                s.row.series, format_time(s.start_ns), format_time(s.end_ns),
                s.row.value, s.row.unit, s.row.method, s.row.basis, s.row.status,
                s.row.provider, format_time(s.row.published_ns),
            )
            for timeline in timelines.values()
            for s in timeline.stretches()
        ),
    )  # fmt: skip
    return 0


def run_import(options: argparse.Namespace) -> int:
    """Import a file; say what was new and what cannot be used."""
    from zerometer.agent.factors.store import FactorStore
    from zerometer.agent.factors.table import read_factor_csv

    site = load(options)
    now_ns = time.time_ns()
    table = read_factor_csv(options.file, now_ns)
    with FactorStore(Path(site.journal.path)) as store:
        news, misfits = store.add(table.rows)
        store.set_aside(table.bad, now_ns)
    for bad in (*table.bad, *misfits):
        print(f"{bad.where}: {bad.reason}", file=sys.stderr)
    count = len(table.bad) + len(misfits)
    known = len(table.rows) - len(misfits) - len(news)
    print(f"{len(news)} new, {known} known before, {count} set aside")
    return ConfigError.exit_code if count else 0


def _print(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(columns)
    out.writerows(rows)
