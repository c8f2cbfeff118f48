"""Sums of a window, and their division into whole ledger units."""

from libc.math cimport fabs
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport qsort

from zerometer.core.errors import UsageError

cdef double LIMIT = 2.0 ** 62        # of any amount; int64 sums stay far from the end
cdef double ROUNDING = 2.0 ** -50    # relative: what a sum of doubles may be off

cdef enum Fault:
    FAULT_NONE
    FAULT_LIMIT
    FAULT_SUM


cdef struct Part:
    int64_t whole       # units below or at the part
    double remainder    # part - whole, in [0, 1)
    Py_ssize_t index    # where the part stands


def apportion(
    const double[::1] parts not None,
    total: int,
    double[::1] residuals not None,
    int64_t[::1] out not None,
) -> None:
    cdef Py_ssize_t count = parts.shape[0]
    cdef uint8_t[::1] memory
    cdef Part* scratch
    cdef Fault fault
    if residuals.shape[0] != count or out.shape[0] != count:
        raise UsageError(f"apportion: arrays - not all of length {count}")
    if not abs(total) < LIMIT:
        raise UsageError(f"apportion: total - {total} - below 2**62")
    memory = bytearray((count + 1) * sizeof(Part))
    scratch = <Part*>&memory[0]
    fault = split(parts, residuals, scratch)
    if fault == FAULT_NONE:
        fault = divide(scratch, count, total, residuals, out)
    if fault == FAULT_LIMIT:
        raise UsageError("apportion: parts - not numbers below 2**62 in sum")
    if fault == FAULT_SUM:
        raise UsageError(
            f"apportion: total - {total} - the sum of the parts, "
            f"{sum(parts) + sum(residuals)}"
        )


def ledger_total(double value, double residual) -> tuple[int, float]:
    cdef Part part
    if not fabs(value) + fabs(residual) < LIMIT:
        raise UsageError(f"ledger: value - {value} + {residual} - below 2**62")
    floor_sum(value, residual, &part)
    if part.remainder < 0.5:
        return part.whole, part.remainder
    return part.whole + 1, part.remainder - 1


def add_rows(
    double[::1] sums not None,
    double[::1] carries not None,
    const double[::1] rows not None,
) -> None:
    cdef Py_ssize_t width = sums.shape[0], size = rows.shape[0], i
    if carries.shape[0] != width or (size % width if width else size):
        raise UsageError(
            f"window: rows - {size} values, {carries.shape[0]} carries - "
            f"whole rows of {width}"
        )
    with nogil:
        for i in range(size):
            add(&sums[i % width], &carries[i % width], rows[i])


cdef void add(double* total, double* carry, double value) noexcept nogil:
    """Neumaier (1974): the carry takes what rounding loses."""
    cdef double before = total[0], after = before + value
    if fabs(before) >= fabs(value):
        carry[0] += (before - after) + value
    else:
        carry[0] += (value - after) + before
    total[0] = after


cdef void floor_sum(double a, double b, Part* part) noexcept nogil:
    """Split ``a + b`` into whole units and a remainder, without loss.

    Knuth's two-sum gives what the addition rounds away; it goes back into the
    remainder, so that residuals carried for years do not drift.
    """
    cdef double s = a + b
    cdef double b_part = s - a
    cdef double lost = (a - (s - b_part)) + (b - b_part)
    cdef int64_t whole = <int64_t>s      # towards zero
    cdef double remainder = (s - <double>whole) + lost
    while remainder < 0:
        whole -= 1
        remainder += 1
    while remainder >= 1:
        whole += 1
        remainder -= 1
    part.whole = whole
    part.remainder = remainder


cdef Fault split(
    const double[::1] parts, const double[::1] residuals, Part* scratch
) noexcept nogil:
    """Write every part and its residual as whole units and remainder."""
    cdef double size = 0
    cdef Py_ssize_t i
    for i in range(parts.shape[0]):
        size += fabs(parts[i]) + fabs(residuals[i])
        if not size < LIMIT:
            return FAULT_LIMIT
        floor_sum(parts[i], residuals[i], &scratch[i])
        scratch[i].index = i
    return FAULT_NONE


cdef int by_remainder(const void* a, const void* b) noexcept nogil:
    """Order for qsort: largest remainder first, then lower index."""
    cdef const Part* x = <const Part*>a
    cdef const Part* y = <const Part*>b
    if x.remainder != y.remainder:
        return -1 if x.remainder > y.remainder else 1
    return -1 if x.index < y.index else 1


cdef Fault divide(
    Part* scratch,
    Py_ssize_t count,
    int64_t total,
    double[::1] residuals,
    int64_t[::1] out,
) noexcept nogil:
    """Hand out what whole units leave of *total*; write units and residuals."""
    cdef int64_t left = total, each = 0, extra
    cdef double size = 0
    cdef Py_ssize_t i, at
    for i in range(count):
        left -= scratch[i].whole
        size += fabs(<double>scratch[i].whole)
    # Of consistent parts, 0 <= left <= count; carried residuals and the rounding
    # of the caller's total may take it a little beyond.
    if not -count - size * ROUNDING <= left <= 2 * count + size * ROUNDING:
        return FAULT_SUM
    if count:
        each = left // count - (1 if left % count < 0 else 0)
        left -= each * count
    qsort(scratch, <size_t>count, sizeof(Part), by_remainder)
    for i in range(count):
        at = scratch[i].index
        extra = each + (1 if i < left else 0)
        out[at] = scratch[i].whole + extra
        residuals[at] = scratch[i].remainder - <double>extra
    return FAULT_NONE
