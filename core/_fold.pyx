"""From amounts to emissions: sums of products, the same on every machine."""

from libc.stdint cimport uint8_t
from zerometer.core cimport _window

from zerometer.core.errors import UsageError


def settle(double[::1] sums not None, double[::1] carries not None) -> None:
    cdef Py_ssize_t i
    if carries.shape[0] != sums.shape[0]:
        raise UsageError(
            f"fold: carries - length {carries.shape[0]} - {sums.shape[0]}"
        )
    with nogil:
        for i in range(sums.shape[0]):
            sums[i] += carries[i]
            carries[i] = 0


def weigh(
    const double[::1] rows not None,
    const double[::1] factors not None,
    double[::1] out not None,
) -> None:
    cdef Py_ssize_t width = factors.shape[0], i, k
    cdef double carry
    if rows.shape[0] != out.shape[0] * width:
        raise UsageError(
            f"fold: rows - length {rows.shape[0]} - {out.shape[0]} rows of {width}"
        )
    with nogil:
        for i in range(out.shape[0]):
            out[i] = carry = 0
            for k in range(width):
                if rows[i * width + k] != 0:
                    _window.add(&out[i], &carry, rows[i * width + k] * factors[k])
            out[i] += carry


def unfold(
    const double[::1] rows not None,
    const double[::1] openings not None,
    Py_ssize_t origins,
    double[::1] out not None,
) -> None:
    cdef Py_ssize_t tanks, width, count, i, k, s
    cdef double part
    cdef uint8_t fits = origins > 0
    tanks = openings.shape[0] // origins if fits else 0
    width = origins + tanks
    count = rows.shape[0] // width if width else 0
    if (
        rows.shape[0] != count * width
        or openings.shape[0] != tanks * origins
        or out.shape[0] != count * origins
    ):
        raise UsageError(
            f"fold: rows, openings and results - lengths {rows.shape[0]}, "
            f"{openings.shape[0]} and {out.shape[0]} - rows of {origins}, and tanks"
        )
    with nogil:
        for i in range(count):
            for k in range(origins):
                out[i * origins + k] = rows[i * width + k]
            for s in range(tanks):
                part = rows[i * width + origins + s]
                if part == 0:
                    continue
                for k in range(origins):
                    out[i * origins + k] += part * openings[s * origins + k]
