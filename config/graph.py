"""The graph of a site file as it is read: its parts, and what they say of pools."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from zerometer.config.measures import Measures
from zerometer.config.problems import near
from zerometer.config.table import Table, shown
from zerometer.core.site import (
    Measured,
    Pool,
    Process,
    Product,
    SharedService,
    Sink,
    Source,
    Storage,
)

#: From which pools to which others.
Link = tuple[frozenset[str], frozenset[str]]


@dataclass(kw_only=True)
class Graph:
    """The parts of a site's graph, in the order of the file.

    ``fed`` and ``drained`` are the pools that the file lets something flow into
    and out of, also by flows that did not hold; ``entered`` those that something
    enters from outside, ``links`` lead from the pools that a process takes from to
    those it gives to. ``doubtful`` is set when the file names a pool that there is
    not, or one whose carrier is not known. ``tables``: where each part stands, by
    its kind and id.
    """

    pools: dict[str, Pool] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    storages: list[Storage] = field(default_factory=list)
    products: dict[str, Product] = field(default_factory=dict)
    sinks: list[Sink] = field(default_factory=list)
    shared: list[SharedService] = field(default_factory=list)
    fed: set[str] = field(default_factory=set)
    drained: set[str] = field(default_factory=set)
    entered: set[str] = field(default_factory=set)
    links: list[Link] = field(default_factory=list)
    doubtful: bool = False
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)


class GraphFile:
    """What the readers of the parts share: the file, its measures, its pools."""

    def __init__(self, top: Table, measures: Measures) -> None:
        self.measures = measures
        self.graph = Graph()
        self._top = top

    def named(self, kind: str, known: Sequence[str]) -> Iterator[tuple[str, Table]]:
        """Yield the tables of ``[kind.ID]``, and remember where they stand."""
        for name, table in self._top.named(kind, known):
            self.graph.tables[kind, name] = table
            yield name, table

    def pool(self, table: Table, key: str) -> Pool | None:
        """Return the pool named at *key*; None when it is not known."""
        name = table.text(key)
        return self._known_pool(table, name, key) if name else None

    def _known_pool(
        self, table: Table, name: str, key: str, *, of_key: bool = False
    ) -> Pool | None:
        pool = self.graph.pools.get(name)
        if pool is None:
            message = f"no pool named {shown(name)}{near(name, self.graph.pools)}"
            table.error(key, message, of_key=of_key)
            self.graph.doubtful = True
        return pool if pool and pool.unit else None

    def flows(self, table: Table, key: str) -> dict[str, Measured]:
        """Return the measures of a table such as ``{ lv = "compressor" }`` by pool."""
        inner = table.table(key, f"{table.where}: {key}")
        flows = {}
        for name in inner.values:
            pool = self._known_pool(inner, name, name, of_key=True)
            measure = self.measures.read(inner, name, unit_of(pool))
            if pool and measure:
                flows[name] = measure
        return flows


def unit_of(pool: Pool | None) -> str:
    """Return the pool's unit; none when the pool is not known."""
    return pool.unit if pool else ""
