"""Certificates against what was delivered, interval by interval.

Within an interval what is matched is the smaller of load and certificates. What is
left over of either stays there: it moves to no other interval. (A storage that is
charged in one and discharged in the next is a load in the first: that is how an
excess can move.) Sources: GHG Protocol Scope 2 Guidance (2015), chapters 6 and 7,
for contracts and certificates in the market-based method; EnergyTag GC Scheme
Standard, version 2 (2024), for matching by the hour.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Literal

from zerometer.core.alignment import QUARTER_NS
from zerometer.core.intervals import Calendar

CertificateKind = Literal["certificate", "contract", "sold"]
#: The energy of a source by quarter hour: its start (Unix ns, UTC), and how much.
Profile = Sequence[tuple[int, float]]
#: So much more than there is, in kWh or GJ, is no more than rounding.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The attribute of energy that was made in [start, end): Unix ns, UTC.

    ``quantity`` is in the unit of its source's pool, ``factor`` in kg per that unit.
    A ``contract`` is a supplier's word without a certificate. What is ``sold`` is
    the attribute of energy that an own source made: somebody else's from then on.
    ``plant`` made it: its profile divides the quantity over finer intervals.
    """

    id: str
    kind: CertificateKind
    source: str
    start_ns: int
    end_ns: int
    quantity: float
    factor: float = 0.0
    technology: str = ""
    registry: str = ""
    plant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What a plant made in [start, end), by its meter."""

    plant: str
    start_ns: int
    end_ns: int
    quantity: float

    def overlaps(self, other: "Generation") -> bool:
        """Whether both are of one plant and have time in common."""
        return (
            self.plant == other.plant
            and self.start_ns < other.end_ns
            and other.start_ns < self.end_ns
        )


@dataclass(frozen=True, slots=True)
class Match:
    """An interval's load, the certificates there were for it, and what met.

    ``matched_kg`` is what the matched part emitted by its certificates' factors;
    ``free`` is the part of ``matched`` whose factor is 0.
    """

    start_ns: int
    end_ns: int
    load: float
    available: float
    matched: float
    matched_kg: float
    free: float

    @property
    def share(self) -> float:
        """The part of the load that is matched, 0 to 1."""
        return self.matched / self.load if self.load > 0 else 0.0

    def factor(self, residual: float) -> float:
        """Return kg per unit of load, the rest at *residual*, as without any load."""
        if self.load <= 0:
            return residual
        return (self.matched_kg + (self.load - self.matched) * residual) / self.load


@dataclass(slots=True)
class Matching:
    """The matches of one source, and what the record has to say of them.

    ``joined`` are ids whose quantity was divided by their plant's profile,
    ``unplaced`` those that are coarser than an interval and have no profile for it:
    they match nothing.
    """

    matches: list[Match] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)

    @property
    def excess(self) -> float:
        """How much of what there was found no load in its interval."""
        return fsum(one.available - one.matched for one in self.matches)


@dataclass(slots=True)
class _Supply:
    """Of one interval: quantity, kg, and what is free of carbon."""

    quantity: float = 0.0
    kg: float = 0.0
    free: float = 0.0

    def add(self, quantity: float, factor: float) -> None:
        self.quantity += quantity
        self.kg += quantity * factor
        self.free += quantity if factor == 0 else 0.0


def match(
    loads: Profile,
    certificates: Iterable[Certificate],
    generation: Mapping[str, Sequence[Generation]],
    calendar: Calendar,
) -> Matching:
    """Match *certificates*, all of one source, with its *loads*, in order of time.

    Certificates come before contracts; those of one kind are used alike.
    *generation* has the profiles of plants, in order of time, without overlap.
    """
    found = Matching()
    supplies: dict[tuple[str, int], _Supply] = {}
    for certificate in sorted(certificates, key=_age):
        for start_ns, quantity in _placed(certificate, generation, calendar, found):
            key = certificate.kind, start_ns
            supply = supplies.setdefault(key, _Supply())
            supply.add(quantity, certificate.factor)
    for start_ns, end_ns, load in summed(loads, calendar):
        rest, matched, kg, free, available = load, 0.0, 0.0, 0.0, 0.0
        for kind in ("certificate", "contract", "sold"):
            supply = supplies.get((kind, start_ns), _Supply())
            used = min(rest, supply.quantity)
            part = used / supply.quantity if used > 0 else 0.0
            rest -= used
            matched += used
            kg += supply.kg * part
            free += supply.free * part
            available += supply.quantity
        found.matches.append(
            Match(start_ns, end_ns, load, available, matched, kg, free)
        )
    return found


def _age(certificate: Certificate) -> tuple[int, str]:
    return certificate.start_ns, certificate.id


def summed(loads: Profile, calendar: Calendar) -> Iterable[tuple[int, int, float]]:
    """Yield start, end and load of each interval that *loads* touch."""
    index = 0
    while index < len(loads):
        start_ns, end_ns = calendar.interval(loads[index][0])
        last = bisect_left(loads, (end_ns,), index)
        yield start_ns, end_ns, fsum(load for _, load in loads[index:last])
        index = last


def _placed(
    certificate: Certificate,
    generation: Mapping[str, Sequence[Generation]],
    calendar: Calendar,
    found: Matching,
) -> Iterable[tuple[int, float]]:
    """Yield the intervals (their start) that a certificate is for, and how much."""
    start_ns, end_ns = calendar.interval(certificate.start_ns)
    if certificate.end_ns <= end_ns:
        yield start_ns, certificate.quantity
        return
    made = generation.get(certificate.plant, ())
    total = made_within(made, certificate.start_ns, certificate.end_ns)
    if total <= 0:
        found.unplaced.append(certificate.id)
        return
    found.joined.append(certificate.id)
    while start_ns < certificate.end_ns:
        part = made_within(
            made,
            max(start_ns, certificate.start_ns),
            min(end_ns, certificate.end_ns),
        )
        yield start_ns, certificate.quantity * (part / total)
        start_ns, end_ns = calendar.interval(end_ns)


def made_within(made: Sequence[Generation], start_ns: int, end_ns: int) -> float:
    """Return what was made in [start, end); within a reading it is even."""
    first = bisect_right(made, start_ns, key=_end)
    total = 0.0
    for reading in made[first:]:
        if reading.start_ns >= end_ns:
            break
        common = min(end_ns, reading.end_ns) - max(start_ns, reading.start_ns)
        total += reading.quantity * (common / (reading.end_ns - reading.start_ns))
    return total


def overlapping(made: Sequence[Generation], reading: Generation) -> bool:
    """Whether a plant's profile has something of the time of *reading*."""
    first = bisect_right(made, reading.start_ns, key=_end)
    return first < len(made) and reading.overlaps(made[first])


def _end(generation: Generation) -> int:
    return generation.end_ns


def own_profile(source: str, loads: Profile) -> dict[str, list[Generation]]:
    """Return what an own source made as the profile of the plant of that name."""
    return {
        source: [
            Generation(
                plant=source, start_ns=t0, end_ns=t0 + QUARTER_NS, quantity=quantity
            )
            for t0, quantity in loads
        ]
    }


def factor_with_sold(sold: Match, own: float, residual: float) -> float:
    """Return the factor of an interval of an own source of which a part is sold.

    What is sold lost its attribute, and counts as the residual mix.
    """
    return sold.share * residual + (1.0 - sold.share) * own


@dataclass(frozen=True, slots=True)
class Free:
    """How much of a load there was, and which part of it was free of carbon."""

    load: float
    free: float


def free_of_bought(match: Match, supplier_share: float) -> Free:
    """Return what was free of carbon of what was bought.

    What is not matched is so to the carbon-free share of the supplier's mix.
    """
    rest = match.load - match.matched
    return Free(match.load, match.free + rest * supplier_share)


def free_of_own(
    sold: Match, used: float, own_share: float, supplier_share: float
) -> Free:
    """Return what was free of the part of an own source that the site *used*.

    *own_share* of it is, but what is sold only as much as what is bought.
    """
    share = (1.0 - sold.share) * own_share + sold.share * supplier_share
    return Free(used, used * share)


def score_24_7(parts: Iterable[Free]) -> float | None:
    """Return which part of the load was free of carbon when it was used, 0 to 1.

    None without load.
    """
    load = free = 0.0
    for part in parts:
        load += part.load
        free += part.free
    return free / load if load > 0 else None
