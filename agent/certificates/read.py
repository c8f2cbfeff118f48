"""Reads a file of certificates: CSV, one certificate, contract or sale a line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from zerometer.config.csv_rows import CsvRow, read_rows
from zerometer.config.problems import near
from zerometer.core.errors import ConfigError
from zerometer.core.factor import LARGEST
from zerometer.core.intervals import Calendar
from zerometer.core.iso_time import unix_ns
from zerometer.core.matching import Certificate, CertificateKind, Generation
from zerometer.core.site import Site, Source

REQUIRED = ("id", "kind", "start", "end", "quantity", "unit")
OPTIONAL = ("source", "factor", "technology", "registry", "plant")
KINDS = ("certificate", "contract", "sold", "generation")
#: How many of a pool's unit one of a file's is.
UNITS: Mapping[str, Mapping[str, float]] = {
    "kWh": {"kWh": 1.0, "MWh": 1e3, "GWh": 1e6},
    "GJ": {"GJ": 1.0, "TJ": 1e3},
}


@dataclass(slots=True)
class CertificateFile:
    """What a file holds; ``generation`` is in order of plant and time."""

    certificates: list[Certificate] = field(default_factory=list)
    generation: list[Generation] = field(default_factory=list)


def read_certificates(path: Path, site: Site) -> CertificateFile:
    """Read *path*, checked against *site*; ConfigError with all that is wrong."""
    reader = _Reader(site)
    for row in read_rows(path, REQUIRED, OPTIONAL):
        reader.read(row)
    reader.end()
    if reader.problems:
        lines = [f"{path}:{problem}" for problem in reader.problems]
        count = f"{len(lines)} problem{'s' * (len(lines) > 1)}"
        raise ConfigError("\n".join([*lines, f"{count}, nothing was imported"]))
    return reader.found


class _WrongError(Exception):
    """A value that does not hold: its column, and why."""


class _Reader:
    def __init__(self, site: Site) -> None:
        self._units = {pool.id: pool.unit for pool in site.pools}
        self._sources = {source.id: source for source in site.sources}
        self._zone = ZoneInfo(site.timezone)
        self._months = Calendar("month", self._zone)
        self._lines: dict[str, int] = {}
        self._made: list[tuple[int, Generation]] = []
        self.found = CertificateFile()
        self.problems: list[str] = []

    def read(self, row: CsvRow) -> None:
        try:
            if row.fault:
                raise _WrongError(row.fault)
            if row.cells["kind"] == "generation":
                self._made.append((row.line, self._generation(row.cells)))
            else:
                made = self._certificate(row.line, row.cells)
                self.found.certificates.append(made)
        except _WrongError as wrong:
            self.problems.append(f"{row.line}: {wrong}")

    def end(self) -> None:
        made = sorted(self._made, key=lambda found: (found[1].plant, found[1].start_ns))
        for (_, before), (line, after) in pairwise(made):
            if before.overlaps(after):
                self.problems.append(
                    f"{line}: start: another line has this time of {after.plant!r} too"
                )
        self.found.generation = [generation for _, generation in made]

    def _certificate(self, line: int, row: dict[str, str]) -> Certificate:
        kind, name = row["kind"], row["id"]
        if kind not in KINDS:
            raise _WrongError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
        if not name:
            raise _WrongError("id: is missing: the registry's number, or your own")
        if self._lines.setdefault(name, line) != line:
            raise _WrongError(f"id: {name!r} is in line {self._lines[name]} too")
        source = self._source(row, "own" if kind == "sold" else "bought")
        unit = self._units[source.pool]
        start_ns, end_ns = self._period(row)
        return Certificate(
            id=name,
            kind=cast(CertificateKind, kind),
            source=source.id,
            start_ns=start_ns,
            end_ns=end_ns,
            quantity=_quantity(row, unit),
            factor=_factor(row, unit),
            technology=row["technology"],
            registry=row["registry"],
            plant=row["plant"],
        )

    def _generation(self, row: dict[str, str]) -> Generation:
        if not row["plant"]:
            raise _WrongError("plant: is missing: the name that its certificates have")
        start_ns, end_ns = self._period(row)
        quantity = _quantity(row, "kWh", least=0.0)
        return Generation(
            plant=row["plant"], start_ns=start_ns, end_ns=end_ns, quantity=quantity
        )

    def _source(self, row: dict[str, str], kind: str) -> Source:
        name = row["source"]
        source = self._sources.get(name)
        if source is None:
            raise _WrongError(f"source: no source {name!r}{near(name, self._sources)}")
        if source.kind != kind:
            wanted = [s.id for s in self._sources.values() if s.kind == kind]
            raise _WrongError(
                f"source: {name!r} is {source.kind}; {row['kind']} goes with what is "
                f"{kind}: {', '.join(wanted) or 'there is none'}"
            )
        if self._units[source.pool] not in UNITS:
            raise _WrongError(
                f"source: {name!r} is in {self._units[source.pool]}; certificates are "
                f"of {' and '.join(UNITS)}"
            )
        return source

    def _period(self, row: dict[str, str]) -> tuple[int, int]:
        """Return start and end, which for a month (``2026-01``) need not be said."""
        if not row["end"]:
            start_ns = self._time("start", f"{row['start']}-01")
            return self._months.interval(start_ns)
        start_ns, end_ns = (
            self._time("start", row["start"]),
            self._time("end", row["end"]),
        )
        if end_ns <= start_ns:
            raise _WrongError(f"end: {row['end']!r} is not after {row['start']!r}")
        return start_ns, end_ns

    def _time(self, key: str, text: str) -> int:
        """Return a time; without an offset it is by the site's clocks."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise _WrongError(
                f"{key}: {text!r} is no time: like 2026-01-31, "
                "2026-01-31T08:00+08:00, or the month 2026-01 and no end"
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._zone)
        return unix_ns(moment)


def _quantity(row: dict[str, str], unit: str, least: float | None = None) -> float:
    """Return the quantity in *unit*; it is above 0, or at *least* so much."""
    units = UNITS[unit]
    if row["unit"] not in units:
        raise _WrongError(f"unit: {row['unit']!r} is none of {', '.join(units)}")
    quantity = _number("quantity", row["quantity"])
    if quantity < 0 or (least is None and quantity == 0):
        raise _WrongError(f"quantity: {row['quantity']} is not above 0")
    return quantity * units[row["unit"]]


def _factor(row: dict[str, str], unit: str) -> float:
    """Return kg per *unit*; a contract must say it, of others none means 0."""
    text = row["factor"]
    if not text:
        if row["kind"] == "contract":
            raise _WrongError(f"factor: is missing: a contract's, in kg per {unit}")
        return 0.0
    factor, largest = _number("factor", text), LARGEST[f"kg/{unit}"]
    if not 0 <= factor <= largest:
        raise _WrongError(
            f"factor: {text} is not within 0 to {largest:g}; it is in kg per {unit}"
        )
    return factor


def _number(key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _WrongError(f"{key}: {text!r} is no number") from None
    if not isfinite(value):
        raise _WrongError(f"{key}: {text!r} is no number")
    return value
