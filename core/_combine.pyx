"""Flows out of what meters measure: sums of measures, each times a number."""

from libc.math cimport fabs
from libc.stdint cimport int32_t

from zerometer.core.errors import UsageError

cdef double ROUNDING = 2.0 ** -40   # of the terms: a sum so little below 0 is 0


def combine(
    const double[::1] measured not None,
    Py_ssize_t rows,
    const int32_t[::1] starts not None,
    const int32_t[::1] numbers not None,
    const double[::1] times not None,
    double[::1] flows not None,
    double[::1] short not None,
) -> None:
    cdef Py_ssize_t count = starts.shape[0] - 1, width = 0, i
    if rows > 0:
        width = measured.shape[0] // rows
    if not (
        count >= 0
        and rows >= 0
        and measured.shape[0] == rows * width
        and flows.shape[0] == rows * count
        and short.shape[0] == count
        and numbers.shape[0] == times.shape[0]
        and starts[0] == 0
        and starts[count] == numbers.shape[0]
    ):
        raise UsageError("combine: tables and rows - do not fit each other")
    for i in range(count):
        if starts[i] > starts[i + 1]:
            raise UsageError(f"combine: flow {i} - ends before it begins")
    for i in range(numbers.shape[0]):
        if rows and not 0 <= numbers[i] < width:
            raise UsageError(f"combine: measure - {numbers[i]} - below {width}")
    with nogil:
        for i in range(rows):
            add_row(
                measured, i * width, starts, numbers, times, flows, i * count, short
            )


cdef void add_row(
    const double[::1] measured,
    Py_ssize_t at,
    const int32_t[::1] starts,
    const int32_t[::1] numbers,
    const double[::1] times,
    double[::1] flows,
    Py_ssize_t out,
    double[::1] short,
) noexcept nogil:
    """Write a row of flows from *out* on; add to *short* what is below 0."""
    cdef Py_ssize_t i, j
    cdef double amount, size, term
    for i in range(starts.shape[0] - 1):
        amount = size = 0
        for j in range(starts[i], starts[i + 1]):
            term = measured[at + numbers[j]] * times[j]
            amount += term
            size += fabs(term)
        if amount < 0:
            if amount < -size * ROUNDING:
                short[i] += amount
            amount = 0
        flows[out + i] = amount
