"""Sinks of a site file: what flows out of its pools, and for which products."""

from collections.abc import Iterator
from typing import Any, cast

from zerometer.config.graph import GraphFile
from zerometer.config.problems import near
from zerometer.config.readable import EXPORT, IMPORT
from zerometer.config.site_factors import lasting_factor
from zerometer.config.table import Table, shown
from zerometer.core.site import Factor, Measured, SharedService, Sink

SINK_KINDS = ("load", "line", "machine", "shared", "export", "loss")
#: Kinds whose energy goes into what the site makes.
MAKING = ("load", "line", "machine", "shared", "remainder")


def read_sink(file: GraphFile, name: str, table: Table) -> Iterator[Sink]:
    """Yield the sink, if it holds; one that several products share is noted."""
    kind = table.choice("kind", SINK_KINDS, "load")
    if "remainder_of" in table:
        kind = "remainder"
        for key in ("from", "kind"):
            if key in table:
                table.error(key, "stands beside remainder_of; give one of them")
    product = _product(file, table, kind)
    shared = _shared(file, name, table, kind)
    pool, measure = _flow(file, table, kind)
    if shared:
        file.graph.shared.append(shared)
    if pool:
        yield Sink(
            id=name,
            pool=pool,
            measure=measure,
            kind=cast(Any, kind),
            product=product,
            factor=_export_factor(file, table, kind, pool),
        )


def _flow(file: GraphFile, table: Table, kind: str) -> tuple[str, Measured | None]:
    """Return the sink's pool, none when it is not known, and its measure."""
    if kind == "remainder":
        pool = file.pool(table, "remainder_of")
        file.graph.drained.update([pool.id] if pool else [])
        return (pool.id if pool else ""), None
    if not table.values.get("from"):
        table.missing("from", 'from = { pool = "meter" }, or remainder_of = "pool"')
        return "", None
    flows = file.flows(table, "from")
    named = table.table("from", "").values
    file.graph.drained.update(named)
    if len(named) > 1:
        table.error("from", "names several pools; make one sink for each")
    if kind == "export":
        _check_export(file, table)
    return next(iter(flows.items()), ("", None))


def _check_export(file: GraphFile, table: Table) -> None:
    """What leaves the site is what a meter exports, if it counts that apart."""
    inner = table.table("from", f"{table.where}: from")
    for pool, value in inner.values.items():
        if isinstance(value, str) and file.measures.counts(value, EXPORT):
            message = (
                f"is what it imports; what it exports is {shown(f'{value}:{EXPORT}')}"
            )
            inner.error(pool, f"{shown(f'{value}:{IMPORT}')} {message}")


def _export_factor(
    file: GraphFile, table: Table, kind: str, pool: str
) -> Factor | None:
    if "factor" not in table:
        return None
    if kind != "export":
        table.error("factor", "only what is exported takes something off")
        return None
    return lasting_factor(table, "factor", file.graph.pools[pool].unit)


def _product(file: GraphFile, table: Table, kind: str) -> str:
    product = table.text("product", "")
    if product:
        _check_product(file, table, product, "product")
        _check_making(table, "product", kind)
    return product


def _shared(
    file: GraphFile, name: str, table: Table, kind: str
) -> SharedService | None:
    """Return by what several products share a sink; all drivers are in one unit."""
    if "drivers" not in table:
        return None
    if "product" in table:
        table.error("drivers", "stands beside product; give one or the other")
    if kind not in ("shared", "remainder"):
        table.error(
            "drivers", 'products share a sink of kind = "shared", or a remainder'
        )
    inner = table.table("drivers", f"{table.where}: drivers")
    unit = ""
    drivers: dict[str, Measured] = {}
    for product in inner.values:
        _check_product(file, inner, product, product, of_key=True)
        driver = file.measures.read(inner, product, unit)
        if driver:
            drivers[product] = driver
            unit = unit or file.measures.unit(driver)
    return SharedService(sink=name, drivers=drivers)


def _check_product(
    file: GraphFile, table: Table, product: str, key: str, *, of_key: bool = False
) -> None:
    known = file.graph.products
    if ("product", product) not in file.graph.tables:
        message = f"no product named {shown(product)}{near(product, known)}"
        table.error(key, message, of_key=of_key)


def _check_making(table: Table, key: str, kind: str) -> None:
    if kind not in MAKING and kind in SINK_KINDS:
        table.error(key, f"what is {kind} makes nothing")
