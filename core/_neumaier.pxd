"""Compensated summation, for kernels that add up what must not drift."""

from libc.math cimport fabs


cdef inline void add(double* total, double* carry, double value) noexcept nogil:
    """Neumaier (1974): the carry takes what rounding loses."""
    cdef double before = total[0], after = before + value
    if fabs(before) >= fabs(value):
        carry[0] += (before - after) + value
    else:
        carry[0] += (value - after) + before
    total[0] = after
