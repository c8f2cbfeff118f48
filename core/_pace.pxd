# For other kernels only: nothing here is visible to Python.
# How often values of a point come, where nobody has said so: learnt from them.

from libc.stdint cimport int64_t, uint8_t


cdef enum:
    STALE_PERIODS = 3     # a value older than so many periods says nothing more
    INTERVALS = 5         # of the last so many the middle one is the period


cdef struct Pace:
    int64_t read_ns       # time of the last value; -1: none
    int64_t intervals[INTERVALS]   # between the last values, in no order of theirs
    uint8_t known         # how many
    uint8_t next          # which one is the oldest


# Longer than any silence, and yet a time may be added to it.
cdef inline int64_t unlearnt_ns() noexcept nogil:
    return <int64_t>1 << 62


# How long a value counts without a next one, while there is no period yet.
cdef inline int64_t first_hold_ns() noexcept nogil:
    return 900_000_000_000


cdef inline void learn(Pace* pace, int64_t time_ns) noexcept nogil:
    """Follow a value; one of the same time as the last, or earlier, says nothing."""
    if pace.read_ns >= 0:
        if time_ns <= pace.read_ns:
            return
        pace.intervals[pace.next] = time_ns - pace.read_ns
        pace.next = (pace.next + 1) % INTERVALS
        pace.known = min(pace.known + 1, INTERVALS)
    pace.read_ns = time_ns


cdef inline int64_t stale_after_ns(const Pace* pace) noexcept nogil:
    """Return how old a value may be: the median of intervals, the lower of two."""
    cdef int64_t ordered[INTERVALS]
    cdef int64_t interval
    cdef int i, j
    if pace.known == 0:
        return unlearnt_ns()
    for i in range(pace.known):
        interval = pace.intervals[i]
        j = i
        while j > 0 and ordered[j - 1] > interval:
            ordered[j] = ordered[j - 1]
            j -= 1
        ordered[j] = interval
    return STALE_PERIODS * ordered[(pace.known - 1) // 2]
