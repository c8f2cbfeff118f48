"""The emission factors of a site file: a number, a shipped name, or one by view."""

from collections.abc import Mapping, Sequence

from zerometer.config.factor_library import OF_FUEL, lookup, shipped
from zerometer.config.problems import near
from zerometer.config.table import Table, is_number, shown
from zerometer.core.site import CARRIERS, VIEWS, Factor, Pool, View

Factors = dict[View, Factor]

#: Views that will be accounted for some day: a factor for one is a warning.
LATER_VIEWS = ("market", "gb32150", "upstream", "pcf")

#: What a stated factor may be, in kg per unit. No mix of electricity emits more
#: than 2 kg/kWh: such a number is in another unit. None is negative.
LARGEST = {"electricity": 2.0}
LARGEST_OF_OTHERS = 1000.0


def source_factors(table: Table, pool: Pool | None) -> Factors:
    """Return the factors of a source into *pool*, from its key ``factor``.

    Of a pool that is not known, the unit is not checked.
    """
    if "factor" not in table:
        table.missing("factor", "0 is a factor too, and must be said")
        return {}
    carrier, unit = (pool.carrier, pool.unit) if pool else ("", "")
    return _read(table, "factor", carrier, unit)


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
        default = lookup(OF_FUEL.get(carrier, ""))
        if carrier in stated:
            factors[carrier] = _read(stated, carrier, carrier, CARRIERS[carrier])
        elif default:
            factors[carrier] = dict.fromkeys(VIEWS, default)
        else:
            factors[carrier] = {}
            hint = f"factor = {{ {carrier} = ... }}, in kg per {CARRIERS[carrier]}"
            table.missing("factor", f"none is shipped for {carrier}: {hint}")
    return factors


def _read(table: Table, key: str, carrier: str, unit: str) -> Factors:
    value = table.values[key]
    if not isinstance(value, dict):
        factor = _one(table, key, carrier, unit)
        return dict.fromkeys(VIEWS, factor) if factor else {}
    inner = table.table(key, f"{table.where}: {key}", (*VIEWS, *LATER_VIEWS))
    for view in LATER_VIEWS:
        if view in inner:
            message = f"the view {view} is not accounted for yet: this has no effect"
            inner.warn(view, message)
    stated: Factors = {}
    for view in VIEWS:
        factor = _one(inner, view, carrier, unit) if view in inner else None
        if factor:
            stated[view] = factor
    if not any(view in inner for view in VIEWS):
        inner.missing("location", f"give at least one of {', '.join(VIEWS)}")
    # A view that is left out takes the other's.
    return {
        view: stated.get(view, other) for other in stated.values() for view in VIEWS
    }


def _one(table: Table, key: str, carrier: str, unit: str) -> Factor | None:
    value = table.values[key]
    if isinstance(value, str):
        return _shipped(table, key, value, unit)
    if not is_number(value):
        table.error(key, f"{shown(value)} is not a factor: a number or a shipped name")
        return None
    largest = LARGEST.get(carrier, LARGEST_OF_OTHERS)
    if not 0 <= value <= largest:
        message = f"{value} is not within 0 to {largest:g}"
        table.error(key, f"{message}; factors are in kg per {unit or 'unit'}")
        return None
    return Factor(value=float(value), unit=f"kg/{unit}")


def _shipped(table: Table, key: str, name: str, unit: str) -> Factor | None:
    factor = lookup(name)
    if factor is None:
        table.error(key, f"no factor named {shown(name)}{near(name, shipped())}")
        return None
    if unit and factor.unit != f"kg/{unit}":
        table.error(key, f"{shown(name)} is in {factor.unit}, needed is kg/{unit}")
        return None
    return factor
