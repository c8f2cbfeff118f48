from array import array

from typing_extensions import disjoint_base

@disjoint_base
class FlowStore:
    """What a flow graph is made of, and what it remembers; see `FlowGraph`."""

    def __init__(
        self,
        pools: int,
        origins: int,
        places: int,
        dead_bands: array[float],
        inflows: array[int],
        outflows: array[int],
        takes: array[int],
        gives: array[int],
        weights: array[float],
        burns: array[int],
        bonuses: array[int],
        idle: array[int],
        losses: array[int],
        tanks: array[int],
        efficiencies: array[float],
        remainders: array[int],
        unmeasured: array[int],
    ) -> None:
        """Compile a graph from tables, as FlowTables describes them; by keyword.

        The tables are copied. A quantity whose rate is below its flow's dead band,
        or that is below 1e-18, waits until there is enough of it. UsageError when
        the tables do not fit each other, or for a loop of more than 128 pools.
        """

    @property
    def width(self) -> int:
        """Columns of a row of totals.

        In this order: amounts by place and origin (``places * origins``),
        discharged by tank and origin (``tanks * origins``), entered by origin
        (tanks not among them), quantities by place, throughputs by pool, by pool
        the ticks in which it was SHORT and those in which it was CLOSED, what the
        throughput carried by pool and origin (``pools * origins``), and what
        flowed by flow: dead bands considered, without what enters as unmeasured.
        """

    def state(self) -> array[float]:
        """Return what the graph remembers.

        Of each tank: energy to be had, and the amount of each origin; then of each
        flow what its dead band has held back.
        """

    def restore(self, state: array[float]) -> None:
        """Take up a state; UsageError, and nothing changed, if it does not fit."""
