"""Loads a site file: everything checked, before anything is opened."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from zerometer.config import keys
from zerometer.config.document import Document, read_document
from zerometer.config.map_file import check_format
from zerometer.config.map_library import MapLibrary
from zerometer.config.measures import Measures
from zerometer.config.problems import Problem, Problems, near
from zerometer.config.site_buses import read_buses
from zerometer.config.site_checks import check_graph
from zerometer.config.site_graph import read_graph
from zerometer.config.site_meters import read_meters
from zerometer.config.site_series import check_series, read_feeds, read_profiles
from zerometer.config.site_services import read_journal, read_page
from zerometer.config.site_uplinks import read_uplinks
from zerometer.config.site_views import read_views
from zerometer.config.table import Table, shown
from zerometer.config.virtual_meters import read_virtual_meters
from zerometer.core.alignment import MINUTE_NS
from zerometer.core.site import Site

#: The newest format of a site file that this version reads.
FORMAT = 1
TICK_NS = 1_000_000_000
MATCHING = ("15min", "hour", "month", "year")


@dataclass(frozen=True, slots=True)
class LoadedSite:
    """A site, and what is legal but suspicious about its file."""

    site: Site
    warnings: tuple[Problem, ...]


def load_site(path: Path) -> LoadedSite:
    """Return the site that the file at *path* describes.

    Raise problems.FileError, a ConfigError, with everything that is wrong.
    Relative paths in the file are taken from the file's folder, where also the
    site's own meter maps are, in ``maps``.
    """
    problems = Problems()
    document = read_document(path, problems)
    site = None if document is None else _read(document, path.parent, problems)
    problems.check()
    assert site is not None
    return LoadedSite(site, problems.warnings)


def _read(document: Document, beside: Path, problems: Problems) -> Site:
    folder = beside.absolute()
    top = Table(
        document, problems, path=(), values=document.values, where="", keys=keys.TOP
    )
    check_format(top, FORMAT)
    about = top.table("site", "site", keys.SITE)
    buses = read_buses(top, folder)
    drafts = read_meters(top, buses, MapLibrary(problems, beside / "maps"))
    measures = Measures({name: draft.readable for name, draft in drafts.items()})
    read_virtual_meters(top, measures)
    graph = read_graph(top, measures)
    check_graph(graph, measures)
    profiles = read_profiles(top)
    feeds = read_feeds(top, folder)
    check_series(top, graph, feeds, profiles)
    events = about.text("events", "")
    site_id = about.identifier("id")
    uplinks = read_uplinks(top, folder)
    return Site(
        id=site_id,
        name=about.text("name", site_id),
        timezone=_timezone(about),
        revision=hashlib.sha256(document.raw).hexdigest()[:16],
        tick_ns=_tick_ns(about),
        buses=tuple(buses.values()),
        meters=tuple(draft.finished() for draft in drafts.values()),
        pools=tuple(graph.pools.values()),
        sources=tuple(graph.sources),
        processes=tuple(graph.processes),
        storages=tuple(graph.storages),
        sinks=tuple(graph.sinks),
        products=tuple(graph.products.values()),
        shared=tuple(graph.shared),
        feeds=feeds,
        profiles=profiles,
        views=read_views(about, graph),
        matching=cast(Any, about.choice("matching", MATCHING, "month")),
        gwp=cast(Any, about.choice("gwp", ("AR5", "AR6"), "AR6")),
        events=str(folder / events) if events else "",
        uplinks=tuple(uplink for uplink in uplinks if uplink.takes_batches),
        live=tuple(uplink for uplink in uplinks if uplink.live_ns),
        journal=read_journal(top, folder),
        page=read_page(top),
    )


def _tick_ns(about: Table) -> int:
    """Return the tick: windows begin at minutes, so ticks must end there."""
    tick_ns = about.duration_ns("tick", "1s", "1min", TICK_NS)
    if MINUTE_NS % tick_ns:
        text = shown(about.values["tick"])
        about.error("tick", f"{text} does not divide a minute evenly")
        return TICK_NS
    return tick_ns


def _timezone(about: Table) -> str:
    name = about.text("timezone")
    try:
        known = bool(name) and ZoneInfo(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if name and not known:
        names = available_timezones()
        about.error("timezone", f"no time zone named {shown(name)}{near(name, names)}")
    return name
