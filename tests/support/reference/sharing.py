"""Proportional sharing of one step in fractions: an elimination, and nothing else.

Pool i with throughput T_i: T_i x_ik = s_ik + sum_p alpha_pi (b_pk + sum_j a_pj x_jk),
for the shares x_ik of origin k in what leaves pool i.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

Amounts = dict[str, Fraction]


@dataclass
class Process:
    """What it takes by pool, burns by origin, gives by pool; weights per unit given.

    With ``loss``, what it takes more than it gives is lost there.
    """

    takes: Mapping[str, Fraction]
    gives: Mapping[str, Fraction]
    burns: Mapping[str, Fraction] = field(default_factory=dict)
    weights: Mapping[str, Fraction] = field(default_factory=dict)
    loss: str = ""

    def parts(self) -> dict[str, Fraction]:
        """Return the part of its burden that each output gets."""
        if self.loss:
            taken = sum(self.takes.values(), Fraction(0))
            return {pool: amount / taken for pool, amount in self.gives.items()}
        weighed = {
            p: self.weights.get(p, Fraction(1)) * q for p, q in self.gives.items()
        }
        total = sum(weighed.values(), Fraction(0))
        return {pool: amount / total for pool, amount in weighed.items()}


def shares(
    inflows: Sequence[tuple[str, str, Fraction]], processes: Sequence[Process]
) -> dict[str, Amounts]:
    """Return, by pool, the share of each origin; *inflows*: pool, origin, quantity."""
    given = [(p, q) for process in processes for p, q in process.gives.items()]
    pools = sorted({p for p, _, q in inflows if q} | {p for p, q in given if q})
    origins = sorted(
        {o for _, o, _ in inflows} | {o for p in processes for o in p.burns}
    )
    size = len(pools)
    at = {pool: i for i, pool in enumerate(pools)}
    matrix = [[Fraction(0)] * (size + len(origins)) for _ in pools]
    for pool, origin, amount in inflows:
        if amount:
            matrix[at[pool]][at[pool]] += amount
            matrix[at[pool]][size + origins.index(origin)] += amount
    for process in processes:
        for pool, part in (
            process.parts().items() if any(process.gives.values()) else ()
        ):
            row = matrix[at[pool]]
            row[at[pool]] += process.gives[pool]
            for taken, amount in process.takes.items():
                if amount:
                    row[at[taken]] -= part * amount
            for origin, amount in process.burns.items():
                row[size + origins.index(origin)] += part * amount
    _eliminate(matrix, size)
    return {
        pool: dict(zip(origins, matrix[i][size:], strict=True))
        for pool, i in at.items()
    }


def _eliminate(matrix: list[list[Fraction]], size: int) -> None:
    for i in range(size):
        pivot = next(row for row in range(i, size) if matrix[row][i])
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        head = matrix[i][i]
        matrix[i] = [value / head for value in matrix[i]]
        for j in range(size):
            if j != i and matrix[j][i]:
                by = matrix[j][i]
                matrix[j] = [
                    a - by * b for a, b in zip(matrix[j], matrix[i], strict=True)
                ]


def carbon(
    shares_of: Mapping[str, Fraction], factors: Mapping[str, Fraction]
) -> Fraction:
    """Return kg per unit of what leaves a pool."""
    return sum(
        (share * factors[origin] for origin, share in shares_of.items()), Fraction(0)
    )
