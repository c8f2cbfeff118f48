"""Integer columns as varints of deltas, and floats on a decimal grid.

An integer column of order 0, 1 or 2 stores each value, its difference from the
one before, or the difference of that from the difference before; always modulo
2^64, the first value whole. Differences are zigzag mapped and written as LEB128
varints in their shortest form.
"""

from array import array

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.math cimport NAN, frexp, ldexp, rint, signbit
from libc.stdint cimport int64_t, uint8_t, uint64_t

from zerometer.core._varint cimport (
    NONE, OVERLONG, SURPLUS, TRUNCATED, expected, read_numbers, varint_size,
    write_numbers, zigzag,
)

from zerometer.core.column_errors import (
    OverlongVarintError,
    SurplusColumnError,
    TruncatedColumnError,
)
from zerometer.core.errors import UsageError

cdef extern from *:
    int __builtin_ctzll(unsigned long long) noexcept nogil

# Differences of multiples up to here fit in 64 bits.
cdef double LIMIT = 2.0 ** 61

cdef enum:
    MAX_EXPONENT = 22  # powers of ten up to here are exact doubles
    MAX_BITS = 900     # powers of two that times a usual unit are normal doubles


def encode_integers(const int64_t[::1] values not None, int order):
    """Return *values* as the bytes of an integer column of *order* 0, 1 or 2."""
    cdef Py_ssize_t count = values.shape[0]
    cdef Py_ssize_t size
    cdef bytes data
    cdef uint8_t* out
    check_order(order)
    if count == 0:
        return b""
    cdef const int64_t* first = &values[0]
    with nogil:
        size = encoded_size(first, count, order)
    data = PyBytes_FromStringAndSize(NULL, size)
    out = <uint8_t*> PyBytes_AsString(data)
    with nogil:
        write_numbers(first, count, order, out)
    return data


def decode_integers(bytes data not None, Py_ssize_t count, int order):
    """Return the *count* values of an integer column as an ``array("q")``.

    Raises TruncatedColumnError, OverlongVarintError or SurplusColumnError when
    *data* is anything but what encode_integers makes of *count* values.
    """
    cdef Py_ssize_t size = len(data)
    cdef int64_t[::1] values
    cdef const uint8_t* at
    cdef const uint8_t* end
    cdef int fault
    check_order(order)
    if count < 0:
        raise UsageError(f"column: count is {count}, allowed is 0 or more")
    if size < count:  # before memory is taken for what cannot be there
        raise TruncatedColumnError(
            f"column: {size} bytes cannot hold {count} values"
        )
    result = array("q", bytes(count * 8))
    if count == 0:
        fault = SURPLUS if size else NONE
    else:
        values = result
        at = <const uint8_t*> PyBytes_AsString(data)
        end = at + size
        with nogil:
            fault = read_numbers(&at, end, count, order, &values[0])
        if not fault and at != end:
            fault = SURPLUS
    if fault == TRUNCATED:
        raise TruncatedColumnError(f"column: ends before value {count} of {count} does")
    if fault == OVERLONG:
        raise OverlongVarintError(
            "column: a varint is not in its shortest form or exceeds 64 bits"
        )
    if fault == SURPLUS:
        raise SurplusColumnError(f"column: bytes follow the last of {count} values")
    return result


def quantise(
    const double[::1] values not None,
    int exponent,
    int64_t[::1] out not None,
    uint8_t[::1] nulls not None,
):
    """Write *values* to *out* as integer multiples of 10^*exponent* (-22 to 22).

    The quotient, a double, is rounded half to even. NaN sets its byte in *nulls*
    to 1 (others to 0) and repeats the integer before it, or 0. Raises UsageError
    when a quotient does not fit in 64 bits or the lengths differ.
    """
    cdef Py_ssize_t count = values.shape[0]
    cdef Py_ssize_t misfit = -1
    cdef double power
    if not -MAX_EXPONENT <= exponent <= MAX_EXPONENT:
        raise UsageError(f"column: exponent is {exponent}, allowed is -22 to 22")
    if out.shape[0] != count or nulls.shape[0] != count:
        raise UsageError(
            f"column: {count} values need as many integers and null marks, "
            f"not {out.shape[0]} and {nulls.shape[0]}"
        )
    if count == 0:
        return
    power = <double> (10 ** abs(exponent))
    with nogil:
        misfit = round_to_grid(
            &values[0], count, power, exponent > 0, &out[0], &nulls[0]
        )
    if misfit >= 0:
        raise UsageError(
            f"column: value {values[misfit]} at row {misfit} does not fit in 64 bits "
            f"at exponent {exponent}"
        )


def on_grid(
    const double[::1] values not None, nulls, double unit, int64_t[::1] out not None
):
    """Write *values* to *out* as multiples of 2^n * *unit*; return n, or None.

    Every product, a double, is the value to the last bit: one that is not there (or
    infinite, or a negative zero) makes it None. Each is a multiple of a whole number
    or of a float of 32 bits; of the latter n is as large as it can be. What has a
    byte other than 0 in *nulls*, which may be None, repeats the integer before it, or
    0. Raises UsageError when lengths differ.
    """
    cdef Py_ssize_t count = values.shape[0]
    cdef const uint8_t[::1] marks = nulls
    cdef const uint8_t* mark = NULL
    cdef int lowest = MAX_BITS
    if out.shape[0] != count or (nulls is not None and marks.shape[0] != count):
        raise UsageError(f"column: {count} values, as many integers and null marks")
    if count == 0:
        return 0
    if nulls is not None:
        mark = &marks[0]
    with nogil:
        lowest = lowest_bit(&values[0], mark, count, unit)
        if lowest == MAX_BITS:  # zeros only
            lowest = 0
        if -MAX_BITS < lowest < MAX_BITS:
            if not place(&values[0], mark, count, unit, lowest, &out[0]):
                lowest = -MAX_BITS
    return lowest if -MAX_BITS < lowest < MAX_BITS else None


def multiples(const int64_t[::1] values not None, double step, bytes nulls):
    """Return *values* times *step* as an ``array("d")``, the inverse of on_grid.

    NaN where the byte in *nulls* is not 0, which may be None. Raises UsageError.
    """
    cdef Py_ssize_t count = values.shape[0], i
    cdef double[::1] out
    cdef const uint8_t* marks = NULL
    if nulls is not None:
        marks = <const uint8_t*> PyBytes_AsString(nulls)
        if len(nulls) != count:
            raise UsageError(f"column: {count} values, {len(nulls)} null marks")
    result = array("d", bytes(8 * count))
    if count == 0:
        return result
    out = result
    with nogil:
        for i in range(count):
            out[i] = <double> values[i] * step
            if marks != NULL and marks[i]:
                out[i] = NAN
    return result


cdef int check_order(int order) except -1:
    if not 0 <= order <= 2:
        raise UsageError(f"column: order is {order}, allowed is 0, 1 or 2")
    return 0


def restore(const int64_t[::1] values not None, int exponent, bytes nulls):
    """Return integer multiples of 10^*exponent* (-22 to 22) as an ``array("d")``.

    The inverse of quantise: NaN where the byte in *nulls* is not 0, which may be
    None. Raises UsageError.
    """
    cdef Py_ssize_t count = values.shape[0], i
    cdef double[::1] out
    cdef const uint8_t* marks = NULL
    cdef double power
    if not -MAX_EXPONENT <= exponent <= MAX_EXPONENT:
        raise UsageError(f"column: exponent is {exponent}, allowed is -22 to 22")
    if nulls is not None:
        marks = <const uint8_t*> PyBytes_AsString(nulls)
        if len(nulls) != count:
            raise UsageError(f"column: {count} values, {len(nulls)} null marks")
    result = array("d", bytes(8 * count))
    if count == 0:
        return result
    power = <double> (10 ** abs(exponent))
    out = result
    with nogil:
        for i in range(count):
            # A division rounds once, a negative power would twice.
            if exponent < 0:
                out[i] = <double> values[i] / power
            else:
                out[i] = <double> values[i] * power
            if marks != NULL and marks[i]:
                out[i] = NAN
    return result


cdef Py_ssize_t encoded_size(
    const int64_t* values, Py_ssize_t count, int order
) noexcept nogil:
    cdef uint64_t value, previous = <uint64_t> values[0], slope = 0
    cdef Py_ssize_t i, size = varint_size(zigzag(previous))
    for i in range(1, count):
        value = <uint64_t> values[i]
        size += varint_size(zigzag(value - expected(previous, slope, order)))
        slope = value - previous
        previous = value
    return size


cdef Py_ssize_t round_to_grid(
    const double* values,
    Py_ssize_t count,
    double power,
    bint divide,
    int64_t* out,
    uint8_t* nulls,
) noexcept nogil:
    # Returns the row that does not fit, or -1.
    cdef Py_ssize_t i
    cdef double steps
    cdef int64_t previous = 0
    for i in range(count):
        nulls[i] = values[i] != values[i]
        if not nulls[i]:
            steps = rint(values[i] / power if divide else values[i] * power)
            if not -9223372036854775808.0 <= steps < 9223372036854775808.0:
                return i
            previous = <int64_t> steps
        out[i] = previous
    return -1


cdef inline double quotient(double value, double unit) noexcept nogil:
    # What times *unit* is *value* to the last bit, whole or of 32 bits; or NaN.
    cdef double near
    if unit == 1.0:
        return value
    near = rint(value / unit)
    if near * unit != value:
        near = <double> <float> (value / unit)
        if near * unit != value:
            return NAN
    return near


cdef int lowest_bit(
    const double* values, const uint8_t* nulls, Py_ssize_t count, double unit
) noexcept nogil:
    # The exponent of the lowest bit of any quotient; MAX_BITS when all are 0,
    # -MAX_BITS when one is no number that can be held.
    cdef int exponent = 0, lowest = MAX_BITS
    cdef Py_ssize_t i
    cdef double part
    cdef uint64_t bits
    for i in range(count):
        if nulls != NULL and nulls[i]:
            continue
        part = quotient(values[i], unit)
        if part - part != 0.0 or (part == 0.0 and signbit(values[i])):
            return -MAX_BITS
        if part == 0.0:
            continue
        part = frexp(part, &exponent)
        bits = <uint64_t> <int64_t> ldexp(part, 53)
        exponent += __builtin_ctzll(bits) - 53
        if exponent < lowest:
            lowest = exponent
    return lowest


cdef bint place(
    const double* values,
    const uint8_t* nulls,
    Py_ssize_t count,
    double unit,
    int lowest,
    int64_t* out,
) noexcept nogil:
    # Whether all multiples could be written.
    cdef double whole
    cdef int64_t previous = 0
    cdef Py_ssize_t i
    for i in range(count):
        if nulls == NULL or not nulls[i]:
            whole = ldexp(quotient(values[i], unit), -lowest)
            if not -LIMIT <= whole <= LIMIT:
                return False
            previous = <int64_t> whole
        out[i] = previous
    return True
