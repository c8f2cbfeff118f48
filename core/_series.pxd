# For other kernels only: nothing here is visible to Python.
# Samples of one point in the order of their times, dropped at one end.

from libc.math cimport NAN
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove

from zerometer.core._pace cimport (
    first_hold_ns, learn, Pace, stale_after_ns, unlearnt_ns,
)


cdef enum:
    INTERPOLATED = 2      # qualities, see Quality
    SUBSTITUTED = 3
    # What a sample is, beside good.
    SAMPLE_BREAK = 1      # nothing is known of what lies before it
    SAMPLE_GUESSED = 2    # interpolated or substituted: no meter said so
    SAMPLE_LATE = 4       # of a counter: the value before it was stale by then


cdef struct Sample:
    int64_t time_ns
    double value        # a power; of a counter, what it gained since the one before
    double step         # of a counter: the smallest gain it could show
    int64_t stale_ns    # of a power: how long it holds
    uint8_t kind


cdef struct Series:
    Sample* samples     # from *start* on, up to *end*
    Py_ssize_t start
    Py_ssize_t end
    Py_ssize_t room     # how many there is memory for
    Py_ssize_t spent    # how many are to be dropped
    int64_t last_ns     # time of the last one ever; -1: none
    double mean         # of a counter: gain per ns between its last two; or NaN
    double lowest       # value ever
    double highest
    int64_t stale_ns    # how old its last value may be
    uint8_t learns      # 1: this follows from how often values come
    Pace pace


cdef inline bint append(
    Series* series, int64_t time_ns, double value, double step, uint8_t kind
) noexcept nogil:
    """Add a sample, none earlier than the last; say whether there was memory."""
    cdef Sample* grown
    cdef Sample* sample
    if series.end == series.room:
        grown = <Sample*>realloc(
            series.samples, <size_t>(2 * series.room + 8) * sizeof(Sample)
        )
        if grown == NULL:
            return False
        series.samples = grown
        series.room = 2 * series.room + 8
    sample = &series.samples[series.end]
    series.end += 1
    series.last_ns = max(series.last_ns, time_ns)
    sample.time_ns = series.last_ns
    sample.value = value
    sample.step = step
    sample.stale_ns = series.stale_ns
    sample.kind = kind
    series.lowest = min(series.lowest, value)
    series.highest = max(series.highest, value)
    return True


cdef inline void drop(Series* series, Py_ssize_t count) noexcept nogil:
    """Forget the first *count* samples."""
    series.start += count
    if 2 * series.start > series.end:
        series.end -= series.start
        memmove(
            series.samples,
            series.samples + series.start,
            <size_t>series.end * sizeof(Sample),
        )
        series.start = 0


cdef inline void clear(Series* series) noexcept nogil:
    """Give the memory back."""
    free(series.samples)
    series.samples = NULL


cdef inline uint8_t kind_of(uint8_t quality) noexcept nogil:
    return SAMPLE_GUESSED if INTERPOLATED <= quality <= SUBSTITUTED else 0


cdef inline bint add_break(
    Series* series, int64_t time_ns, double step
) noexcept nogil:
    """Say that nothing is known of the counter before *time_ns*."""
    series.mean = NAN
    return append(series, time_ns, 0, step, SAMPLE_BREAK)


cdef inline bint add_knot(
    Series* series, int64_t time_ns, double gain, double step, uint8_t kind
) noexcept nogil:
    """Add what the counter gained since its last value."""
    if series.last_ns >= 0 and time_ns - series.last_ns > series.stale_ns:
        kind |= SAMPLE_LATE
    if series.last_ns >= 0 and time_ns > series.last_ns:
        series.mean = gain / <double>(time_ns - series.last_ns)
    return append(series, time_ns, gain, step, kind)


cdef inline void follow(Series* series, int64_t time_ns) noexcept nogil:
    """Learn from when a value was read how long values of the point count."""
    if series.learns:
        learn(&series.pace, time_ns)
        series.stale_ns = stale_after_ns(&series.pace)


cdef inline int64_t stale_at(const Series* series) noexcept nogil:
    """Return until when the last value tells of the present."""
    if series.stale_ns == unlearnt_ns():
        return series.last_ns + first_hold_ns()
    return series.last_ns + series.stale_ns


cdef inline bint held_open(const Series* series) noexcept nogil:
    """Say whether there is a power, and only the next will say how long it holds."""
    return series.last_ns >= 0 and series.stale_ns == unlearnt_ns()


cdef inline int64_t heard_ns(
    const Series* series, int64_t now_ns, int64_t resumed_ns, int64_t wait_ns
) noexcept nogil:
    """Return up to when a point has told; *now_ns* if it is not waited for.

    What never told anything is not waited for: its first value brings no energy.
    """
    if series.last_ns < 0:
        return now_ns
    if wait_ns < 0:
        return series.last_ns
    if now_ns - max(series.last_ns, resumed_ns) > min(series.stale_ns, wait_ns):
        return now_ns
    return series.last_ns
