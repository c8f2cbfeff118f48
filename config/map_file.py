"""A meter map file: what it may say, and how it becomes a core.meter_map.MeterMap."""

from pathlib import Path
from typing import Any, cast

from zerometer.config import keys
from zerometer.config.document import Document
from zerometer.config.line import line_settings
from zerometer.config.map_checks import check_points
from zerometer.config.map_identity import read_checks, read_identity, read_variants
from zerometer.config.map_points import read_defaults, read_points
from zerometer.config.map_read import is_address, read_limits
from zerometer.config.problems import Problems
from zerometer.config.table import Table, shown
from zerometer.core.meter_map import MeterMap

FORMAT = 1
CONFIDENCE = ("high", "medium", "low")


def parse_map(document: Document, problems: Problems) -> MeterMap:
    """Return the map that *document* describes; problems are collected."""
    top = Table(
        document, problems, path=(), values=document.values, where="map", keys=keys.MAP
    )
    check_format(top, FORMAT)
    map_id = top.identifier("id")
    name = Path(document.file).stem
    if map_id and map_id != name:
        top.error("id", f'"{map_id}" is not the name of its file, "{name}"')
    defaults = read_defaults(top)
    groups = top.table("points", "points", keys.MAP_GROUPS)
    points = read_points(groups, defaults)
    if not points:
        top.missing("points")
    meter_map = MeterMap(
        id=map_id,
        vendor=top.text("vendor"),
        model=top.text("model"),
        category=top.text("category"),
        confidence=cast(Any, top.choice("confidence", CONFIDENCE, None)),
        also=top.texts("also"),
        points=tuple(points.values()),
        line=line_settings(top.table("line", "line", keys.MAP_LINE)),
        limits=read_limits(top.table("read", "read", keys.MAP_READ)),
        identity=read_identity(top, defaults.function),
        checks=read_checks(top, defaults.function),
        variants=read_variants(top, defaults.function, points),
        sunspec=_sunspec(top),
        channels=_channels(top),
        sources=top.texts("sources"),
        notes=top.text("notes", "").strip(),
    )
    check_points(groups, meter_map)
    return meter_map


def check_format(top: Table, newest: int) -> None:
    """Check the format's number: it must be there and be known."""
    value = top.values.get("format")
    if value is None:
        top.missing("format", f"this version reads format = {newest}")
    elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
        top.error("format", f"{shown(value)} is not a format; known: {newest}")
    elif value > newest:
        top.error(
            "format", f"{value} is newer than this version reads; known: {newest}"
        )


def _sunspec(top: Table) -> tuple[int, ...]:
    """Return where the list of SunSpec models may begin."""
    table = top.table("sunspec", "sunspec", keys.MAP_SUNSPEC)
    if "sunspec" not in top:
        return ()
    base = table.values.get("base")
    if base is None:
        table.missing("base", "addresses to be tried, such as [40000, 50000, 0]")
        return (0,)
    if not isinstance(base, list) or not base or not all(map(is_address, base)):
        table.error("base", f"{shown(base)} is not a list of addresses, to be tried")
        return (0,)
    return tuple(base)


def _channels(top: Table) -> tuple[int, ...]:
    """Return how far the points of each channel stand from those of the map."""
    table = top.table("channels", "channels", keys.MAP_CHANNELS)
    if "channels" not in top:
        return ()
    if "offsets" not in table:
        table.missing("offsets", "a list of whole numbers, one for each channel")
        return ()
    offsets = table.values["offsets"]
    whole = isinstance(offsets, list) and all(type(item) is int for item in offsets)
    if not isinstance(offsets, list) or not whole or not offsets:
        message = "is not a list of whole numbers, one for each channel"
        table.error("offsets", f"{shown(offsets)} {message}")
        return ()
    return tuple(offsets)
