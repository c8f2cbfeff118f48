"""Ledger rounding and sums in plain Python, exact by fractions."""

from fractions import Fraction
from math import floor


def apportion(
    parts: list[float], total: int, residuals: list[float]
) -> tuple[list[int], list[float]]:
    """Return the units of each part, by largest remainder, and its residual."""
    wanted = [
        Fraction(part) + Fraction(residual)
        for part, residual in zip(parts, residuals, strict=True)
    ]
    units = [floor(value) for value in wanted]
    order = sorted(range(len(parts)), key=lambda i: (units[i] - wanted[i], i))
    left = total - sum(units)
    for rank, i in enumerate(order):
        units[i] += left // len(parts) + (rank < left % len(parts))
    return units, [float(value - n) for value, n in zip(wanted, units, strict=True)]


def ledger_total(value: float, residual: float) -> tuple[int, float]:
    """Return whole units, halves upwards, and the residual."""
    wanted = Fraction(value) + Fraction(residual)
    units = floor(wanted + Fraction(1, 2))
    return units, float(wanted - units)


def column_sums(width: int, rows: list[float]) -> list[float]:
    """Return the sum of each column, rounded once."""
    return [float(sum(map(Fraction, rows[i::width]))) for i in range(width)]
