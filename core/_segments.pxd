# For other kernels only: nothing here is visible to Python.
# The time of a cut as segments of constant rates, flow after flow, and its steps.

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport realloc


cdef struct Segment:
    int64_t end_ns
    double rate              # per ns
    double guessed           # part of the rate that no meter saw
    uint8_t unseen


cdef struct Segments:
    Segment* items
    Py_ssize_t used
    Py_ssize_t room
    Py_ssize_t first         # of the flow that is being laid out


cdef inline bint add(
    Segments* all, int64_t end_ns, double rate, double guessed, uint8_t unseen
) noexcept nogil:
    """Add a segment to a flow's, or make its last longer; False: no memory."""
    cdef Segment* last
    cdef Segment* grown
    if all.used > all.first:
        last = &all.items[all.used - 1]
        if last.rate == rate and last.guessed == guessed and last.unseen == unseen:
            last.end_ns = end_ns
            return True
    if all.used == all.room:
        grown = <Segment*>realloc(
            all.items, <size_t>(2 * all.room + 64) * sizeof(Segment)
        )
        if grown == NULL:
            return False
        all.items = grown
        all.room = 2 * all.room + 64
    last = &all.items[all.used]
    last.end_ns, last.rate, last.guessed = end_ns, rate, guessed
    last.unseen = unseen
    all.used += 1
    return True


cdef inline void mark(
    const Segment* segments,
    Py_ssize_t count,
    int64_t first_ns,
    int64_t tick_ns,
    uint8_t[::1] marks,
    Py_ssize_t ticks,
) noexcept nogil:
    """Mark the edges of ticks at which, or between which, a flow's rate changes.

    Edge i is at ``first_ns + i * tick_ns``.
    """
    cdef Py_ssize_t i, at
    cdef int64_t past_ns
    for i in range(count - 1):
        if segments[i].rate == segments[i + 1].rate:
            continue
        past_ns = segments[i].end_ns - first_ns
        at = past_ns // tick_ns if past_ns >= 0 else -1
        if 0 <= at < ticks:
            marks[at] = 1
        if at * tick_ns != past_ns and at + 1 < ticks:
            marks[at + 1] = 1


cdef inline void fill(
    const Segment* segment,
    const int64_t[::1] edges,
    double* energies,
    Py_ssize_t stride,
    double* total,
    double* guessed,
    int64_t* unseen_ns,
) noexcept nogil:
    """Write what a flow brings in each step, *stride* apart; add up the rest."""
    cdef Py_ssize_t t
    cdef int64_t at = edges[0], until
    cdef double energy
    for t in range(edges.shape[0] - 1):
        energy = 0
        while at < edges[t + 1]:
            until = min(edges[t + 1], segment.end_ns)
            energy += segment.rate * <double>(until - at)
            guessed[0] += segment.guessed * <double>(until - at)
            if segment.unseen:
                unseen_ns[0] += until - at
            at = until
            if at == segment.end_ns:
                segment += 1
        energies[t * stride] = energy
        total[0] += energy
