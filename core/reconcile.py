"""Balances of pools: by least squares where all is measured, plain for all.

In a balanced pool what its meters count is made to agree: of all amounts that
balance, those are taken that lie nearest to the measured ones, each distance counted
in standard uncertainties. With A the balances (one row a pool, one column a measure)
and V the variances, the adjusted amounts are

    x - V A' (A V A')^-1 A x

and the distance squared, chi2 = (A x)' (A V A')^-1 A x, says whether the meters can
be right: without faults it exceeds its 99 % limit once in a hundred times. Source:
Kuehn and Davidson, Computer control II, Chemical Engineering Progress 57 (6), 1961;
VDI 2048. A standard uncertainty is half of the half width that holds 95 %.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import erfc, exp, fsum, gamma, hypot, isnan, pow, sqrt

from zerometer.core.meter_errors import MeterErrors
from zerometer.core.network import Network
from zerometer.core.site import Site
from zerometer.core.totals import Totals
from zerometer.core.uncertainty import ESTIMATED_PERCENT

#: A chi2 that is as improbable as this is a fault.
LIMIT = 0.01
#: Below this part of the largest, a pivot is the rounding of a zero.
SMALLEST_PIVOT = 1e-12

#: A balance: by measure, how much of it flows into the pool per unit.
_Row = dict[int, float]


@dataclass(frozen=True, slots=True)
class PoolBalance:
    """What flowed through a pool by its meters, in its unit.

    ``inflow`` and ``outflow`` by name of the flow, as measured; ``remainder`` is what
    flowed in and not out, ``half_width`` how far it may be off (95 %), None when
    nothing states that of a meter in it. ``adjusted`` has the flows of a balanced
    pool as they were made to agree, and ``chi2`` how far that was, with ``degrees``
    of freedom; None for other pools. ``flags``: ``balance-negative``,
    ``balance-chi2``, ``balance-unknown``.
    """

    inflow: dict[str, float]
    outflow: dict[str, float]
    remainder: float
    half_width: float | None
    adjusted: dict[str, float] | None = None
    chi2: float | None = None
    degrees: int = 0
    flags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Group:
    """Balanced pools that share measures: solved together."""

    pools: tuple[int, ...]
    rows: tuple[_Row, ...]
    measures: tuple[int, ...]


class Reconciliation:
    """Makes balanced pools balance, and says how far all pools do."""

    def __init__(self, network: Network, site: Site) -> None:
        self._network = network
        self._errors = MeterErrors(network, site.meters)
        self._around = [pool_flows(network, pool) for pool in range(len(network.pools))]
        self._rows = [self._row(pool) for pool in range(len(network.pools))]
        balanced = [i for i, pool in enumerate(network.pools) if pool.balanced]
        unknown = {i: self._errors.unknown(self._rows[i]) for i in balanced}
        #: Balanced pools that stay as they are, and the meters that state nothing.
        self.unknown = {network.pools[i].id: m for i, m in unknown.items() if m}
        self._unknown = {i for i, meters in unknown.items() if meters}
        self._groups = _groups(
            {i: self._rows[i] for i in balanced if i not in self._unknown}
        )

    def _row(self, pool: int) -> _Row:
        row: _Row = {}
        for sign, flow in self._around[pool]:
            for measure, times in self._network.flows[flow].terms:
                row[measure] = row.get(measure, 0.0) + sign * times
        return {measure: times for measure, times in row.items() if times}

    def adjust(self, measured: "array[float]") -> None:
        """Make steps balance: rows of what the network's measures counted, in place."""
        if not self._groups:
            return
        width = len(self._network.measures)
        for start in range(0, len(measured), width):
            for group in self._groups:
                amounts = [measured[start + m] for m in group.measures]
                adjusted, _, _ = self._solve(group, amounts)
                for m, amount in zip(group.measures, adjusted, strict=True):
                    measured[start + m] = amount

    def _solve(
        self, group: _Group, amounts: Sequence[float]
    ) -> tuple[list[float], float, int]:
        """Return the amounts that balance, chi2 and its degrees of freedom."""
        half = [self._errors.percents[m] or 0.0 for m in group.measures]
        standard = [a * percent / 200 for a, percent in zip(amounts, half, strict=True)]
        variances = [u * u for u in standard]
        balances = [[row.get(m, 0.0) for m in group.measures] for row in group.rows]
        return reconciled(amounts, variances, balances)

    def balances(self, totals: Totals, *, part: bool) -> dict[str, PoolBalance]:
        """Return the balance of every pool over a span, by the pool's id.

        *part* says that the span is part of a longer one: then energy that no meter
        saw in its time may belong to another part.
        """
        found = {
            pool.id: self._plain(i, totals, part=part)
            for i, pool in enumerate(self._network.pools)
        }
        for group in self._groups:
            amounts = [totals.measured[m] for m in group.measures]
            _, chi2, degrees = self._solve(group, amounts)
            guessed = part and any(self._guessed(pool, totals) for pool in group.pools)
            fault = improbable(chi2, degrees) and not guessed
            for pool in group.pools:
                plain = found[self._network.pools[pool].id]
                found[self._network.pools[pool].id] = PoolBalance(
                    plain.inflow,
                    plain.outflow,
                    plain.remainder,
                    plain.half_width,
                    self._adjusted(pool, totals),
                    chi2,
                    degrees,
                    ["balance-chi2"] if fault else [],
                )
        return found

    def _guessed(self, pool: int, totals: Totals) -> float:
        """Return how far energy that no meter saw in its time may be off."""
        return hypot(
            *(
                totals.estimated[flow] * ESTIMATED_PERCENT / 100
                for _, flow in self._around[pool]
            )
        )

    def _plain(self, pool: int, totals: Totals, *, part: bool) -> PoolBalance:
        row = self._rows[pool]
        amounts = {m: totals.measured[m] * times for m, times in row.items()}
        remainder = fsum(amounts.values())
        half_width = None
        if not self._errors.unknown(m for m, amount in amounts.items() if amount):
            guessed = self._guessed(pool, totals) if part else 0.0
            half_width = hypot(self._errors.half_width(amounts), guessed)
        inflow, outflow = (
            {
                self._network.flows[flow].name: fsum(
                    totals.measured[m] * times
                    for m, times in self._network.flows[flow].terms
                )
                for sign, flow in self._around[pool]
                if sign == side
            }
            for side in (1, -1)
        )
        flags = ["balance-unknown"] if pool in self._unknown else []
        if half_width is not None and remainder < -half_width - _rounding(amounts):
            flags.append("balance-negative")
        return PoolBalance(inflow, outflow, remainder, half_width, flags=flags)

    def _adjusted(self, pool: int, totals: Totals) -> dict[str, float]:
        return {
            self._network.flows[flow].name: totals.flows[flow]
            for _, flow in self._around[pool]
        }


def _rounding(amounts: _Row) -> float:
    """Return how far a sum of *amounts* may be off by rounding alone."""
    return 1e-9 * max(map(abs, amounts.values()), default=0.0)


def pool_flows(network: Network, pool: int) -> list[tuple[int, int]]:
    """Return the measured flows around a pool: 1 for in or -1 for out, and the flow."""
    found = [(1, inflow.flow) for inflow in network.inflows if inflow.pool == pool]
    found += [(-1, out.flow) for out in network.outflows if out.pool == pool]
    for conversion in network.conversions:
        found += [(1, give.flow) for give in conversion.gives if give.pool == pool]
        found += [(-1, flow) for taken, flow in conversion.takes if taken == pool]
    for tank in network.tanks:
        if tank.pool == pool:
            found += [(1, tank.discharge), (-1, tank.charge)]
    return found


def _groups(rows: dict[int, _Row]) -> list[_Group]:
    """Return the pools of *rows*, those that share a measure together."""
    groups: list[tuple[set[int], set[int]]] = []
    for pool, row in rows.items():
        pools, measures = {pool}, set(row)
        apart = []
        for other in groups:
            if other[1] & measures:
                pools |= other[0]
                measures |= other[1]
            else:
                apart.append(other)
        groups = [*apart, (pools, measures)]
    return [
        _Group(
            tuple(sorted(pools)),
            tuple(rows[pool] for pool in sorted(pools)),
            tuple(sorted(measures)),
        )
        for pools, measures in groups
    ]


def reconciled(
    amounts: Sequence[float],
    variances: Sequence[float],
    balances: Sequence[Sequence[float]],
) -> tuple[list[float], float, int]:
    """Return the amounts nearest to *amounts* for which all *balances* are 0.

    Beside them chi2 and its degrees of freedom: how many of the balances could be
    kept; one whose amounts all are certain cannot. NaN stays as it is.
    """
    if any(isnan(amount) for amount in amounts):
        return list(amounts), 0.0, 0
    gaps = [_dot(row, amounts) for row in balances]
    weighed = [[c * v for c, v in zip(row, variances, strict=True)] for row in balances]
    matrix = [[_dot(a, b) for b in balances] for a in weighed]
    forces, degrees = _solved(matrix, gaps)
    adjusted = [
        amount - fsum(f * row[i] for f, row in zip(forces, weighed, strict=True))
        for i, amount in enumerate(amounts)
    ]
    return adjusted, max(_dot(forces, gaps), 0.0), degrees


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return fsum(x * y for x, y in zip(a, b, strict=True))


def _solved(
    matrix: Sequence[Sequence[float]], right: Sequence[float]
) -> tuple[list[float], int]:
    """Solve a symmetric system that has no negative direction; return its rank too.

    Rows that others determine get 0.
    """
    n = len(right)
    rows = [[*matrix[i], right[i]] for i in range(n)]
    largest = [row[i] for i, row in enumerate(rows)]
    kept = []
    for i in range(n):
        if rows[i][i] <= SMALLEST_PIVOT * largest[i] or rows[i][i] <= 0:
            continue
        kept.append(i)
        for j in range(n):
            if j != i and rows[j][i]:
                part = rows[j][i] / rows[i][i]
                rows[j] = [a - part * b for a, b in zip(rows[j], rows[i], strict=True)]
    solution = [0.0] * n
    for i in kept:
        solution[i] = rows[i][n] / rows[i][i]
    return solution, len(kept)


def improbable(chi2: float, degrees: int) -> bool:
    """Whether a chi2 is beyond its 99 % limit."""
    return degrees > 0 and exceeded(chi2, degrees) < LIMIT


def exceeded(chi2: float, degrees: int) -> float:
    """Return the probability that chi2 with so many *degrees* is larger.

    The closed form for whole degrees (Abramowitz and Stegun, 26.4.4 and 26.4.5).
    """
    half, odd = chi2 / 2, degrees % 2
    tail = erfc(sqrt(half)) if odd else 0.0
    for i in range(degrees // 2):
        power = i + odd / 2
        tail += exp(-half) * pow(half, power) / gamma(power + 1)
    return tail
