"""Flow graphs and quantities as hypothesis draws them."""

from dataclasses import dataclass

from harness.flow_graphs import tables_of
from hypothesis import strategies as st

from zerometer.core.flow_tables import FlowTables

#: Few values, which often balance; meter-like decimals; a wide range.
QUANTITIES = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 10.0]),
    st.integers(0, 500).map(lambda n: n / 10),
    st.floats(1e-3, 1e4),
)


ONE_OF_FOUR = st.sampled_from([True, False, False, False])


@dataclass
class Case:
    """A graph and what flows in it, tick by tick."""

    tables: FlowTables
    ticks: list[list[float]]


@st.composite
def cases(
    draw: st.DrawFn, *, tanks: bool = True, bonus: bool = True, most_pools: int = 5
) -> Case:
    """Draw any graph, often with a ring; each flow is used once, as meters are."""
    pools = draw(st.integers(1, most_pools))
    flows = 0

    def flow() -> int:
        nonlocal flows
        flows += 1
        return flows - 1

    def pool() -> int:
        return draw(st.integers(0, pools - 1))

    def times(most: int) -> range:
        return range(draw(st.integers(0, most)))

    inflows = [(pool(), i, flow()) for i in times(3)]
    ring = range(pools if draw(st.booleans()) else 0)
    processes = range(len(ring) + draw(st.integers(0, 4)))
    takes = [(p, p, flow()) for p in ring]
    takes += [(p, pool(), flow()) for p in processes for _ in times(2)]
    gives = [(p, (p + 1) % pools, flow()) for p in ring]
    gives += [(p, pool(), flow()) for p in processes for _ in times(2)]
    burns = [
        (p, len(inflows) + i, flow())
        for i, p in enumerate([p for p in processes for _ in times(1)])
    ]
    outflows = [(pool(), pools + i, flow()) for i in times(3)]
    stores = [pool() for _ in times(2)] if tanks else []
    bonuses = [
        (p, to, q, len(inflows) + len(burns) + i)
        for i, (p, to, q) in enumerate(g for g in gives if bonus and draw(ONE_OF_FOUR))
    ]
    lossy = [p for p in processes if draw(st.booleans())]
    places = pools + len(outflows)
    origins = len(inflows) + len(burns) + len(bonuses)
    losses = places + len(processes) + len(stores)
    tables = tables_of(
        remainders=list(range(pools)),
        unmeasured=[origins + i for i in range(pools)],
        origins=origins + pools + len(stores),
        places=losses + len(lossy),
        inflows=inflows,
        outflows=outflows,
        takes=takes,
        gives=gives,
        weights=[draw(st.sampled_from([0.0, 0.5, 1.0, 3.6])) for _ in gives],
        burns=burns,
        bonuses=bonuses,
        idle=[places + p for p in processes],
        losses=[losses + lossy.index(p) if p in lossy else -1 for p in processes],
        tanks=[
            (p, places + len(processes) + i, flow(), flow(), origins + pools + i)
            for i, p in enumerate(stores)
        ],
        efficiencies=[draw(st.sampled_from([0.0, 0.81, 1.0])) for _ in stores],
        flows=flows,
        dead_band=draw(st.sampled_from([0.0, 0.15])),
    )
    row = st.lists(QUANTITIES, min_size=flows, max_size=flows)
    return Case(tables, draw(st.lists(row, min_size=1, max_size=4)))
