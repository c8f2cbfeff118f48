"""Storages of a site file: batteries, heat stores, and what holds of them."""

from collections.abc import Iterator
from typing import Any, cast

from zerometer.config import keys
from zerometer.config.graph import GraphFile, unit_of
from zerometer.config.readable import EXPORT, IMPORT
from zerometer.config.table import Table
from zerometer.core.site import Measured, Pool, StateOfCharge, Storage


def read_storage(file: GraphFile, name: str, table: Table) -> Iterator[Storage]:
    """Yield the storage, if it holds."""
    pool = file.pool(table, "pool")
    efficiency = _efficiency(table)
    key_of = _keys(file, table)
    ways = zip(key_of, (IMPORT, EXPORT), strict=True)
    charge, discharge = (_flow(file, table, key, pool, way) for key, way in ways)
    standby = table.choice("standby", ("carry", "sink"), "carry")
    capacity = table.positive("capacity") if "capacity" in table else 0.0
    state = _state_of_charge(file, table)
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


def _flow(
    file: GraphFile, table: Table, key: str, pool: Pool | None, way: str
) -> Measured | None:
    """Return the measure at *key*; *way* is the counter meant by a meter alone.

    A meter of its own for one way may have no such counter, but another.
    """
    value = table.values.get(key)
    meter = value.get("meter") if isinstance(value, dict) else value
    own = key != "meter" and not file.measures.counts(meter, way)
    return file.measures.read(table, key, unit_of(pool), None if own else way)


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
