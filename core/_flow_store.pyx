"""What a flow graph is made of, and what it remembers."""

from array import array
from math import isfinite

cimport cython

from zerometer.core.errors import UsageError
from zerometer.core.flow_order import arrange
from zerometer.core.flow_tables import FlowTables


@cython.initializedcheck(False)
cdef class FlowStore:
    def __init__(
        self, pools, origins, places, dead_bands, inflows, outflows, takes, gives,
        weights, burns, bonuses, idle, losses, tanks, efficiencies, remainders,
        unmeasured,
    ) -> None:
        tables = FlowTables(
            pools=pools, origins=origins, places=places, dead_bands=dead_bands,
            inflows=inflows, outflows=outflows, takes=takes, gives=gives,
            weights=weights, burns=burns, bonuses=bonuses, idle=idle, losses=losses,
            tanks=tanks, efficiencies=efficiencies, remainders=remainders,
            unmeasured=unmeasured,
        )
        tables.check()
        order = arrange(tables)
        self.pools, self.origins, self.places = (
            tables.pools, tables.origins, tables.places
        )
        self.flows, self.processes = len(tables.dead_bands), len(tables.idle)
        self.tanks, self.blocks = len(tables.efficiencies), len(order.take_starts) - 1
        self.width = (
            (self.places + self.tanks + 1 + self.pools) * self.origins
            + self.places + 3 * self.pools + self.flows
        )
        self.numbers, self.block_starts = order.pools, order.block_starts
        self.take_starts, self.give_starts = order.take_starts, order.give_starts
        self._lay_out(order.tables)
        self._allocate()

    cdef _lay_out(self, tables):
        """Take over the tables; copies, for the caller's can change once checked."""
        self.inflows, self.outflows = tables.inflows, tables.outflows
        self.takes = tables.takes
        self.gives, self.weights = tables.gives, tables.weights
        self.burns, self.bonuses = tables.burns[:], tables.bonuses
        self.idle, self.losses = tables.idle[:], tables.losses[:]
        self.stores, self.efficiencies = tables.tanks, tables.efficiencies[:]
        self.remainders, self.unmeasured = tables.remainders, tables.unmeasured
        self.bands = tables.dead_bands[:]

    cdef _allocate(self):
        cdef Py_ssize_t largest = 0, b
        for b in range(self.blocks):
            largest = max(largest, self.block_starts[b + 1] - self.block_starts[b])
        self.energy = _zeros(self.tanks)
        self.contents = _zeros(self.tanks * self.origins)
        self.below = _zeros(self.flows)
        self.q = _zeros(self.flows)
        self.alpha = _zeros(self.weights.shape[0])
        self.excess = _zeros(self.weights.shape[0])
        self.lost = _zeros(self.processes)
        self.is_idle = bytearray(self.processes)
        self.into = _zeros(self.pools)
        self.rest = _zeros(self.pools)
        self.through = _zeros(self.pools)
        self.exits = _zeros(self.pools)
        self.burden = _zeros(self.pools * self.origins)
        self.share = _zeros(self.pools * self.origins)
        self.columns = array("i", bytes(4 * self.pools * self.origins))
        self.counts = array("i", bytes(4 * self.pools))
        self.condition = bytearray(self.pools)
        self.kind = bytearray(self.pools)
        self.pivot = _zeros(self.pools)
        self.matrix = _zeros(largest * largest)
        self.packed = _zeros(2 * largest * self.origins)
        self.stack = array("i", bytes(4 * largest))

    def state(self):
        cdef Py_ssize_t i, size = 1 + self.origins
        state = _zeros(self.tanks * size + self.flows)
        cdef double[::1] out = state
        for i in range(self.tanks):
            out[i * size] = self.energy[i]
            out[i * size + 1 : (i + 1) * size] = self.contents[
                i * self.origins : (i + 1) * self.origins
            ]
        out[self.tanks * size :] = self.below
        return state

    def restore(self, const double[::1] state not None) -> None:
        cdef Py_ssize_t i, size = 1 + self.origins
        wanted = self.tanks * size + self.flows
        if state.shape[0] != wanted:
            raise UsageError(
                f"flow graph: state - length {state.shape[0]} - {wanted}"
            )
        for i in range(wanted):
            whole = i < self.tanks * size and i % size
            if not isfinite(state[i]) or (state[i] < 0 and not whole):
                raise UsageError(f"flow graph: state, {i} - {state[i]} - 0 or more")
        for i in range(self.tanks):
            self.energy[i] = state[i * size]
            self.contents[i * self.origins : (i + 1) * self.origins] = state[
                i * size + 1 : (i + 1) * size
            ]
        self.below[:] = state[self.tanks * size :]


cdef _zeros(Py_ssize_t count):
    return array("d", bytes(8 * count))
