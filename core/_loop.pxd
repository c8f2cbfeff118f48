"""Pools that feed each other, solved together without a subtraction.

Grassmann, Taksar and Heyman (1985): the exits of each pool are known, so the
pivot of its elimination is the sum of all that leaves it. Every number is a sum,
product or quotient of numbers >= 0, so a loop that is nearly closed loses no
accuracy, and what enters is what is handed on, to rounding.

``flows[to * n + from]`` is what goes from one of the n pools to another,
``exits[i]`` what pool i sends elsewhere. Flows of a pool to itself are ignored:
they change nothing.
"""

from libc.stdint cimport int32_t, uint8_t


cdef inline void find_closed(
    const double* flows,
    const double* exits,
    Py_ssize_t n,
    uint8_t* closed,
    int32_t* stack,
) noexcept nogil:
    """Mark the pools from which nothing ever gets out."""
    cdef Py_ssize_t i, j, depth = 0
    for j in range(n):
        closed[j] = exits[j] == 0
        if not closed[j]:
            stack[depth] = <int32_t>j
            depth += 1
    while depth:
        depth -= 1
        i = stack[depth]
        for j in range(n):
            if closed[j] and flows[i * n + j] > 0:
                closed[j] = 0
                stack[depth] = <int32_t>j
                depth += 1


cdef inline void eliminate(
    double* flows,
    double* exits,
    Py_ssize_t n,
    uint8_t* closed,
    double* burdens,
    Py_ssize_t width,
    double* pivots,
) noexcept nogil:
    """Remove pool after pool: what went into it goes where its outflow goes.

    *burdens* is what enters each pool, a row of *width* numbers. On return row k of
    *flows* holds which part of a later pool's make-up comes to pool k (flows, if
    k is closed).
    """
    cdef Py_ssize_t i, j, k, c
    cdef double part
    for k in range(n):
        pivots[k] = exits[k]
        for i in range(k + 1, n):
            pivots[k] += flows[i * n + k]
        # The pivot of an open pool can only vanish by underflow.
        closed[k] |= pivots[k] == 0
        if closed[k]:
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


cdef inline void substitute(
    const double* flows,
    Py_ssize_t n,
    const uint8_t* closed,
    double* burdens,
    Py_ssize_t width,
    const double* pivots,
    double* shares,
) noexcept nogil:
    """Set the make-up of a unit of each pool, last one first.

    A closed pool has none: its burden becomes all that ever enters it.
    """
    cdef Py_ssize_t j, k, c
    cdef double part
    cdef double* row
    for k in range(n - 1, -1, -1):
        row = (burdens if closed[k] else shares) + k * width
        for c in range(width):
            part = burdens[k * width + c]
            shares[k * width + c] = 0 if closed[k] else part / pivots[k]
        for j in range(k + 1, n):
            part = flows[k * n + j]
            if part == 0:
                continue
            for c in range(width):
                row[c] += part * shares[j * width + c]
