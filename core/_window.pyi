from array import array

def apportion(
    parts: array[float], total: int, residuals: array[float], out: array[int]
) -> None:
    """Divide *total* ledger units over *parts*, to the last unit.

    Each part, with the residual it carries from before, gets its whole units;
    what is then left of *total* goes to the largest remainders, ties to the
    lower index. ``sum(out) == total`` always ('q' array); ``residuals`` becomes
    what each part still has to get (or has had too much), to be passed on the
    next time. Parts may be negative.

    Raises UsageError, and changes nothing, when lengths differ, when the total,
    or parts and residuals in sum, reach 2**62 or are not numbers, or when the
    parts do not sum to the total within one unit per part.
    """

def ledger_total(value: float, residual: float) -> tuple[int, float]:
    """Round ``value + residual`` to whole ledger units, halves upwards.

    Returns the units and the new residual, in [-0.5, 0.5). UsageError when the
    value reaches 2**62 or is not a number.
    """

def add_rows(sums: array[float], carries: array[float], rows: array[float]) -> None:
    """Add a block of rows, column by column, with Neumaier's compensation.

    *rows* holds any number of rows of ``len(sums)`` columns; the total of column
    i is ``sums[i] + carries[i]``. UsageError when the lengths do not fit.
    """
