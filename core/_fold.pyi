from array import array

def settle(sums: array[float], carries: array[float]) -> None:
    """Make compensated totals plain: add what each carries, which becomes 0.

    UsageError when the lengths differ.
    """

def weigh(rows: array[float], factors: array[float], out: array[float]) -> None:
    """Set each of *out* to a row times the factors, summed in order (Neumaier 1974).

    *rows* holds ``len(out)`` rows of ``len(factors)``; UsageError else.
    """

def unfold(
    rows: array[float], openings: array[float], origins: int, out: array[float]
) -> None:
    """Replace the last columns of rows, parts of tanks, by what these were.

    A row of *rows* has the amounts of *origins*, then the part of each tank's
    *opening*, which is a row of *origins* itself. A row of *out* has origins only.
    UsageError when the lengths do not fit.
    """
