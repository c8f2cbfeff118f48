"""No counter is counted twice in one flow, and none the wrong way round."""

from collections.abc import Iterator
from dataclasses import dataclass

from zerometer.config.graph import Graph
from zerometer.config.measures import Measures
from zerometer.config.readable import EXPORT, IMPORT
from zerometer.config.table import Table, shown
from zerometer.core.site import Combination, Measure, Measured, Sink, Source
from zerometer.core.units import UNITS, factor

#: What rounding may add to the share of a counter.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Flow:
    """A flow into or out of a pool, or of a fuel; ``key`` is where it stands."""

    place: str
    unit: str
    inward: bool
    kind: str
    name: str
    key: str
    measured: Measured

    def terms(self) -> Iterator[tuple[int, Measure]]:
        """Yield the measures that it is made of, with their signs."""
        if isinstance(self.measured, Combination):
            yield from self.measured.terms
        else:
            yield 1, self.measured


def flows(graph: Graph) -> Iterator[Flow]:
    """Yield every measured flow of the graph, in the order of the file."""
    for source in graph.sources:
        yield _flow(graph, source.pool, ("source", source.id, "meter"), source.measure)
    for process in graph.processes:
        here = ("process", process.id)
        for pool, measure in process.takes.items():
            yield _flow(graph, pool, (*here, "takes"), measure)
        for pool, measure in process.gives.items():
            yield _flow(graph, pool, (*here, "gives"), measure)
        for fuel in process.fuels:
            place = f"fuel {fuel.carrier}"
            yield Flow(place, fuel.unit, True, *here, "burns", fuel.measure)
    for storage in graph.storages:
        charge, discharge = (
            ("storage", storage.id, k) for k in ("charge", "discharge")
        )
        yield _flow(graph, storage.pool, charge, storage.charge)
        yield _flow(graph, storage.pool, discharge, storage.discharge)
    for sink in graph.sinks:
        if sink.measure:
            yield _flow(graph, sink.pool, ("sink", sink.id, "from"), sink.measure)


#: Keys of what flows into a pool.
_INWARD = ("meter", "gives", "discharge")


def _flow(
    graph: Graph, pool: str, place: tuple[str, str, str], measured: Measured
) -> Flow:
    unit, inward = graph.pools[pool].unit, place[2] in _INWARD
    return Flow(pool, unit, inward, *place, measured)


def check_counted_once(graph: Graph, measures: Measures) -> None:
    """What a counter counts flows into a pool at most once, and out of it.

    Shares of a virtual meter count with their signs, so that a main meter less a
    submeter, and that submeter, are the main meter. A counter that stands alone on
    both sides of a pool is a warning: a battery may have a source of its own.
    """
    counted: dict[tuple[str, bool, str, str], float] = {}
    first: dict[tuple[str, str, str], Flow] = {}
    for flow in flows(graph):
        table = graph.tables[flow.kind, flow.name]
        for sign, measure in flow.terms():
            counter = measures.counted(measure)
            key = (flow.place, flow.inward, *counter)
            share = _share(measure, measures.unit(measure), flow.unit)
            counted[key] = counted.get(key, 0.0) + sign * share
            other = first.setdefault((flow.place, *counter), flow)
            if other is flow:
                continue
            at = flow.key if flow.key in table else "meter"
            what = f"{shown(':'.join(counter))} is counted in "
            itself = (other.kind, other.name) == (flow.kind, flow.name)
            if itself or counted[key] > 1.0 + TOLERANCE:
                table.error(at, f'{what}{other.kind} "{other.name}" already')
            elif other.inward != flow.inward and _is_plain(other, flow):
                here = f'{other.kind} "{other.name}"'
                table.warn(at, f"{what}{here} as well, the other way")


def _share(measure: Measure, counter_unit: str, unit: str) -> float:
    """Return which part of what a counter counts a measure is.

    All of it, where only the site file knows what a unit of it is worth.
    """
    if not unit or UNITS[counter_unit].dimension != UNITS[unit].dimension:
        return 1.0
    return measure.times / factor(counter_unit, unit)


def _is_plain(one: Flow, other: Flow) -> bool:
    return isinstance(one.measured, Measure) and isinstance(other.measured, Measure)


def check_directions(graph: Graph) -> None:
    """Warn of what comes in by an export counter and leaves by its import."""
    exports = [sink for sink in graph.sinks if sink.kind == "export"]
    for source in graph.sources:
        for sink in exports:
            if _swapped(source, sink):
                table: Table = graph.tables["source", source.id]
                message = f'counts exports, and sink "{sink.id}" leaves by its imports'
                table.warn("meter", f"{message}: are they the wrong way round?")


def _swapped(source: Source, sink: Sink) -> bool:
    into, out = source.measure, sink.measure
    if not isinstance(into, Measure) or not isinstance(out, Measure):
        return False
    ways = into.counter, out.counter
    return into.meter == out.meter and ways == (EXPORT, IMPORT)
