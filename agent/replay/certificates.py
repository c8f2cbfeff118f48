"""Certificates in a replay: what sources delivered is measured, then matched.

An interval can only be matched when all of it is known, and what is matched changes
the factors within it. So the readings are gone through twice.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from zerometer.agent.certificates.read import read_certificates
from zerometer.agent.replay.blocks import Readings
from zerometer.agent.replay.run import Replay
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.intervals import Calendar
from zerometer.core.market import market_rows, match_sources
from zerometer.core.matching import Matching
from zerometer.core.network import Network
from zerometer.core.series_book import SeriesBook
from zerometer.core.site import Site
from zerometer.core.totals import Totals


class Loads:
    """What came in from each source, by quarter hour."""

    name = "loads"

    def __init__(self, site: Site, network: Network) -> None:
        origins = {origin.name: k for k, origin in enumerate(network.origins)}
        self._origins = {s.id: origins[f"source.{s.id}"] for s in site.sources}
        self._loads: dict[str, dict[int, float]] = {s: {} for s in self._origins}

    def add(self, totals: Totals) -> None:
        """Take in the next booked span."""
        quarter_ns = totals.start_ns // QUARTER_NS * QUARTER_NS
        for source, origin in self._origins.items():
            loads = self._loads[source]
            loads[quarter_ns] = loads.get(quarter_ns, 0.0) + totals.entered[origin]

    def window(self, totals: Totals) -> Any:
        """Return nothing: loads are asked for at the end."""

    def whole(self, totals: Totals) -> Any:
        """Return nothing: they are no part of the output."""

    def flags(self, totals: Totals) -> list[dict[str, str]]:  # noqa: ARG002
        """Return nothing odd."""
        return []

    def profiles(self) -> dict[str, list[tuple[int, float]]]:
        """Return them, in order of time."""
        return {source: sorted(loads.items()) for source, loads in self._loads.items()}


def match_readings(
    site: Site, network: Network, book: SeriesBook, file: Path, readings: Readings
) -> Mapping[str, Matching]:
    """Match the certificates of *file* with *readings*; *book* learns the factors.

    ConfigError when the file does not hold, ReadingsError when the readings do not.
    """
    certificates = read_certificates(file, site)
    loads = Loads(site, network)
    for _ in Replay(site, network, book, None, extra=[loads]).windows(readings):
        pass
    generation: dict[str, list[Any]] = {}
    for reading in certificates.generation:
        generation.setdefault(reading.plant, []).append(reading)
    matchings = match_sources(
        site,
        certificates.certificates,
        generation,
        loads.profiles(),
        Calendar(site.matching, ZoneInfo(site.timezone)),
    )
    if "market" in site.views:
        index = {source.id: k for k, source in enumerate(site.sources)}
        book.load(
            market_rows(
                site, matchings, lambda source, t: book.unmatched(t)[index[source]], 0
            )
        )
    return matchings
