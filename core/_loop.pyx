"""Pools that feed each other, solved together without a subtraction.

Grassmann, Taksar and Heyman (1985): the exits of each pool are known, so the
pivot of its elimination is the sum of all that leaves it. Every number is a sum,
product or quotient of numbers >= 0, so a loop that is nearly closed loses no
accuracy, and what enters is what is handed on, to rounding.

``flows[to * n + from]`` is what goes from one of the n pools to another,
``exits[i]`` what pool i sends elsewhere, *burdens* what enters each pool, a row
of *width* numbers. Flows of a pool to itself are ignored: they change nothing.
"""

from libc.stdint cimport int32_t, uint8_t


cdef void eliminate(
    double* flows,
    double* exits,
    Py_ssize_t n,
    double* burdens,
    Py_ssize_t width,
    double* pivots,
    uint8_t* kinds,
    int32_t* stack,
) noexcept nogil:
    """Remove pool after pool: what went into it goes where its outflow goes.

    On return row k of *flows* holds which part of a later pool's make-up comes
    to pool k (what flows, where k is last).
    """
    cdef Py_ssize_t i, j, k, c
    cdef double part
    for k in range(n):
        kinds[k] = POOL_OPEN
        pivots[k] = exits[k]
        for i in range(k + 1, n):
            pivots[k] += flows[i * n + k]
        if pivots[k] == 0:
            mark_closed(flows, n, k, kinds, stack)
            for j in range(k + 1, n):
                exits[j] += flows[k * n + j]
            continue
        for j in range(k + 1, n):
            flows[k * n + j] /= pivots[k]
            exits[j] += exits[k] * flows[k * n + j]
        for i in range(k + 1, n):
            part = flows[i * n + k]
            if part == 0:
                continue
            for j in range(k + 1, n):
                flows[i * n + j] += part * flows[k * n + j]
            part /= pivots[k]
            for c in range(width):
                burdens[i * width + c] += part * burdens[k * width + c]


cdef void mark_closed(
    const double* flows, Py_ssize_t n, Py_ssize_t last, uint8_t* kinds, int32_t* stack
) noexcept nogil:
    """Mark the loop that ends in *last*: all that can be reached from there.

    Pools that were removed count with the flows they had then.
    """
    cdef Py_ssize_t i, j, depth = 1
    kinds[last] = POOL_LAST
    stack[0] = <int32_t>last
    while depth:
        depth -= 1
        j = stack[depth]
        for i in range(last):
            if kinds[i] == POOL_OPEN and flows[i * n + j] > 0:
                kinds[i] = POOL_CLOSED
                stack[depth] = <int32_t>i
                depth += 1


cdef void substitute(
    const double* flows,
    Py_ssize_t n,
    double* burdens,
    Py_ssize_t width,
    const double* pivots,
    const uint8_t* kinds,
    double* shares,
) noexcept nogil:
    """Set the make-up of a unit of each pool, last one first.

    Pools of a loop without a way out have none; the burden of its last pool
    becomes all that enters the loop.
    """
    cdef Py_ssize_t j, k, c
    cdef double part
    cdef double* row
    for k in range(n - 1, -1, -1):
        row = (shares if kinds[k] == POOL_OPEN else burdens) + k * width
        for c in range(width):
            part = burdens[k * width + c]
            shares[k * width + c] = part / pivots[k] if kinds[k] == POOL_OPEN else 0
        for j in range(k + 1, n):
            part = flows[k * n + j]
            if part == 0:
                continue
            for c in range(width):
                row[c] += part * shares[j * width + c]
