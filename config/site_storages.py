"""Storages of a site file: batteries, heat stores, and what holds of them."""

from collections.abc import Iterator
from typing import Any, cast

from zerometer.config import keys
from zerometer.config.graph import GraphFile, unit_of
from zerometer.config.readable import EXPORT, IMPORT
from zerometer.config.table import Table
from zerometer.core.site import StateOfCharge, Storage


def read_storage(file: GraphFile, name: str, table: Table) -> Iterator[Storage]:
    """Yield the storage, if it holds."""
    pool = file.pool(table, "pool")
    efficiency = _efficiency(table)
    key_of = _keys(file, table)
    one_meter = key_of[0] == key_of[1]
    way_in = IMPORT if one_meter else None
    way_out = EXPORT if one_meter or _exports(file, table) else None
    charge = file.measures.read(table, key_of[0], unit_of(pool), way_in)
    discharge = file.measures.read(table, key_of[1], unit_of(pool), way_out)
    standby = table.choice("standby", ("carry", "sink"), "carry")
    capacity = table.positive("capacity") if "capacity" in table else 0.0
    state = _state_of_charge(file, table)
    if state and not capacity:
        message = "says when it is empty only: without capacity, full is no amount"
        table.warn("state_of_charge", message)
    if pool and charge and discharge:
        yield Storage(
            id=name,
            pool=pool.id,
            charge=charge,
            discharge=discharge,
            charge_efficiency=efficiency[0],
            discharge_efficiency=efficiency[1],
            standby=cast(Any, standby),
            capacity=capacity,
            state_of_charge=state,
        )


def _exports(file: GraphFile, table: Table) -> bool:
    """Tell whether the meter of ``discharge`` counts both ways."""
    value = table.values.get("discharge")
    if isinstance(value, dict):
        value = value.get("meter")
    return isinstance(value, str) and file.measures.counts(value, EXPORT)


def _keys(file: GraphFile, table: Table) -> tuple[str, str]:
    """Return where charging and discharging are measured: at one key or two."""
    pair = ("charge", "discharge")
    if "meter" not in table and any(key in table for key in pair):
        return pair
    for key in pair:
        if key in table:
            table.error(key, "stands beside meter; give one or the other")
    if file.measures.is_virtual(table.values.get("meter")):
        table.error(
            "meter", "a virtual meter counts one way; give charge and discharge"
        )
    return "meter", "meter"


def _efficiency(table: Table) -> tuple[float, float]:
    pair = table.numbers("efficiency", 2) or (1.0, 1.0)
    for index, value in enumerate(pair):
        if not 0.0 < value <= 1.0:
            table.error("efficiency", f"{value} is not above 0, up to 1", index)
    return pair[0], pair[1]


def _state_of_charge(file: GraphFile, table: Table) -> StateOfCharge | None:
    if "state_of_charge" not in table:
        return None
    where = f"{table.where}: state_of_charge"
    inner = table.table("state_of_charge", where, keys.STATE_OF_CHARGE)
    gauge = file.measures.gauge(inner, "meter")
    empty, full = inner.number("empty"), inner.number("full")
    if empty >= full and "empty" in inner and "full" in inner:
        inner.error("full", f"{full:g} is not above empty, {empty:g}")
    if gauge is None:
        return None
    return StateOfCharge(meter=gauge[0], point=gauge[1], empty=empty, full=full)
