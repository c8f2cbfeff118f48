"""The choice among factor rows, minute by minute, exact by fractions."""

from collections.abc import Sequence
from fractions import Fraction

from zerometer.core.factor import FactorRow

#: Rows of tests begin and end at whole ones.
GRAIN_NS = 60_000_000_000
STATUS_ORDER = ("forecast", "preliminary", "measured", "final")


def holding(rows: Sequence[FactorRow], time_ns: int) -> FactorRow | None:
    """Return the row that holds at a moment: highest status, then the newest."""
    there = [row for row in rows if row.t0_ns <= time_ns < row.t1_ns]
    for status in reversed(STATUS_ORDER):
        of_status = [row for row in there if row.status == status]
        if of_status:
            return max(
                of_status, key=lambda r: (r.published_ns, r.fetched_ns, r.revision)
            )
    return None


def mean(
    rows: Sequence[FactorRow], start_ns: int, end_ns: int
) -> tuple[Fraction, int] | None:
    """Return the mean over what is known of a time, and the highest revision."""
    moments = [holding(rows, time) for time in range(start_ns, end_ns, GRAIN_NS)]
    known = [row for row in moments if row is not None]
    if not known:
        return None
    total = sum((Fraction(row.value) for row in known), Fraction(0))
    return total / len(known), max(row.revision for row in known)
