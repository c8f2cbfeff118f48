"""The emission factors of a site file: of what flows in, and what is burned.

A factor is a number, the name of a shipped one, or a table with more to say of it:
how uncertain it is, or the series whose values hold when it has any. A table by
view gives each view its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zerometer.config import keys
from zerometer.config.factor_library import FIT_AS_DEFAULT, OF_FUEL, shipped
from zerometer.config.problems import near
from zerometer.config.table import Table, is_number, shown
from zerometer.core.factor import LARGEST
from zerometer.core.site import ALL_VIEWS, CARRIERS, Factor, Pool, View

Factors = dict[View, Factor]

#: What the factors of a view count, where it is not what is emitted.
BASIS: Mapping[View, str] = {"pcf": "lifecycle", "upstream": "lifecycle"}

#: Views that one factor serves, and in which order they stand in for each other.
SHARED: tuple[View, ...] = ("location", "physical", "market", "gb32150")


def source_factors(table: Table, pool: Pool | None) -> Factors:
    """Return the factors of a source into *pool*, from its key ``factor``.

    Of a pool that is not known, the unit is not checked.
    """
    if "factor" not in table:
        table.missing("factor", "0 is a factor too, and must be said")
        return {}
    return _read(table, "factor", pool.unit if pool else "", _place(table))


def fuel_factors(table: Table, carriers: Sequence[str]) -> Mapping[str, Factors]:
    """Return the factors of each fuel in *carriers* that a process burns.

    Its key ``factor`` is a table by fuel; a fuel that it leaves out has the
    shipped factor, if there is one.
    """
    value = table.values.get("factor", {})
    if not isinstance(value, dict):
        fuels = ", ".join(f"{carrier} = {shown(value)}" for carrier in carriers)
        table.error("factor", f"say of which fuel: factor = {{ {fuels} }}")
        return {carrier: {} for carrier in carriers}
    stated = table.table("factor", f"{table.where}: factor", tuple(carriers))
    factors: dict[str, Factors] = {}
    for carrier in carriers:
        default = shipped().get(OF_FUEL.get(carrier, ""))
        if carrier in stated:
            origin = f"fuel.{table.path[-1]}.{carrier}"
            factors[carrier] = _read(stated, carrier, CARRIERS[carrier], origin)
        elif default:
            factors[carrier] = dict.fromkeys(SHARED, default.factor)
        else:
            factors[carrier] = {}
            hint = f"factor = {{ {carrier} = ... }}, in kg per {CARRIERS[carrier]}"
            table.missing("factor", f"none is shipped for {carrier}: {hint}")
    return factors


def lasting_factor(table: Table, key: str, unit: str) -> Factor | None:
    """Return a factor that is the same at all times and in all views."""
    factor = constant(table, key, unit)
    return factor and _identified(factor, f"{_place(table)}:{key}")


def constant(table: Table, key: str, unit: str) -> Factor | None:
    """Return a factor that is a number or a shipped name, and no series."""
    value = table.values[key]
    if isinstance(value, str):
        return _shipped(table, key, value, unit)
    if not is_number(value):
        table.error(key, f"{shown(value)} is not a factor: a number or a shipped name")
        return None
    largest = LARGEST.get(f"kg/{unit}", max(LARGEST.values()))
    if not 0 <= value <= largest:
        message = f"{value} is not within 0 to {largest:g}"
        table.error(key, f"{message}; factors are in kg per {unit or 'unit'}")
        return None
    return Factor(value=float(value), unit=f"kg/{unit}")


def _place(table: Table) -> str:
    """Return where a number is stated, such as ``source.grid``."""
    return ".".join(map(str, table.path))


def _read(table: Table, key: str, unit: str, origin: str) -> Factors:
    value = table.values[key]
    if not isinstance(value, dict) or any(name in value for name in keys.FACTOR):
        factor = _one(table, key, unit, origin)
        if factor:
            _check_basis(table, key, factor, "direct")
        return dict.fromkeys(SHARED, factor) if factor else {}
    inner = table.table(key, f"{table.where}: {key}", ALL_VIEWS)
    stated: Factors = {}
    for view in ALL_VIEWS:
        factor = _one(inner, view, unit, f"{origin}:{view}") if view in inner else None
        if factor:
            stated[view] = factor
            _check_basis(inner, view, factor, BASIS.get(view, "direct"))
    if not any(view in inner for view in SHARED):
        inner.missing("location", f"give at least one of {', '.join(SHARED)}")
    first = next((stated[view] for view in SHARED if view in stated), None)
    return {view: stated.get(view, first) for view in SHARED if first} | stated


def _one(table: Table, key: str, unit: str, origin: str) -> Factor | None:
    """Return the factor at *key*; *origin* is the id of a number."""
    value = table.values[key]
    if not isinstance(value, dict):
        factor = constant(table, key, unit)
        return factor and _identified(factor, origin)
    inner = table.table(key, f"{table.where}: {key}", keys.FACTOR)
    held = "fallback" if "series" in inner else "value"
    for other in ("value", "fallback"):
        if other in inner and other != held:
            with_it = (
                "a series has a fallback" if held == "fallback" else "is of a series"
            )
            inner.error(other, with_it)
    if held not in inner:
        inner.missing(held, "a number or a shipped name")
        return None
    factor = constant(inner, held, unit)
    if factor is None:
        return None
    series = inner.identifier("series") if "series" in inner else ""
    return replace(
        _identified(factor, series or origin),
        id=series or factor.id or origin,
        series=series,
        uncertainty_percent=uncertainty(inner, factor.uncertainty_percent),
    )


def _check_basis(table: Table, key: str, factor: Factor, basis: str) -> None:
    """Warn of a footprint that is taken for what is emitted, and the other way."""
    found = shipped().get(factor.id)
    if found and found.basis not in ("", basis):
        message = f"{shown(factor.id)} is a {found.basis} factor, needed is a"
        table.warn(key, f"{message} {basis} one")


def _identified(factor: Factor, origin: str) -> Factor:
    return replace(factor, id=factor.id or origin)


def uncertainty(table: Table, usual: float | None = None) -> float | None:
    """Return the half width of the 95 % interval, in percent; *usual* if none."""
    if "uncertainty" not in table:
        return usual
    percent = table.number("uncertainty")
    if not 0 <= percent <= 100:
        message = f"{percent:g} is not within 0 to 100; it is the half width"
        table.error("uncertainty", f"{message} of the 95 % interval, in percent")
    return percent


def _shipped(table: Table, key: str, name: str, unit: str) -> Factor | None:
    found = shipped().get(name)
    if found is None:
        table.error(key, f"no factor named {shown(name)}{near(name, shipped())}")
        return None
    factor = found.factor
    if unit and factor.unit != f"kg/{unit}":
        table.error(key, f"{shown(name)} is in {factor.unit}, needed is kg/{unit}")
        return None
    if not found.verified:
        message = "is not verified: nobody has compared it with its source"
        table.warn(key, f"{shown(name)} {message}")
    elif found.confidence not in FIT_AS_DEFAULT:
        table.warn(key, f"{shown(name)} is of {found.confidence} confidence")
    return factor
