"""The carbon-flow model in plain Python: one linear system per tick, in fractions.

Written from the equations, ``(diag(T) - A) X = s``, and solved by Gaussian
elimination: no order of pools, no blocks, no compensation.
"""

from dataclasses import dataclass
from fractions import Fraction

from zerometer.core.flow_tables import FlowTables

ZERO = Fraction(0)
Matrix = list[list[Fraction]]


def rows(table: "list[int]", width: int) -> list[tuple[int, ...]]:
    """Cut a table into rows."""
    return [tuple(table[i : i + width]) for i in range(0, len(table), width)]


def zeros(height: int, width: int) -> Matrix:
    """Return a matrix of zeros."""
    return [[ZERO] * width for _ in range(height)]


@dataclass
class Tick:
    """What came out of one tick."""

    amounts: Matrix
    discharged: Matrix
    entered: list[Fraction]
    quantities: list[Fraction]
    throughput: list[Fraction]
    carried: Matrix
    flows: list[Fraction]
    shares: Matrix
    short: list[bool]
    closed: list[bool]


class Flow:
    """A flow graph with the state of its tanks."""

    TINY = Fraction(2.0**-44)

    def __init__(self, tables: FlowTables) -> None:
        self.t = tables
        self.energy = [ZERO for _ in tables.efficiencies]
        self.contents = zeros(len(tables.efficiencies), tables.origins)
        self.below = [0.0 for _ in tables.dead_bands]

    def tick(self, quantities: list[float], hours: float = 1.0) -> Tick:
        """Solve one tick."""
        t = self.t
        q = []
        for i, (x, band) in enumerate(zip(quantities, t.dead_bands, strict=True)):
            whole = self.below[i] + x
            waits = whole < max(band * hours, 1e-18)
            self.below[i] = whole if waits else 0.0
            q.append(ZERO if waits else Fraction(whole))
        out = Tick(
            zeros(t.places, t.origins),
            zeros(len(self.energy), t.origins),
            [ZERO] * t.origins,
            [ZERO] * t.places,
            [ZERO] * t.pools,
            zeros(t.pools, t.origins),
            list(q),
            zeros(t.pools, t.origins),
            [False] * t.pools,
            [False] * t.pools,
        )
        source = zeros(t.pools, t.origins)
        into, leaving = [ZERO] * t.pools, [ZERO] * t.pools

        def enter(pool: int, origin: int, quantity: Fraction) -> None:
            into[pool] += quantity
            source[pool][origin] += quantity
            out.entered[origin] += quantity

        for pool, origin, flow in rows(t.inflows, 3):
            enter(pool, origin, q[flow])
        tanks = rows(t.tanks, 5)
        for i, (pool, _, charge, discharge, unknown) in enumerate(tanks):
            leaving[pool] += q[charge]
            known = min(q[discharge], self.energy[i])
            enter(pool, unknown, q[discharge] - known)
            if known:
                into[pool] += known
                part = known / self.energy[i]
                for k in range(t.origins):
                    given = self.contents[i][k] * part
                    out.discharged[i][k] = given
                    source[pool][k] += given
                    self.contents[i][k] -= given
                self.energy[i] -= known

        takes, gives = rows(t.takes, 3), rows(t.gives, 3)
        alpha: list[Fraction] = []
        weighted = [
            Fraction(w) * q[give[2]] for give, w in zip(gives, t.weights, strict=True)
        ]
        total = [ZERO] * len(t.idle)
        given, taken = [ZERO] * len(t.idle), [ZERO] * len(t.idle)
        for process, _, flow in takes:
            taken[process] += q[flow]
        for (process, _, flow), value in zip(gives, weighted, strict=True):
            total[process] += value
            given[process] += q[flow]
        passed = [Fraction(1)] * len(t.idle)
        for process, place in enumerate(t.losses):
            off = abs(taken[process] - given[process])
            if place >= 0 and given[process] and off > self.TINY * given[process]:
                passed[process] = min(taken[process] / given[process], Fraction(1))
        for process, pool, flow in gives:
            real = q[flow] * passed[process]
            into[pool] += real
            out.flows[flow] -= q[flow] - real
            if q[flow] > real:
                enter(pool, t.unmeasured[pool], q[flow] - real)
                out.short[pool] = True
        for process, place in enumerate(t.losses):
            off = taken[process] - given[process]
            lossy = place >= 0 and off > self.TINY * given[process]
            passed[process] = Fraction(1)
            if lossy and taken[process] > given[process]:
                passed[process] = given[process] / taken[process]
        for (process, _, _), value in zip(gives, weighted, strict=True):
            alpha.append(value / total[process] if total[process] else ZERO)
        for process, origin, flow in rows(t.burns, 3):
            out.entered[origin] += q[flow]
            if not total[process]:
                out.amounts[t.idle[process]][origin] += q[flow]
            for (giver, pool, _), share in zip(gives, alpha, strict=True):
                if giver == process:
                    source[pool][origin] += share * q[flow]

        for process, power, flow, origin in rows(t.bonuses, 4):
            source[power][origin] += q[flow]
            if not total[process]:
                out.amounts[t.idle[process]][origin] -= q[flow]
            for (giver, pool, _), share in zip(gives, alpha, strict=True):
                if giver == process:
                    source[pool][origin] -= share * q[flow]

        links = zeros(t.pools, t.pools)
        exits = [ZERO] * t.pools
        for process, pool, flow in takes:
            leaving[pool] += q[flow]
            if not total[process]:
                exits[pool] += q[flow]
                continue
            exits[pool] += q[flow] * (1 - passed[process])
            for (giver, target, _), share in zip(gives, alpha, strict=True):
                if giver == process:
                    links[target][pool] += share * q[flow] * passed[process]
        for pool, _, flow in rows(t.outflows, 3):
            leaving[pool] += q[flow]
            exits[pool] += q[flow]
        for pool, _, charge, *_ in tanks:
            exits[pool] += q[charge]
        remainder, through = [ZERO] * t.pools, [ZERO] * t.pools
        for i in range(t.pools):
            rest = into[i] - leaving[i]
            if abs(rest) <= self.TINY * leaving[i]:
                rest = ZERO
            if rest < 0:
                out.short[i] = True
                enter(i, t.unmeasured[i], -rest)
            remainder[i] = max(rest, ZERO)
            exits[i] += remainder[i]
            through[i] = leaving[i] + remainder[i]

        reach = [reachable(links, i) for i in range(t.pools)]
        ending = {
            i
            for i in range(t.pools)
            if not any(exits[j] for j in reach[i])
            and all(i in reach[j] for j in reach[i])
        }
        flowing = [i for i in range(t.pools) if i not in ending]
        system = [
            [(through[i] if i == j else ZERO) - links[i][j] for j in flowing]
            + source[i]
            for i in flowing
        ]
        for i, solved in zip(flowing, gauss(system), strict=True):
            out.shares[i] = solved
        for i in ending:
            out.closed[i] = through[i] > 0
            for k in range(t.origins):
                out.amounts[t.remainders[max(reach[i])]][k] += source[i][k] + sum(
                    links[i][j] * out.shares[j][k] for j in flowing
                )

        for i in flowing:
            out.throughput[i] = through[i]
            out.carried[i] = [through[i] * x for x in out.shares[i]]

        def book(place: int, pool: int, quantity: Fraction) -> None:
            for k in range(t.origins):
                out.amounts[place][k] += quantity * out.shares[pool][k]

        for pool, place, flow in rows(t.outflows, 3):
            out.quantities[place] += q[flow]
            book(place, pool, q[flow])
        for pool in range(t.pools):
            out.quantities[t.remainders[pool]] += remainder[pool]
            book(t.remainders[pool], pool, remainder[pool])
        for process, pool, flow in takes:
            if not total[process]:
                book(t.idle[process], pool, q[flow] * passed[process])
            if passed[process] < 1:
                lost = q[flow] * (1 - passed[process])
                out.quantities[t.losses[process]] += lost
                book(t.losses[process], pool, lost)
        for i, (pool, place, charge, *_) in enumerate(tanks):
            out.quantities[place] += q[charge]
            book(place, pool, q[charge])
            self._charge(i, q[charge], out.shares[pool])
        return out

    def _charge(self, i: int, quantity: Fraction, share: list[Fraction]) -> None:
        """Fill a tank; rounded, or the fractions would grow tick by tick."""
        energy = self.energy[i] + quantity * Fraction(self.t.efficiencies[i])
        self.energy[i] = Fraction(float(energy))
        self.contents[i] = [
            Fraction(float(content + quantity * part))
            for content, part in zip(self.contents[i], share, strict=True)
        ]


def reachable(links: Matrix, start: int) -> set[int]:
    """Return where something can get to from *start*, itself among them."""
    seen, fresh = {start}, [start]
    for j in fresh:
        found = {i for i, row in enumerate(links) if row[j]} - seen
        seen |= found
        fresh.extend(found)
    return seen


def gauss(system: Matrix) -> Matrix:
    """Solve a system, right sides appended to its rows; return the solutions."""
    n = len(system)
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(system[i][k]))
        system[k], system[pivot] = system[pivot], system[k]
        system[k] = [value / system[k][k] for value in system[k]]
        for i in range(n):
            if i != k and system[i][k]:
                factor = system[i][k]
                system[i] = [
                    a - factor * b for a, b in zip(system[i], system[k], strict=True)
                ]
    return [row[n:] for row in system]
