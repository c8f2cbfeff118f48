"""Shipped emission factors, chosen by name."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from zerometer.core.site import Factor

FOLDER = Path(__file__).parent / "factors"

#: What a fuel emits when the site file does not say, by carrier.
OF_FUEL: Mapping[str, str] = MappingProxyType({"natural_gas": "cn-fuel/natural-gas"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One shipped factor with its origin; ``confidence`` is high, medium or low."""

    factor: Factor
    year: int
    title_zh: str
    title_en: str
    source: str
    confidence: str


@cache
def shipped() -> Mapping[str, Series]:
    """Return all shipped factors by name."""
    series = {}
    for path in sorted(FOLDER.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                series[row["name"]] = _series(row)
    return MappingProxyType(series)


def _series(row: dict[str, str]) -> Series:
    return Series(
        factor=Factor(value=float(row["value"]), unit=row["unit"], id=row["name"]),
        year=int(row["year"]),
        title_zh=row["title_zh"],
        title_en=row["title_en"],
        source=row["source"],
        confidence=row["confidence"],
    )


def lookup(name: str) -> Factor | None:
    """Return the shipped factor called *name*, or None."""
    found = shipped().get(name)
    return found.factor if found else None
