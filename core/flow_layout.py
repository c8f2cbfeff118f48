"""Where a solver's numbers stand: its totals, and its state, by name.

See `FlowGraph.width` and `FlowGraph.state`. The origins of a solver are those of the
network, then one per storage: what that held when the quarter hour began.
"""

from array import array
from collections.abc import Sequence

from zerometer.core._flow import FlowGraph
from zerometer.core._fold import settle
from zerometer.core.network import Network


class Layout:
    """The columns of the solvers of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.places, self.tanks = len(network.places), len(network.tanks)
        self.pools, self.flows = len(network.pools), len(network.flows)
        self.own_origins = len(network.origins)
        self.origins = self.own_origins + self.tanks
        self.discharged = self.places * self.origins
        self.entered = self.discharged + self.tanks * self.origins
        self.quantity = self.entered + self.origins
        self.throughput = self.quantity + self.places
        self.short = self.throughput + self.pools
        self.closed = self.short + self.pools
        self.carried = self.closed + self.pools
        self.flow = self.carried + self.pools * self.origins

    def solve(
        self,
        graph: FlowGraph,
        energies: "array[float]",
        durations_ns: "array[int]",
        amounts: "array[float]",
    ) -> None:
        """Add a block of steps to *amounts*."""
        carries = array("d", bytes(8 * len(amounts)))
        shares = array("d", bytes(8 * self.pools * self.origins))
        conditions = bytearray(self.pools)
        graph.solve(energies, durations_ns, amounts, carries, shares, conditions)
        settle(amounts, carries)

    def common(self, amounts: "array[float]") -> dict[str, "array[float]"]:
        """Return what is the same in all variants."""
        return {
            "flows": amounts[self.flow :],
            "quantity": amounts[self.quantity : self.throughput],
            "throughput": amounts[self.throughput : self.short],
            "entered": amounts[self.entered : self.entered + self.own_origins],
            "short": amounts[self.short : self.closed],
            "closed": amounts[self.closed : self.carried],
        }

    def received(self, amounts: "array[float]") -> "array[float]":
        """Return amounts by place and origin; what storages gave counts against."""
        rows, width = amounts[: self.discharged], self.origins
        for i, tank in enumerate(self.network.tanks):
            given = self.discharged + i * width
            for k in range(width):
                rows[tank.place * width + k] -= amounts[given + k]
        return rows

    def throughflow(self, amounts: "array[float]") -> "array[float]":
        """Return what the throughput of each pool carried."""
        return amounts[self.carried : self.flow]


class SolverState:
    """What a solver remembers, in ``numbers``."""

    def __init__(self, layout: Layout, numbers: "array[float]") -> None:
        self.numbers = numbers
        self._layout = layout
        self._size = 1 + layout.origins

    def energies(self) -> "array[float]":
        """Return what each storage has to give."""
        return self.numbers[: self._layout.tanks * self._size : self._size]

    def contents(self) -> "array[float]":
        """Return by storage and origin what it holds."""
        rows = array("d")
        for i in range(self._layout.tanks):
            rows += self.numbers[i * self._size + 1 : (i + 1) * self._size]
        return rows

    def waiting(self) -> "array[float]":
        """Return by flow what dead bands hold back."""
        return self.numbers[self._layout.tanks * self._size :]

    def wait(self, amounts: Sequence[float]) -> None:
        """Set what dead bands hold back."""
        self.numbers[self._layout.tanks * self._size :] = array("d", amounts)

    def relabel(self) -> None:
        """Let what each storage holds be the one thing that it held at first."""
        for i, energy in enumerate(self.energies()):
            row = array("d", bytes(8 * self._size))
            row[0], row[1 + self._layout.own_origins + i] = energy, 1.0
            self.numbers[i * self._size : (i + 1) * self._size] = row

    def charge(self, energies: Sequence[float]) -> None:
        """Set what each storage has to give, and relabel what it holds."""
        for i, energy in enumerate(energies):
            self.numbers[i * self._size] = energy
        self.relabel()

    def anchor(
        self, i: int, energy: float, amounts: "array[float]", *, known: bool
    ) -> float:
        """Set what a storage has to give; book in *amounts* what goes with that.

        Returns by how much it has more. What it has less takes its part of the
        content to the place of losses, if there is one; what it has more is of
        unknown origin unless the storage is *known*.
        """
        layout, tank = self._layout, self._layout.network.tanks[i]
        start, width = i * self._size, layout.origins
        change = energy - self.numbers[start]
        if change < 0 and tank.loss is not None:
            part = -change / self.numbers[start]
            for k in range(width):
                moved = self.numbers[start + 1 + k] * part
                self.numbers[start + 1 + k] -= moved
                amounts[tank.loss * width + k] += moved
                amounts[layout.discharged + i * width + k] += moved
            amounts[layout.quantity + tank.loss] -= change
        if change > 0 and not known:
            self.numbers[start + 1 + tank.unknown] += change
            amounts[tank.place * width + tank.unknown] += change
            amounts[layout.entered + tank.unknown] += change
        self.numbers[start] = energy
        return change
