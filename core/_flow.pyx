"""Carbon flow through pools, processes and storages, tick by tick."""

cimport cython
from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t, uint8_t
from zerometer.core cimport _loop, _window
from zerometer.core._flow_store cimport FlowStore

from zerometer.core.errors import UsageError

cdef enum:
    BIT_NO_FLOW = 1
    BIT_SHORT = 2
    BIT_CLOSED = 4

cdef double FLOOR = 1e-18              # less is no flow: keeps quotients in range
cdef double CEILING = 1e18             # more is no quantity: keeps sums in range
cdef double ROUNDING = 2.0 ** -44      # a remainder this small, relative, is none
cdef double NS_PER_HOUR = 3.6e12

NO_FLOW = BIT_NO_FLOW
SHORT = BIT_SHORT
CLOSED = BIT_CLOSED


@cython.final
@cython.initializedcheck(False)
cdef class FlowGraph(FlowStore):
    def solve(
        self,
        const double[::1] flows not None,
        const int64_t[::1] durations_ns not None,
        double[::1] sums not None,
        double[::1] carries not None,
        double[::1] shares not None,
        uint8_t[::1] conditions not None,
    ) -> int:
        cdef Py_ssize_t i, t, ticks = durations_ns.shape[0]
        cdef uint8_t met = 0
        for name, found, wanted in (
            ("flows", flows.shape[0], ticks * self.flows),
            ("sums", sums.shape[0], self.width),
            ("carries", carries.shape[0], self.width),
            ("shares", shares.shape[0], self.pools * self.origins),
            ("conditions", conditions.shape[0], self.pools),
        ):
            if found != wanted:
                raise UsageError(f"flow graph: {name} - length {found} - {wanted}")
        for i in range(flows.shape[0]):
            if not 0 <= flows[i] <= CEILING:
                raise UsageError(
                    f"flow graph: tick {i // self.flows}, flow {i % self.flows} - "
                    f"{flows[i]} - 0 to {CEILING:g}"
                )
        if ticks and self.width:
            self.sums, self.carries = &sums[0], &carries[0]
        with nogil:
            for t in range(ticks):
                self._take_in(flows, t * self.flows, durations_ns[t] / NS_PER_HOUR)
                met |= self._tick()
            self._show(shares, conditions)
        return met

    cdef void _take_in(
        self, const double[::1] flows, Py_ssize_t start, double hours
    ) noexcept nogil:
        """Set the quantities of a tick; what is below a dead band waits."""
        cdef Py_ssize_t i
        cdef double q
        for i in range(self.flows):
            q = self.below[i] + flows[start + i]
            if q < self.bands[i] * hours or q < FLOOR:
                self.below[i], self.q[i] = q, 0
            else:
                self.below[i], self.q[i] = 0, q

    cdef void _show(self, double[::1] shares, uint8_t[::1] conditions) noexcept nogil:
        """Copy the make-ups and conditions of the last tick to the caller."""
        cdef Py_ssize_t i, k, outside
        for i in range(self.pools):
            outside = self.numbers[i]
            conditions[outside] = self.condition[i]
            for k in range(self.origins):
                shares[outside * self.origins + k] = self.share[i * self.origins + k]

    cdef uint8_t _tick(self) noexcept nogil:
        """Solve the tick whose quantities stand in q; return its conditions."""
        cdef Py_ssize_t b
        self._clear()
        self._divide_outputs()
        self._compare()
        self._fill()
        self._discharge()
        self._balance()
        for b in range(self.blocks):
            self._solve_block(b)
        return self._book()

    cdef void _clear(self) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(self.pools):
            self.into[i] = self.rest[i] = self.exits[i] = 0
            self.condition[i] = 0
        for i in range(self.pools * self.origins):
            self.burden[i] = 0

    cdef void _divide_outputs(self) noexcept nogil:
        """Set alpha: which part of a process's burden each of its outputs gets."""
        cdef Py_ssize_t p, g
        cdef double total
        for p in range(self.processes):
            total = 0
            for g in range(self.give_starts[p], self.give_starts[p + 1]):
                self.alpha[g] = self.weights[g] * self.q[self.gives[3 * g + 2]]
                total += self.alpha[g]
            self.is_idle[p] = total == 0
            for g in range(self.give_starts[p], self.give_starts[p + 1]):
                if total > 0:
                    self.alpha[g] /= total

    cdef void _compare(self) noexcept nogil:
        """Set what processes lose that give what they take, or give too much."""
        cdef Py_ssize_t p, g, t
        cdef double given, q
        for p in range(self.processes):
            self.lost[p] = 0
        for t in range(self.takes.shape[0] // 3):
            self.lost[self.takes[3 * t]] += self.q[self.takes[3 * t + 2]]
        for p in range(self.processes):
            given = 0
            for g in range(self.give_starts[p], self.give_starts[p + 1]):
                self.excess[g] = 0
                given += self.q[self.gives[3 * g + 2]]
            q = self.lost[p] - given
            if self.losses[p] < 0 or fabs(q) <= ROUNDING * given:
                self.lost[p] = 0
            elif q > 0:
                self.lost[p] = q / self.lost[p]
            else:
                self.lost[p] = 0
                for g in range(self.give_starts[p], self.give_starts[p + 1]):
                    self.excess[g] = self.q[self.gives[3 * g + 2]] * (-q / given)

    cdef void _fill(self) noexcept nogil:
        """Take in what enters from outside, and what is given and leaves."""
        cdef Py_ssize_t i, g, p
        cdef double q
        for i in range(self.flows):
            self._count_flow(i, self.q[i])
        for i in range(self.inflows.shape[0] // 3):
            q = self.q[self.inflows[3 * i + 2]]
            self._enter(self.inflows[3 * i], self.inflows[3 * i + 1], q)
        for g in range(self.gives.shape[0] // 3):
            self.into[self.gives[3 * g + 1]] += (
                self.q[self.gives[3 * g + 2]] - self.excess[g]
            )
            if self.excess[g] > 0:
                self._count_flow(self.gives[3 * g + 2], -self.excess[g])
                self._fall_short(self.gives[3 * g + 1], self.excess[g])
        for i in range(self.burns.shape[0] // 3):
            p = self.burns[3 * i]
            q = self.q[self.burns[3 * i + 2]]
            self._count_entered(self.burns[3 * i + 1], q)
            if self.is_idle[p]:
                self._book_amount(self.idle[p], self.burns[3 * i + 1], q)
            for g in range(self.give_starts[p], self.give_starts[p + 1]):
                self.burden[
                    self.gives[3 * g + 1] * self.origins + self.burns[3 * i + 1]
                ] += self.alpha[g] * q
        self._hand_over_bonuses()
        for i in range(self.outflows.shape[0] // 3):
            self.rest[self.outflows[3 * i]] += self.q[self.outflows[3 * i + 2]]
        for i in range(self.takes.shape[0] // 3):
            self.rest[self.takes[3 * i + 1]] += self.q[self.takes[3 * i + 2]]
        for i in range(self.tanks):
            self.rest[self.stores[5 * i]] += self.q[self.stores[5 * i + 2]]

    cdef void _hand_over_bonuses(self) noexcept nogil:
        """Let an output with a burden of its own take it off the other ones."""
        cdef Py_ssize_t i, g, p, origin
        cdef double q
        for i in range(self.bonuses.shape[0] // 4):
            p, origin = self.bonuses[4 * i], self.bonuses[4 * i + 3]
            q = self.q[self.bonuses[4 * i + 2]]
            self.burden[self.bonuses[4 * i + 1] * self.origins + origin] += q
            if self.is_idle[p]:
                self._book_amount(self.idle[p], origin, -q)
            for g in range(self.give_starts[p], self.give_starts[p + 1]):
                self.burden[self.gives[3 * g + 1] * self.origins + origin] -= (
                    self.alpha[g] * q
                )

    cdef void _discharge(self) noexcept nogil:
        """Let tanks flow into their pools, with what they held before the tick."""
        cdef Py_ssize_t i, k, pool
        cdef double wanted, known, part, out
        for i in range(self.tanks):
            pool = self.stores[5 * i]
            wanted = self.q[self.stores[5 * i + 3]]
            known = min(wanted, self.energy[i])
            if known > 0:
                part = known / self.energy[i]
                self.into[pool] += known
                self.energy[i] -= known
                for k in range(self.origins):
                    out = self.contents[i * self.origins + k] * part
                    self.contents[i * self.origins + k] -= out
                    self.burden[pool * self.origins + k] += out
                    self._add((self.places + i) * self.origins + k, out)
            self._enter(pool, self.stores[5 * i + 4], wanted - known)

    cdef void _balance(self) noexcept nogil:
        """Set remainder and exits of each pool; book shortfalls.

        The exits so far are what surely leaves a pool's block: all but the takes.
        """
        cdef Py_ssize_t i
        cdef double out, rest
        for i in range(self.pools):
            out = self.rest[i]
            rest = self.into[i] - out
            if fabs(rest) <= ROUNDING * out:
                rest = 0
            if rest < 0:
                self._fall_short(i, -rest)
                rest = 0
            self.rest[i] = self.exits[i] = rest
            if self.condition[i] & BIT_SHORT:
                self._count_pool(1, i, 1)
            self.through[i] = out + rest
            if out + rest == 0:
                self.condition[i] |= BIT_NO_FLOW
        for i in range(self.outflows.shape[0] // 3):
            self.exits[self.outflows[3 * i]] += self.q[self.outflows[3 * i + 2]]
        for i in range(self.tanks):
            self.exits[self.stores[5 * i]] += self.q[self.stores[5 * i + 2]]

    cdef void _solve_block(self, Py_ssize_t b) noexcept nogil:
        """Set the make-up of a block's pools; hand on what processes take there."""
        cdef Py_ssize_t start = self.block_starts[b]
        cdef Py_ssize_t n = self.block_starts[b + 1] - start
        cdef Py_ssize_t width = self._pack(start, n)
        cdef double* burden = &self.packed[0]
        cdef double* share = burden + n * width
        cdef double* matrix = &self.matrix[0]
        cdef double* exits = &self.exits[start]
        cdef double* pivot = &self.pivot[start]
        cdef uint8_t* kind = &self.kind[start]
        self._link(start, n, b)
        _loop.eliminate(
            matrix, exits, n, burden, width, pivot, kind, &self.stack[0]
        )
        _loop.substitute(matrix, n, burden, width, pivot, kind, share)
        self._unpack(start, n, width)
        self._book_closed(start, n)
        self._hand_on(start, n, b)

    cdef Py_ssize_t _pack(self, Py_ssize_t start, Py_ssize_t n) noexcept nogil:
        """Copy the burdens of a block, without origins that it has nothing of.

        Return how many there are; which, stands in the columns of its first pool.
        """
        cdef Py_ssize_t i, k, width = 0
        cdef int32_t* columns = &self.columns[start * self.origins]
        for k in range(self.origins):
            for i in range(start, start + n):
                if self.burden[i * self.origins + k] != 0:
                    columns[width] = <int32_t>k
                    width += 1
                    break
        for i in range(n):
            for k in range(width):
                self.packed[i * width + k] = self.burden[
                    (start + i) * self.origins + columns[k]
                ]
        return width

    cdef void _unpack(
        self, Py_ssize_t start, Py_ssize_t n, Py_ssize_t width
    ) noexcept nogil:
        """Put back burdens and make-ups of a block; the last pool is the first."""
        cdef Py_ssize_t i, k, pool, found
        cdef int32_t* columns = &self.columns[start * self.origins]
        cdef int32_t column
        cdef double value
        for i in range(n - 1, -1, -1):
            pool, found = start + i, 0
            for k in range(self.origins):
                self.share[pool * self.origins + k] = 0
            for k in range(width):
                column = columns[k]
                value = self.packed[(n + i) * width + k]
                self.burden[pool * self.origins + column] = self.packed[i * width + k]
                self.share[pool * self.origins + column] = value
                if value != 0:
                    self.columns[pool * self.origins + found] = column
                    found += 1
            self.counts[pool] = <int32_t>found

    cdef void _link(self, Py_ssize_t start, Py_ssize_t n, Py_ssize_t b) noexcept nogil:
        """Write the flows between the pools of a block, and those that leave it."""
        cdef Py_ssize_t i, t, g, p, pool, row
        cdef double q
        for i in range(n * n):
            self.matrix[i] = 0
        for t in range(self.take_starts[b], self.take_starts[b + 1]):
            p, pool = self.takes[3 * t], self.takes[3 * t + 1]
            q = self.q[self.takes[3 * t + 2]]
            if self.lost[p] > 0:
                self.exits[pool] += q * self.lost[p]
                q -= q * self.lost[p]
            if self.is_idle[p]:
                self.exits[pool] += q
                continue
            for g in range(self.give_starts[p], self.give_starts[p + 1]):
                row = self.gives[3 * g + 1] - start
                # Pools after the block: there is no way back to those before it.
                if row >= n:
                    self.exits[pool] += self.alpha[g] * q
                else:
                    self.matrix[row * n + pool - start] += self.alpha[g] * q

    cdef void _book_closed(self, Py_ssize_t start, Py_ssize_t n) noexcept nogil:
        """Mark the pools of loops without a way out; book what entered them."""
        cdef Py_ssize_t i, k
        for i in range(start, start + n):
            if self.kind[i] == _loop.POOL_OPEN or self.condition[i] & BIT_NO_FLOW:
                continue
            self.condition[i] |= BIT_CLOSED
            self._count_pool(2, i, 1)
            if self.kind[i] == _loop.POOL_LAST:
                for k in range(self.origins):
                    self._book_amount(
                        self.remainders[i], k, self.burden[i * self.origins + k]
                    )

    cdef void _hand_on(
        self, Py_ssize_t start, Py_ssize_t n, Py_ssize_t b
    ) noexcept nogil:
        """Carry what processes take from a block to the blocks behind it."""
        cdef Py_ssize_t t, g, p, k, pool, target, column
        cdef double q
        for t in range(self.take_starts[b], self.take_starts[b + 1]):
            p, pool = self.takes[3 * t], self.takes[3 * t + 1]
            q = self.q[self.takes[3 * t + 2]]
            if self.lost[p] > 0:
                self._count_quantity(self.losses[p], q * self.lost[p])
                self._book_make_up(self.losses[p], pool, q * self.lost[p])
                q -= q * self.lost[p]
            if self.is_idle[p]:
                self._book_make_up(self.idle[p], pool, q)
                continue
            for g in range(self.give_starts[p], self.give_starts[p + 1]):
                target = self.gives[3 * g + 1]
                if target < start + n:
                    continue
                for k in range(self.counts[pool]):
                    column = self.columns[pool * self.origins + k]
                    self.burden[target * self.origins + column] += (
                        self.alpha[g] * q * self.share[pool * self.origins + column]
                    )

    cdef uint8_t _book(self) noexcept nogil:
        """Book what outflows, remainders and tanks get; return the conditions."""
        cdef Py_ssize_t i, k, pool, place
        cdef double q
        cdef uint8_t met = 0
        for i in range(self.outflows.shape[0] // 3):
            pool, place = self.outflows[3 * i], self.outflows[3 * i + 1]
            q = self.q[self.outflows[3 * i + 2]]
            self._count_quantity(place, q)
            self._book_make_up(place, pool, q)
        for i in range(self.pools):
            self._count_quantity(self.remainders[i], self.rest[i])
            self._book_make_up(self.remainders[i], i, self.rest[i])
            self._count_through(i)
            met |= self.condition[i]
        for i in range(self.tanks):
            pool, place = self.stores[5 * i], self.stores[5 * i + 1]
            q = self.q[self.stores[5 * i + 2]]
            self._count_quantity(place, q)
            self._book_make_up(place, pool, q)
            self.energy[i] += q * self.efficiencies[i]
            for k in range(self.origins):
                self.contents[i * self.origins + k] += (
                    q * self.share[pool * self.origins + k]
                )
        return met

    cdef void _fall_short(self, Py_ssize_t pool, double q) noexcept nogil:
        self._enter(pool, self.unmeasured[pool], q)
        self.condition[pool] |= BIT_SHORT

    cdef void _enter(
        self, Py_ssize_t pool, Py_ssize_t origin, double q
    ) noexcept nogil:
        self.into[pool] += q
        self.burden[pool * self.origins + origin] += q
        self._count_entered(origin, q)

    cdef void _book_make_up(
        self, Py_ssize_t place, Py_ssize_t pool, double q
    ) noexcept nogil:
        cdef Py_ssize_t k, column
        if q == 0:
            return
        for k in range(self.counts[pool]):
            column = self.columns[pool * self.origins + k]
            self._book_amount(
                place, column, q * self.share[pool * self.origins + column]
            )

    cdef void _book_amount(
        self, Py_ssize_t place, Py_ssize_t origin, double amount
    ) noexcept nogil:
        self._add(place * self.origins + origin, amount)

    cdef void _count_entered(self, Py_ssize_t origin, double q) noexcept nogil:
        self._add((self.places + self.tanks) * self.origins + origin, q)

    cdef void _count_quantity(self, Py_ssize_t place, double q) noexcept nogil:
        self._add((self.places + self.tanks + 1) * self.origins + place, q)

    cdef void _count_pool(
        self, Py_ssize_t row, Py_ssize_t pool, double value
    ) noexcept nogil:
        """Add to one of the three rows by pool: throughput, ticks short, closed."""
        self._add(
            (self.places + self.tanks + 1) * self.origins + self.places
            + row * self.pools + self.numbers[pool],
            value,
        )

    cdef void _count_through(self, Py_ssize_t pool) noexcept nogil:
        """Count what leaves a pool, and what that carries; none where undefined."""
        cdef Py_ssize_t k, column, row = (
            (self.places + self.tanks + 1) * self.origins
            + self.places + 3 * self.pools + self.numbers[pool] * self.origins
        )
        if self.condition[pool] & (BIT_CLOSED | BIT_NO_FLOW):
            return
        self._count_pool(0, pool, self.through[pool])
        for k in range(self.counts[pool]):
            column = self.columns[pool * self.origins + k]
            self._add(
                row + column,
                self.through[pool] * self.share[pool * self.origins + column],
            )

    cdef void _count_flow(self, Py_ssize_t flow, double q) noexcept nogil:
        self._add(self.width - self.flows + flow, q)

    cdef void _add(self, Py_ssize_t column, double value) noexcept nogil:
        _window.add(&self.sums[column], &self.carries[column], value)
