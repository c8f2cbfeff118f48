"""Virtual meters of a site file: sums and differences of what meters count."""

from typing import Literal

from zerometer.config import keys
from zerometer.config.measures import Measures, Terms, Virtual
from zerometer.config.own_points import COUNTED
from zerometer.config.problems import near
from zerometer.config.table import Table, shown
from zerometer.core.site import Combination, Measure
from zerometer.core.units import UNITS


def read_virtual_meters(top: Table, measures: Measures) -> None:
    """Add them to *measures*; each may use those above it."""
    for name, table in top.named("virtual", keys.VIRTUAL):
        if measures.is_meter(name):
            message = f"{shown(name)} is the id of a meter already"
            table.error("", message, of_key=True)
            continue
        unit = _unit(table)
        plus = _terms(table, "plus", measures, unit)
        minus = _terms(table, "minus", measures, unit)
        if not table.values.get("plus"):
            table.missing("plus", 'what is added, such as ["incomer"]')
        _check_terms(table, measures, plus, minus)
        terms: Terms = (*plus, *((_OPPOSITE[sign], m) for sign, m in minus))
        measures.add(name, Virtual(unit if plus else "", terms))


_OPPOSITE: dict[int, Literal[1, -1]] = {1: -1, -1: 1}


def _unit(table: Table) -> str:
    unit = table.text("unit")
    if unit and unit not in UNITS:
        table.error("unit", f"no unit named {shown(unit)}{near(unit, UNITS)}")
        return ""
    if unit and UNITS[unit].dimension not in COUNTED:
        message = "cannot be summed up; a counter's unit can, such as kWh"
        table.error("unit", f"{shown(unit)} {message}")
        return ""
    return unit


def _terms(table: Table, key: str, measures: Measures, unit: str) -> Terms:
    found: Terms = ()
    for element in table.elements(key):
        measured = measures.read(element, key, unit)
        if isinstance(measured, Measure):
            found += ((1, measured),)
        elif isinstance(measured, Combination):
            found += measured.terms
    return found


def _check_terms(table: Table, measures: Measures, plus: Terms, minus: Terms) -> None:
    """A counter stands on one side once."""
    seen: set[tuple[str, str]] = set()
    for key, terms in (("plus", plus), ("minus", minus)):
        for _, measure in terms:
            counter = measures.counted(measure)
            if counter in seen:
                table.error(key, f"{shown(':'.join(counter))} stands in it twice")
            seen.add(counter)
