"""What must hold of a site's graph as a whole."""

from collections.abc import Iterator

from zerometer.config.site_graph import Graph
from zerometer.config.table import Table, shown
from zerometer.core.site import Measure

#: A flow beside the pool it touches: its table, key and measure.
Flow = tuple[str, str, str, Measure]


def check_graph(top: Table, graph: Graph) -> None:
    """Collect what is wrong with *graph*; *top* gives the places."""
    _check_counted_once(top, graph)
    _check_remainders(top, graph)
    if not graph.doubtful:
        _check_exits(top, graph)
        _check_inflows(top, graph)


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


def _check_counted_once(top: Table, graph: Graph) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for pool, (kind, name, key, measure) in _flows(graph):
        counter = (pool, measure.meter, measure.counter)
        here = f'{kind} "{name}"'
        if counter in seen:
            what = shown(f"{measure.meter}:{measure.counter}")
            message = f"{key}: {what} is counted in {seen[counter]} already"
            top.error(kind, message, name, *_place(top, kind, name, key))
        seen.setdefault(counter, here)


def _place(top: Table, kind: str, name: str, key: str) -> tuple[str, ...]:
    """Return where a flow's key is: a storage may say meter instead."""
    return (key,) if key in top.values[kind][name] else ("meter",)


def _check_remainders(top: Table, graph: Graph) -> None:
    first: dict[str, str] = {}
    for sink in graph.sinks:
        if sink.kind != "remainder":
            continue
        if sink.pool in first:
            message = f'sink "{first[sink.pool]}" is the remainder of it already'
            top.error("sink", message, sink.id, "remainder_of")
        first.setdefault(sink.pool, sink.id)


def _check_exits(top: Table, graph: Graph) -> None:
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
            top.error("pool", f"nothing flows out of it to a sink; add {fix}", pool)


def _check_inflows(top: Table, graph: Graph) -> None:
    for pool in graph.pools:
        if pool not in graph.fed:
            message = "nothing flows into it; add a source or a process that gives"
            top.error("pool", message, pool)
