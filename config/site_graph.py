"""The graph of a site file: pools, sources, processes, storages, products, sinks."""

from collections.abc import Iterator

from zerometer.config import keys
from zerometer.config.graph import Graph, GraphFile, unit_of
from zerometer.config.measures import Measures
from zerometer.config.site_factors import source_factors
from zerometer.config.site_processes import read_process
from zerometer.config.site_products import read_product
from zerometer.config.site_sinks import read_sink
from zerometer.config.site_storages import read_storage
from zerometer.config.table import Table
from zerometer.core.site import CARRIERS, Pool, Source

SOURCE_KINDS = ("bought", "own")


def read_graph(top: Table, measures: Measures) -> Graph:
    """Return the graph; what does not hold is left out and reported."""
    file = GraphFile(top, measures)
    graph = file.graph
    for name, table in file.named("pool", keys.POOL):
        graph.pools[name] = _pool(name, table)
        graph.doubtful |= not graph.pools[name].unit
    for name, table in file.named("source", keys.SOURCE):
        graph.sources.extend(_source(file, name, table))
    for name, table in file.named("process", keys.PROCESS):
        graph.processes.append(read_process(file, name, table))
    for name, table in file.named("storage", keys.STORAGE):
        graph.storages.extend(read_storage(file, name, table))
    for name, table in file.named("product", keys.PRODUCT):
        graph.products.update(read_product(file, name, table))
    for name, table in file.named("sink", keys.SINK):
        graph.sinks.extend(read_sink(file, name, table))
    return graph


def _pool(name: str, table: Table) -> Pool:
    carrier = table.choice("carrier", tuple(CARRIERS), None)
    return Pool(
        id=name,
        carrier=carrier,
        unit=CARRIERS.get(carrier, ""),
        balanced=table.flag("balance", False),
        nominal=table.positive("nominal") if "nominal" in table else 0.0,
    )


def _source(file: GraphFile, name: str, table: Table) -> Iterator[Source]:
    pool = file.pool(table, "into")
    measure = file.measures.read(table, "meter", unit_of(pool))
    factors = source_factors(table, pool)
    kind = table.choice("kind", SOURCE_KINDS, "bought")
    if pool:
        file.graph.fed.add(pool.id)
        file.graph.entered.add(pool.id)
    if pool and measure:
        yield Source(
            id=name,
            pool=pool.id,
            measure=measure,
            factors=factors,
            kind="own" if kind == "own" else "bought",
            carbon_free_share=table.share("carbon_free_share", float(kind == "own")),
        )
