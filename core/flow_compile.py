"""From a network to its solvers: one for each way of dividing joint outputs.

What flows is the same in all views; who it is booked to differs where a process
divides its burden over several outputs by another method. Views that agree in all
of these share a solver.
"""

from array import array
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from zerometer.core._flow import FlowGraph
from zerometer.core.flow_tables import NO_PLACE, FlowTables
from zerometer.core.network import Network
from zerometer.core.site import View


def variants(network: Network) -> list[tuple[View, ...]]:
    """Return the network's views, together those that one solver serves."""
    found: dict[tuple[tuple[float, bool], ...], list[View]] = {}
    for view in network.views:
        division = tuple(
            (give.weights[view], view in give.bonus_views)
            for process in network.conversions
            for give in process.gives
        )
        found.setdefault(division, []).append(view)
    return [tuple(views) for views in found.values()]


def compile_graph(network: Network, view: View) -> FlowGraph:
    """Return the solver for a view."""
    tables = flow_tables(network, view)
    columns: dict[str, Any] = {f.name: getattr(tables, f.name) for f in fields(tables)}
    return FlowGraph(**columns)


def flow_tables(network: Network, view: View) -> FlowTables:
    """Return what the solver for a view solves.

    Its origins are those of the network and, for each storage, one more: what the
    storage held when the quarter began.
    """
    processes = list(enumerate(network.conversions))
    return FlowTables(
        pools=len(network.pools),
        origins=len(network.origins) + len(network.tanks),
        places=len(network.places),
        dead_bands=array("d", (flow.dead_band for flow in network.flows)),
        inflows=_flat((i.pool, i.origin, i.flow) for i in network.inflows),
        outflows=_flat((o.pool, o.place, o.flow) for o in network.outflows),
        takes=_flat((p, *take) for p, process in processes for take in process.takes),
        gives=_flat(
            (p, give.pool, give.flow)
            for p, process in processes
            for give in process.gives
        ),
        weights=array(
            "d",
            (give.weights[view] for _, process in processes for give in process.gives),
        ),
        burns=_flat((p, *burn) for p, process in processes for burn in process.burns),
        bonuses=_flat(
            (p, give.pool, give.flow, give.bonus)
            for p, process in processes
            for give in process.gives
            if give.bonus is not None and view in give.bonus_views
        ),
        idle=array("i", (process.place for _, process in processes)),
        losses=array(
            "i",
            (
                NO_PLACE if process.loss is None else process.loss
                for _, process in processes
            ),
        ),
        tanks=_flat(
            (tank.pool, tank.place, tank.charge, tank.discharge, tank.unknown)
            for tank in network.tanks
        ),
        efficiencies=array("d", (tank.efficiency for tank in network.tanks)),
        remainders=array("i", network.remainders),
        unmeasured=array("i", network.unmeasured),
    )


def _flat(rows: Iterable[tuple[int, ...]]) -> "array[int]":
    return array("i", (number for row in rows for number in row))
