from array import array

def combine(
    measured: array[float],
    rows: int,
    starts: array[int],
    numbers: array[int],
    times: array[float],
    flows: array[float],
    short: array[float],
) -> None:
    """Write flows as sums of measures, row by row.

    Flow i is the sum of the terms ``starts[i]`` to ``starts[i + 1]`` ('i' array, one
    more than flows): ``measured[numbers[j]] * times[j]`` of its row. A flow cannot be
    negative: it is 0 then, and what it lacks (negative, more than rounding) is
    added to ``short[i]``. Raises UsageError, before anything is written.
    """
