"""Views of a site file: what is accounted for, beside energy."""

from collections.abc import Iterator
from typing import cast

from zerometer.config.graph import Graph
from zerometer.config.problems import near
from zerometer.config.site_factors import SHARED
from zerometer.config.table import Table, shown
from zerometer.core.site import ALL_VIEWS, View

#: Views that take no other's factors.
OWN: tuple[View, ...] = tuple(view for view in ALL_VIEWS if view not in SHARED)


def read_views(about: Table, graph: Graph) -> tuple[View, ...]:
    """Return the views, in the order of ALL_VIEWS.

    Those that the file names; by default all for which every source and fuel has
    a factor.
    """
    if "views" not in about:
        return _by_factors(about, graph)
    named = about.texts("views")
    for index, view in enumerate(named):
        if view not in ALL_VIEWS:
            message = f"no view named {shown(view)}{near(view, ALL_VIEWS)}"
            about.error("views", message, index)
    if "physical" not in named:
        about.error("views", "physical is always accounted for: name it too")
    for view in OWN:
        for table, what in _without(graph, view) if view in named else ():
            message = f"{what}: none for the view {view}, which [site] views names"
            table.error("factor", message)
    return tuple(view for view in ALL_VIEWS if view in named)


def _by_factors(about: Table, graph: Graph) -> tuple[View, ...]:
    views: list[View] = list(SHARED)
    for view in OWN:
        lacking = [what for _, what in _without(graph, view)]
        if not lacking:
            views.append(view)
        elif len(lacking) < sum(1 for _ in _stated(graph)):
            message = f"the view {view} is left out: no factor for it of"
            about.warn("", f"{message} {', '.join(lacking)}")
    return cast(tuple[View, ...], tuple(v for v in ALL_VIEWS if v in views))


def _stated(graph: Graph) -> Iterator[tuple[Table, str, set[View]]]:
    """Yield where factors stand, of what they are, and their views."""
    for source in graph.sources:
        table = graph.tables["source", source.id]
        yield table, f'source "{source.id}"', set(source.factors)
    for process in graph.processes:
        table = graph.tables["process", process.id]
        for fuel in process.fuels:
            what = f'{fuel.carrier} of process "{process.id}"'
            yield table, what, set(fuel.factors)


def _without(graph: Graph, view: View) -> list[tuple[Table, str]]:
    """Return where no factor for *view* stands, of what has factors at all."""
    return [
        (table, what)
        for table, what, views in _stated(graph)
        if views and view not in views
    ]
