"""How a process divides its burden over its outputs, as a site file says."""

from collections.abc import Mapping

from zerometer.config import keys
from zerometer.config.site_factors import constant
from zerometer.config.table import Table, is_number, shown
from zerometer.core import allocation
from zerometer.core.allocation import ENERGY_CONTENT, POWER
from zerometer.core.site import ALL_VIEWS, Allocation, Pool, View

#: Each method with its parameters.
METHODS: Mapping[str, tuple[str, ...]] = {
    "energy": (),
    "efficiency": ("power", "heat"),
    "alternative": ("power", "heat"),
    "defra": (),
    "exergy": ("temperatures", "ambient"),
    "power_bonus": ("factor",),
}
#: Kinds that make one thing: heat that is recovered beside it has no burden.
MAIN = {"compressor": "heat", "chiller": "heat"}

Outputs = Mapping[str, Pool]


def read_allocation(
    table: Table, kind: str, outputs: Outputs
) -> dict[View, Allocation]:
    """Return the allocation by view; views that it lacks share by energy content."""
    if "allocation" not in table:
        return _by_kind(kind, outputs)
    if not _can_share(table, outputs):
        return {}
    value = table.values["allocation"]
    if isinstance(value, dict) and "method" not in value:
        inner = table.table("allocation", f"{table.where}: allocation", ALL_VIEWS)
        found = {
            view: _one(inner, view, outputs) for view in ALL_VIEWS if view in inner
        }
    else:
        found = dict.fromkeys(ALL_VIEWS, _one(table, "allocation", outputs))
    return {view: stated for view, stated in found.items() if stated}


def _by_kind(kind: str, outputs: Outputs) -> dict[View, Allocation]:
    if kind not in MAIN or len(outputs) < 2:
        return {}
    weights = {n: float(p.carrier != MAIN[kind]) for n, p in outputs.items()}
    return dict.fromkeys(ALL_VIEWS, Allocation(method="main", weights=weights))


def _can_share(table: Table, outputs: Outputs) -> bool:
    if len(outputs) == 1:
        table.error("allocation", "there is only one output: it has all of it")
    return len(outputs) > 1 and all(p.unit in ENERGY_CONTENT for p in outputs.values())


def _one(table: Table, key: str, outputs: Outputs) -> Allocation | None:
    """Return one method with its parameters, at *key*; None when it does not hold."""
    value = table.values[key]
    if not isinstance(value, dict):
        method = table.choice(key, tuple(METHODS), None)
        return _made(table, key, method, outputs) if method in METHODS else None
    inner = table.table(key, f"{table.where}: {key}", keys.ALLOCATION)
    method = inner.choice("method", tuple(METHODS), None)
    if method not in METHODS:
        return None
    for name in keys.ALLOCATION[1:]:
        if name in inner and name not in METHODS[method]:
            inner.error(name, f"is no parameter of {method}", of_key=True)
    return _made(inner, "method", method, outputs)


def _made(table: Table, key: str, method: str, outputs: Outputs) -> Allocation | None:
    if method == "energy":
        return allocation.energy(outputs)
    if not any(pool.carrier == POWER for pool in outputs.values()):
        table.error(
            key, f"{method} divides between electricity and heat: none is given"
        )
        return None
    if method == "defra":
        return allocation.defra(outputs)
    if method == "exergy":
        return _exergy(table, key, outputs)
    if method == "power_bonus":
        return _power_bonus(table, key, outputs)
    usual = {"efficiency": (0.35, 0.80), "alternative": (0.53, 0.90)}[method]
    power, heat = (
        _efficiency(table, name, value) if key == "method" else value
        for name, value in zip(("power", "heat"), usual, strict=True)
    )
    make = allocation.efficiency if method == "efficiency" else allocation.alternative
    return make(outputs, power, heat)


def _efficiency(table: Table, key: str, usual: float) -> float:
    value = table.positive(key, usual)
    # Heat by a heat pump, or out of condensing flue gas, is more than the fuel.
    if value > 1.2:
        table.error(key, f"{value:g} is not an efficiency above 0, up to 1.2")
        return usual
    return value


def _exergy(table: Table, key: str, outputs: Outputs) -> Allocation | None:
    if key != "method":
        example = (
            '{ method = "exergy", temperatures = { heat = [90, 70] }, ambient = 10 }'
        )
        table.error(key, f"say the temperatures: {example}")
        return None
    ambient = table.number("ambient")
    heats = [pool.id for pool in outputs.values() if pool.carrier != POWER]
    stated = table.table("temperatures", f"{table.where}: temperatures", heats)
    temperatures: dict[str, tuple[float, float]] = {}
    for pool in heats:
        if pool not in stated:
            stated.missing(pool, "supply and return in degC, such as [90, 70]")
        pair = stated.numbers(pool, 2)
        if pair and not ambient < pair[1] <= pair[0]:
            order = f"above the ambient {ambient:g} degC, return up to supply"
            stated.error(pool, f"{shown(stated.values[pool])} is not {order}")
        elif pair and is_number(table.values.get("ambient")):
            temperatures[pool] = pair[0], pair[1]
    if len(temperatures) < len(heats):
        return None
    return allocation.exergy(outputs, temperatures, ambient)


def _power_bonus(table: Table, key: str, outputs: Outputs) -> Allocation | None:
    if key != "method" or "factor" not in table:
        where = "factor" if key == "method" else key
        table.missing(where, "what power elsewhere emits, in kg per kWh")
        return None
    pool = next(pool for pool in outputs.values() if pool.carrier == POWER)
    factor = constant(table, "factor", pool.unit)
    return allocation.power_bonus(outputs, factor.value) if factor else None
