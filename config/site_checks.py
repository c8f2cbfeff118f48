"""What must hold of a site's graph as a whole."""

from collections.abc import Iterable, Set

from zerometer.config.counted_once import check_counted_once, check_directions
from zerometer.config.graph import Graph
from zerometer.config.measures import Measures
from zerometer.config.table import shown
from zerometer.core.allocation import ENERGY_CONTENT


def check_graph(graph: Graph, measures: Measures) -> None:
    """Collect what is wrong with *graph*."""
    check_counted_once(graph, measures)
    check_directions(graph)
    _check_remainders(graph)
    _check_outputs(graph)
    _check_products(graph)
    if not graph.doubtful:
        _check_exits(graph)
        _check_inflows(graph)


def _check_remainders(graph: Graph) -> None:
    first: dict[str, str] = {}
    for sink in graph.sinks:
        if sink.kind != "remainder":
            continue
        table = graph.tables["sink", sink.id]
        if first.setdefault(sink.pool, sink.id) != sink.id:
            message = f'sink "{first[sink.pool]}" is the remainder of it already'
            table.error("remainder_of", message)
        elif graph.pools[sink.pool].balanced:
            message = "takes all that does not agree; a balanced pool has none"
            table.error("remainder_of", f"a remainder {message}")


def _check_outputs(graph: Graph) -> None:
    """Several outputs share a burden by their energy content: they must have one."""
    for process in graph.processes:
        for pool in process.gives:
            unit = graph.pools[pool].unit
            stated = process.allocation.keys()
            if len(process.gives) > 1 and unit not in ENERGY_CONTENT and not stated:
                message = f"one of several outputs, and {unit} has no energy content"
                fix = "make a process for each output, with what it takes"
                table = graph.tables["process", process.id]
                table.error("gives", f"{message}; {fix}", pool)


def _check_products(graph: Graph) -> None:
    """Something is made of what flows out, and what is shared is shared."""
    made = {sink.product for sink in graph.sinks}
    made.update(name for service in graph.shared for name in service.drivers)
    for name in graph.products.keys() - made:
        message = "no sink makes it: give one product = "
        graph.tables["product", name].warn("", message + shown(name))
    divided = {service.sink for service in graph.shared}
    for sink in graph.sinks:
        shared = sink.kind == "shared" and not sink.product
        if graph.products and shared and sink.id not in divided:
            message = "is shared, and no drivers say by whom: no product has it"
            graph.tables["sink", sink.id].warn("kind", message)


def _behind(
    pools: Set[str], links: Iterable[tuple[frozenset[str], frozenset[str]]]
) -> set[str]:
    """Return *pools* and all that *links* lead to from them."""
    reached = set(pools)
    before = -1
    while len(reached) > before:
        before = len(reached)
        for origins, ends in links:
            if origins & reached:
                reached |= ends
    return reached


def _check_exits(graph: Graph) -> None:
    """Every pool must reach a sink, or what flows into it has nowhere to go."""
    exits = _behind(graph.drained, [(gives, takes) for takes, gives in graph.links])
    for pool in graph.pools:
        if pool not in exits:
            fix = f'[sink.{pool}-rest] with remainder_of = "{pool}"'
            message = f"nothing flows out of it to a sink; add {fix}"
            graph.tables["pool", pool].error("", message)


def _check_inflows(graph: Graph) -> None:
    """Every pool must be fed, and not only by what it feeds itself."""
    reached = _behind(graph.entered, graph.links)
    # One that nothing flows into is said of itself, not of all behind it.
    behind = _behind(graph.pools.keys() - graph.fed, graph.links)
    for pool in graph.pools:
        if pool not in graph.fed:
            message = "nothing flows into it; add a source or a process that gives"
            graph.tables["pool", pool].error("", message)
        elif pool not in reached | behind:
            message = "what flows into it only circulates; add a source"
            graph.tables["pool", pool].error("", message)
