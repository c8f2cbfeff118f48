"""Factor series of a site file: feeds that bring their values, and profiles."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from zerometer.config import keys
from zerometer.config.graph import Graph
from zerometer.config.table import Table, is_number, shown
from zerometer.core.factor import LARGEST
from zerometer.core.site import Factor, FeedSettings, Profile

#: Forms of a feed, with the schemes of their URL; a file has none.
FORMS: dict[str, tuple[str, ...]] = {
    "csv": (),
    "electricity-maps": ("https", "http"),
    "uk-carbon-intensity": ("https", "http"),
    "mqtt": ("mqtt", "mqtts"),
}
PERIOD_NS = FeedSettings(id="", series="", form="csv").period_ns


def read_feeds(top: Table, folder: Path) -> tuple[FeedSettings, ...]:
    """Return the feeds; paths are relative to the site file.

    Each series has one feed; a profile of its name holds where that has no value.
    """
    feeds: dict[str, FeedSettings] = {}
    given: dict[str, str] = {}
    for table in top.listed("feed", keys.FEED):
        feed_id = table.identifier("id")
        form = table.choice("form", tuple(FORMS), None)
        if feed_id in feeds:
            table.error("id", f"{shown(feed_id)} is the id of another feed already")
        series = table.identifier("series") if "series" in table else feed_id
        if series in given and feed_id not in feeds:
            message = f"{shown(series)} is the series of {given[series]} already"
            table.error("series" if "series" in table else "id", message)
        given.setdefault(series, f'feed "{feed_id}"')
        path, token = table.text("path", ""), table.text("token_file", "")
        if form == "csv" and not path:
            table.missing("path", "the file that is watched")
        for key in ("url", "zone", "token_file") if form == "csv" else ("path",):
            if key in table and form in FORMS:
                table.error(key, f"a feed of the form {form} has none")
        if form == "electricity-maps" and "zone" not in table:
            table.missing("zone", 'such as zone = "CN"')
        feeds[feed_id] = FeedSettings(
            id=feed_id,
            series=series,
            form=cast(Any, form),
            path=str(folder / path) if path else "",
            url=_url(table, FORMS.get(form, ())),
            zone=table.text("zone", ""),
            token_file=str(folder / token) if token else "",
            period_ns=table.duration_ns("period", "1min", "1d", PERIOD_NS),
        )
    return tuple(feeds.values())


def _url(table: Table, schemes: tuple[str, ...]) -> str:
    if not schemes:
        return ""
    text = table.text("url")
    try:
        url = urlsplit(text)
        holds = url.scheme in schemes and bool(url.hostname) and url.port != 0
    except ValueError:
        holds = False
    if text and not holds:
        example = f"{schemes[0]}://host/..."
        table.error("url", f"{shown(text)} is not a URL such as {example}")
    elif holds and (url.username or url.password):
        table.error("url", "holds a password; put a token into a file: token_file")
    elif holds and url.scheme == "mqtt" and not re.fullmatch(r"/[^#+]+", url.path):
        table.error("url", f"{shown(text)} names no topic: mqtt://host/topic")
    return text


def read_profiles(top: Table) -> tuple[Profile, ...]:
    """Return the profiles: kg per unit by the clock, all year or by month."""
    return tuple(
        Profile(series=name, unit=_profile_unit(table), values=_hours(table))
        for name, table in top.named("profile", keys.PROFILE)
    )


def _profile_unit(table: Table) -> str:
    unit = table.text("unit", "kg/kWh")
    if unit not in LARGEST:
        table.error("unit", f"{shown(unit)} is not one of {', '.join(LARGEST)}")
    return unit


def _hours(table: Table) -> tuple[tuple[float, ...], ...]:
    """Return a row of 24 numbers for each of twelve months."""
    if "values" not in table:
        table.missing("values", "24 numbers, or twelve rows of 24: one for each month")
        return ()
    value = table.values["values"]
    rows = value if isinstance(value, list) and len(value) == 12 else [value]
    largest = LARGEST.get(table.text("unit", "kg/kWh"), max(LARGEST.values()))
    for number, row in enumerate(rows):
        at = (number,) if rows is value else ()
        if not isinstance(row, list) or len(row) != 24:
            message = "is not 24 numbers, or twelve rows of 24: one for each month"
            table.error("values", message, *at)
            return ()
        for hour, factor in enumerate(row):
            if not is_number(factor) or not 0 <= factor <= largest:
                message = f"{shown(factor)} is not a factor within 0 to {largest:g}"
                table.error("values", message, *at, hour)
    months = rows if rows is value else rows * 12
    return tuple(tuple(x for x in row if is_number(x)) for row in months)


def check_series(
    top: Table,
    graph: Graph,
    feeds: tuple[FeedSettings, ...],
    profiles: tuple[Profile, ...],
) -> None:
    """A series has one unit; warn of what nothing brings, and what nothing uses."""
    given = {profile.series for profile in profiles} | {feed.series for feed in feeds}
    used = {factor.series for _, factor in _factors(graph)}
    for profile in profiles:
        if profile.series not in used:
            top.warn("profile", "no factor uses this series", profile.series)
    for index, feed in enumerate(feeds):
        if feed.series not in used:
            message = f"no factor uses its series, {shown(feed.series)}"
            top.warn("feed", message, index)
    units = {profile.series: profile.unit for profile in profiles}
    for table, factor in _factors(graph):
        unit = units.setdefault(factor.series, factor.unit)
        if factor.series and factor.unit != unit:
            message = f"{shown(factor.series)} is in {unit}, needed is {factor.unit}"
            table.error("factor", f"the series {message}")
        if factor.series and factor.series not in given:
            message = f"no feed or profile brings the series {shown(factor.series)}"
            table.warn(
                "factor", f"{message}; until one is imported, its fallback holds"
            )


def _factors(graph: Graph) -> Iterator[tuple[Table, Factor]]:
    for source in graph.sources:
        for factor in source.factors.values():
            yield graph.tables["source", source.id], factor
    for process in graph.processes:
        for fuel in process.fuels:
            for factor in fuel.factors.values():
                yield graph.tables["process", process.id], factor
