"""What dated events emit: kg of CO2 equivalent, each with its category.

Sources: IPCC 2006 Guidelines, volume 5, chapter 6, equations 6.4 to 6.6, with the
maximum methane producing capacity of table 6.2 and the correction factors of table
6.8 for industrial waste water; GHG Protocol Corporate Standard, chapter 4, for the
rest. What a unit leaves open is not guessed: such an event has no emission.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import fsum

from zerometer.core.categories import BIOGENIC, event_category
from zerometer.core.event import EventKind, SiteEvent
from zerometer.core.site import Category, View
from zerometer.core.units import UNITS

#: What a kg of a gas warms over 100 years, in kg of CO2; None: not known.
Potential = Callable[[str], float | None]

#: kg of methane from a kg of chemical oxygen demand, at most (table 6.2).
METHANE_PER_COD = 0.25
#: Which part of that a way of treatment reaches (table 6.8).
METHANE_CORRECTION: Mapping[str, float] = {
    "untreated": 0.1,
    "aerobic": 0.0,
    "aerobic-overloaded": 0.3,
    "anaerobic-reactor": 0.8,
    "anaerobic-shallow-lagoon": 0.2,
    "anaerobic-deep-lagoon": 0.8,
}

#: What a mass may be of, after its unit: ``kg COD``, ``t CO2e``.
OF_WHAT: Mapping[EventKind, tuple[str, ...]] = {
    "refrigerant": ("",),
    "waste-water": ("COD", "CH4", "CO2e"),
    "waste": ("CO2e", ""),
    "emission": ("", "CO2e", "biogenic CO2"),
    "capture": ("", "CO2"),
}


def mass_kg(quantity: float, unit: str) -> tuple[float, str] | None:
    """Return a mass in kg and what it is of, None when *unit* is none of mass."""
    name, _, substance = unit.partition(" ")
    known = UNITS.get(name)
    if known is None or known.dimension != "mass":
        return None
    return quantity * known.to_base, substance


def emitted_kg(event: SiteEvent, potential: Potential) -> float | None:
    """Return the kg of CO2 equivalent of an event; what is captured is negative.

    *potential* says what a kg of a gas warms. None when it emits nothing, or when
    nothing states how much.
    """
    if event.quantity is None or event.kind not in OF_WHAT:
        return None
    found = mass_kg(event.quantity, event.unit)
    if found is None or found[1] not in OF_WHAT[event.kind]:
        return None
    kg, substance = found
    factor = _factor(event, substance, potential)
    return None if factor is None else kg * factor


def _factor(event: SiteEvent, substance: str, potential: Potential) -> float | None:
    """Return the kg of CO2 equivalent of one kg of what an event is about."""
    if event.kind == "refrigerant":
        return potential(event.subject)
    if event.kind == "capture":
        return -1.0
    if substance == "COD":
        part, methane = METHANE_CORRECTION.get(event.subject), potential("CH4")
        if part is None or methane is None:
            return None
        return METHANE_PER_COD * part * methane
    if substance == "CH4":
        return potential("CH4")
    return None if event.kind == "waste" and not substance else 1.0


def is_biogenic(event: SiteEvent) -> bool:
    """Whether an event is one of biogenic CO2, which is counted apart."""
    return event.unit.endswith(" biogenic CO2")


@dataclass(frozen=True, slots=True)
class Emission:
    """What an event emits, kg; None: it does, but nothing states how much."""

    event: SiteEvent
    kg: float | None

    def category(self, view: View) -> Category | None:
        """Return where it belongs; None when the view does not have it."""
        category = event_category(self.event.kind, view)
        biogenic = category is not None and is_biogenic(self.event)
        return BIOGENIC if biogenic else category

    def counted_kg(self, view: View) -> float:
        """Return what it adds to the site's total of a view.

        What is captured takes off only when it is stored for good. Biogenic CO2 and
        what the site's waste emits elsewhere (scope 3) stand beside the total.
        """
        category = self.category(view)
        if category is None or self.kg is None:
            return 0.0
        if self.event.kind == "capture" and not self.event.permanent:
            return 0.0
        return self.kg if view == "pcf" or category.scope == 1 else 0.0


@dataclass(frozen=True, slots=True)
class Capture:
    """CO2 captured, beside the emission that it was captured from, all kg."""

    gross_kg: float
    captured_kg: float
    net_kg: float


class Direct:
    """The emitting events of a site, in the order of their times."""

    def __init__(self, events: Iterable[SiteEvent], potential: Potential) -> None:
        self._emissions = sorted(
            (
                Emission(e, emitted_kg(e, potential))
                for e in events
                if e.kind in OF_WHAT
            ),
            key=lambda emission: emission.event.time_ns,
        )

    def between(self, start_ns: int, end_ns: int) -> list[Emission]:
        """Return what was emitted in [start, end)."""
        return [e for e in self._emissions if start_ns <= e.event.time_ns < end_ns]


def total_kg(emissions: Iterable[Emission], view: View) -> float:
    """Return what events add to the site's total of a view."""
    return fsum(emission.counted_kg(view) for emission in emissions)


def biogenic_kg(emissions: Iterable[Emission]) -> float:
    """Return the biogenic CO2 of events, which no total holds."""
    return fsum(e.kg for e in emissions if e.kg is not None and is_biogenic(e.event))


def capture(emissions: Iterable[Emission], view: View, scope_1_kg: float) -> Capture:
    """Return the three columns of capture; *scope_1_kg* is what flows emitted."""
    emissions = list(emissions)
    others = [e for e in emissions if e.event.kind != "capture"]
    gross_kg = scope_1_kg + total_kg(others, view)
    captured = [e for e in emissions if e.event.kind == "capture"]
    return Capture(
        gross_kg,
        fsum(-e.kg for e in captured if e.kg is not None),
        gross_kg + total_kg(captured, view),
    )
