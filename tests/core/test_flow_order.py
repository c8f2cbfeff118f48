"""Blocks of a graph: upstream first, loops together."""

from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.flow_order import blocks

edges_of = st.integers(0, 7).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(
            st.tuples(st.integers(0, max(n - 1, 0)), st.integers(0, max(n - 1, 0))),
            max_size=16 if n else 0,
        ),
    )
)


def reachable(count: int, edges: list[tuple[int, int]]) -> list[set[int]]:
    reach = [{i} for i in range(count)]
    for _ in range(count):
        for start, end in edges:
            for seen in reach:
                if start in seen:
                    seen.add(end)
    return reach


def test_a_tree_comes_in_order_and_a_loop_as_one() -> None:
    assert blocks(3, [(2, 1), (1, 0)]) == [[2], [1], [0]]
    assert blocks(4, [(0, 1), (1, 2), (2, 1), (2, 3)]) == [[0], [1, 2], [3]]
    assert blocks(0, []) == []


@given(edges_of)
def test_blocks_are_what_reaches_each_other(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    count, edges = graph
    found = blocks(count, edges)
    reach = reachable(count, edges)
    where = {node: i for i, block in enumerate(found) for node in block}
    assert sorted(where) == list(range(count))
    for a in range(count):
        for b in range(count):
            mutual = b in reach[a] and a in reach[b]
            assert (where[a] == where[b]) == mutual
    assert all(where[start] <= where[end] for start, end in edges)
