"""The order in which pools can be solved: upstream first, loops together."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain

from zerometer.core.errors import UsageError
from zerometer.core.flow_tables import FlowTables

#: Pools that one loop may have: the cost of solving it grows with the cube.
LARGEST_LOOP = 128

Row = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """A flow graph with its pools renumbered, so that a block's are neighbours.

    ``pools[i]`` is the number that pool i had before. Takes stand by the block of
    their pool, gives (with their weights) by process; each ``..._starts`` tells
    where those of a block or process start and, last, where they end.
    """

    pools: "array[int]"
    block_starts: "array[int]"
    take_starts: "array[int]"
    give_starts: "array[int]"
    tables: FlowTables


def blocks(count: int, edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the strongly connected blocks of a graph, in topological order.

    The nodes are 0 to *count* - 1, an edge leads from the first to the second;
    a block comes after all blocks that lead to it. Nodes within a block ascend.
    Tarjan (1972), with a stack of its own instead of recursion.
    """
    leads_to: list[list[int]] = [[] for _ in range(count)]
    for start, end in edges:
        leads_to[start].append(end)
    visited: dict[int, int] = {}
    lowest: dict[int, int] = {}
    open_nodes: list[int] = []
    closed: set[int] = set()
    found: list[list[int]] = []
    for root in range(count):
        path = [] if root in visited else [(root, iter(leads_to[root]))]
        while path:
            node, ends = path[-1]
            if node not in visited:
                visited[node] = lowest[node] = len(visited)
                open_nodes.append(node)
            for end in ends:
                if end not in visited:
                    path.append((end, iter(leads_to[end])))
                    break
                if end not in closed:
                    lowest[node] = min(lowest[node], lowest[end])
            else:
                path.pop()
                if path:
                    parent = path[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                if lowest[node] == visited[node]:
                    cut = open_nodes.index(node)
                    found.append(sorted(open_nodes[cut:]))
                    closed.update(open_nodes[cut:])
                    del open_nodes[cut:]
    return found[::-1]


def arrange(tables: FlowTables) -> Order:
    """Order checked tables for the solver; UsageError when a loop is too large."""
    takes, gives = _rows(tables.takes, 3), _rows(tables.gives, 3)
    gives_of: list[list[Row]] = [[] for _ in tables.idle]
    weights_of: list[list[float]] = [[] for _ in tables.idle]
    for give, weight in zip(gives, tables.weights, strict=True):
        gives_of[give[0]].append(give)
        weights_of[give[0]].append(weight)
    loops = blocks(
        tables.pools,
        ((take[1], give[1]) for take in takes for give in gives_of[take[0]]),
    )
    largest = max(map(len, loops), default=0)
    if largest > LARGEST_LOOP:
        raise UsageError(
            f"flow graph: pools in one loop - {largest} - at most {LARGEST_LOOP}"
        )
    pools = [pool for block in loops for pool in block]
    now = {pool: i for i, pool in enumerate(pools)}
    block_of = {pool: i for i, block in enumerate(loops) for pool in block}
    takes_of: list[list[Row]] = [[] for _ in loops]
    for take in takes:
        takes_of[block_of[take[1]]].append(take)
    return Order(
        array("i", pools),
        _starts(loops),
        _starts(takes_of),
        _starts(gives_of),
        replace(
            tables,
            inflows=_renumbered(_rows(tables.inflows, 3), 0, now),
            outflows=_renumbered(_rows(tables.outflows, 3), 0, now),
            takes=_renumbered(chain.from_iterable(takes_of), 1, now),
            gives=_renumbered(chain.from_iterable(gives_of), 1, now),
            bonuses=_renumbered(_rows(tables.bonuses, 4), 1, now),
            weights=array("d", chain.from_iterable(weights_of)),
            tanks=_renumbered(_rows(tables.tanks, 5), 0, now),
            remainders=array("i", (tables.remainders[pool] for pool in pools)),
            unmeasured=array("i", (tables.unmeasured[pool] for pool in pools)),
        ),
    )


def _rows(table: "array[int]", width: int) -> list[Row]:
    return [tuple(table[i : i + width]) for i in range(0, len(table), width)]


def _renumbered(rows: Iterable[Row], column: int, now: dict[int, int]) -> "array[int]":
    """Join rows, with the pools in *column* as they are numbered now."""
    return array(
        "i",
        (
            now[value] if i == column else value
            for row in rows
            for i, value in enumerate(row)
        ),
    )


def _starts(groups: Iterable[Sequence[object]]) -> "array[int]":
    return array("i", accumulate(map(len, groups), initial=0))
