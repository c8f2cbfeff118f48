"""Shipped emission factors and their kin, chosen by name.

Beside factors these are global warming potentials (``gwp/``) and, in units of
their own, coal equivalents (``tce/``).
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from zerometer.core.combustion import Combustion
from zerometer.core.site import Factor

FOLDER = Path(__file__).parent / "factors"

#: What a fuel emits when the site file does not say, by carrier.
OF_FUEL: Mapping[str, str] = MappingProxyType(
    {"natural_gas": "cn-fuel/natural-gas", "diesel": "cn-fuel/diesel"}
)

#: Confidences of what may be used without having been chosen, if it is verified.
FIT_AS_DEFAULT = ("high", "medium")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One shipped factor with its origin.

    ``year`` is that of its data or its source, None when that is not known.
    ``basis`` is ``direct``, ``lifecycle``, or empty where that means nothing.
    ``confidence`` is high, medium or low; what is not ``verified`` waits for
    somebody to compare it with its source, and must be chosen by name.
    """

    factor: Factor
    year: int | None
    basis: Literal["direct", "lifecycle", ""]
    title_zh: str
    title_en: str
    source: str
    confidence: str
    verified: bool
    combustion: Combustion | None


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
    basis = row["basis"]
    return Series(
        factor=Factor(value=float(row["value"]), unit=row["unit"], id=row["name"]),
        year=int(row["year"]) if row["year"] else None,
        basis="lifecycle" if basis == "lifecycle" else "direct" if basis else "",
        title_zh=row["title_zh"],
        title_en=row["title_en"],
        source=row["source"],
        confidence=row["confidence"],
        verified=row["verified"] == "yes",
        combustion=_combustion(row),
    )


def _combustion(row: dict[str, str]) -> Combustion | None:
    if "ncv_gj" not in row:
        return None
    parts = (row["ncv_gj"], row["carbon_t_per_gj"], row["oxidation"])
    return Combustion(*(float(part) for part in parts))


def warming_potential(gas: str, report: Literal["ar5", "ar6"]) -> Factor | None:
    """Return what a kg of *gas* warms over 100 years, in kg of CO2; None: not known.

    Its name may be written in any of the usual ways: ``HFC-134a``, ``R134a``,
    ``R-410A``, ``SF6``. The values are those of the IPCC's report: AR5 or AR6.
    """
    word = re.sub(r"[^a-z0-9]", "", gas.lower())
    # A refrigerant's number is that of the gas: ISO 817.
    spellings = [word, f"hfc{word[1:]}", f"hcfc{word[1:]}"] if word else []
    names = {
        re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2]): series.factor
        for name, series in shipped().items()
        if name.startswith(f"gwp/{report}/")
    }
    return next((names[word] for word in spellings if word in names), None)
