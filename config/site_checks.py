"""What must hold of a site's graph as a whole."""

from collections.abc import Iterator

from zerometer.config.site_graph import Graph
from zerometer.config.table import shown
from zerometer.core.allocation import ENERGY_CONTENT
from zerometer.core.site import Measure, Measured

#: A flow: the table and key that state it, and its measure.
Flow = tuple[str, str, str, Measured]


def check_graph(graph: Graph) -> None:
    """Collect what is wrong with *graph*."""
    _check_counted_once(graph)
    _check_remainders(graph)
    _check_outputs(graph)
    if not graph.doubtful:
        _check_exits(graph)
        _check_inflows(graph)


def _flows(graph: Graph) -> Iterator[tuple[str, Flow]]:
    """Yield every measured flow with the pool or fuel that it belongs to."""
    for source in graph.sources:
        yield source.pool, ("source", source.id, "meter", source.measure)
    for process in graph.processes:
        for key, flows in (("takes", process.takes), ("gives", process.gives)):
            for pool, measure in flows.items():
                yield pool, ("process", process.id, key, measure)
        for fuel in process.fuels:
            place = ("process", process.id, "burns", fuel.measure)
            yield f"fuel {fuel.carrier}", place
    for storage in graph.storages:
        yield storage.pool, ("storage", storage.id, "charge", storage.charge)
        yield storage.pool, ("storage", storage.id, "discharge", storage.discharge)
    for sink in graph.sinks:
        if sink.measure:
            yield sink.pool, ("sink", sink.id, "from", sink.measure)


def _check_counted_once(graph: Graph) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for place, (kind, name, key, measure) in _flows(graph):
        if not isinstance(measure, Measure):
            continue
        counter = (place, measure.meter, measure.counter)
        here = f'{kind} "{name}"'
        if counter in seen:
            table = graph.tables[kind, name]
            what = shown(f"{measure.meter}:{measure.counter}")
            message = f"{what} is counted in {seen[counter]} already"
            table.error(key if key in table else "meter", message)
        seen.setdefault(counter, here)


def _check_remainders(graph: Graph) -> None:
    first: dict[str, str] = {}
    for sink in graph.sinks:
        if sink.kind == "remainder" and first.setdefault(sink.pool, sink.id) != sink.id:
            message = f'sink "{first[sink.pool]}" is the remainder of it already'
            graph.tables["sink", sink.id].error("remainder_of", message)


def _check_outputs(graph: Graph) -> None:
    """Several outputs share a burden by their energy content: they must have one."""
    for process in graph.processes:
        for pool in process.gives:
            unit = graph.pools[pool].unit
            if len(process.gives) > 1 and unit not in ENERGY_CONTENT:
                message = f"one of several outputs, and {unit} has no energy content"
                fix = "make a process for each output, with what it takes"
                table = graph.tables["process", process.id]
                table.error("gives", f"{pool}: {message}; {fix}")


def _check_exits(graph: Graph) -> None:
    """Every pool must reach a sink, or what flows into it has nowhere to go."""
    exits = set(graph.drained)
    before = -1
    while len(exits) > before:
        before = len(exits)
        for takes, gives in graph.links:
            if gives & exits:
                exits |= takes
    for pool in graph.pools:
        if pool not in exits:
            fix = f'[sink.{pool}-rest] with remainder_of = "{pool}"'
            message = f"nothing flows out of it to a sink; add {fix}"
            graph.tables["pool", pool].error("", message)


def _check_inflows(graph: Graph) -> None:
    for pool in graph.pools:
        if pool not in graph.fed:
            message = "nothing flows into it; add a source or a process that gives"
            graph.tables["pool", pool].error("", message)
