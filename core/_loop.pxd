from libc.stdint cimport int32_t, uint8_t

cdef enum:
    POOL_OPEN = 0      # has a way out
    POOL_LAST = 1      # last of a loop without a way out: all its burden ends here
    POOL_CLOSED = 2    # another one of such a loop

cdef void eliminate(
    double* flows,
    double* exits,
    Py_ssize_t n,
    double* burdens,
    Py_ssize_t width,
    double* pivots,
    uint8_t* kinds,
    int32_t* stack,
) noexcept nogil

cdef void substitute(
    const double* flows,
    Py_ssize_t n,
    double* burdens,
    Py_ssize_t width,
    const double* pivots,
    const uint8_t* kinds,
    double* shares,
) noexcept nogil
