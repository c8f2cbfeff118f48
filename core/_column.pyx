"""Integer columns as varints of deltas, and floats on a decimal grid.

An integer column of order 0, 1 or 2 stores each value, its difference from the
one before, or the difference of that from the difference before; always modulo
2^64, the first value whole. Differences are zigzag mapped and written as LEB128
varints in their shortest form.
"""

from array import array

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.math cimport NAN, rint
from libc.stdint cimport int64_t, uint8_t, uint64_t

from zerometer.core.column_errors import (
    OverlongVarintError,
    SurplusColumnError,
    TruncatedColumnError,
)
from zerometer.core.errors import UsageError

cdef extern from *:
    int __builtin_clzll(unsigned long long) noexcept nogil

cdef enum:
    MAX_VARINT = 10  # bytes that 64 bits take in groups of seven
    MAX_EXPONENT = 22  # powers of ten up to here are exact doubles

cdef enum Fault:
    NONE = 0
    TRUNCATED = 1
    OVERLONG = 2
    SURPLUS = 3


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
        write_column(first, count, order, out)
    return data


def choose_order(const int64_t[::1] values not None):
    """Return the order in which *values* take the fewest bytes, or the lowest such."""
    cdef Py_ssize_t count = values.shape[0]
    cdef int order = 0
    if count == 0:
        return 0
    cdef const int64_t* first = &values[0]
    with nogil:
        order = smallest_order(first, count)
    return order


def decode_integers(bytes data not None, Py_ssize_t count, int order):
    """Return the *count* values of an integer column as an ``array("q")``.

    Raises TruncatedColumnError, OverlongVarintError or SurplusColumnError when
    *data* is anything but what encode_integers makes of *count* values.
    """
    cdef Py_ssize_t size = len(data)
    cdef int64_t[::1] values
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
        fault = read_column(
            <const uint8_t*> PyBytes_AsString(data), size, count, order, &values[0]
        )
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


cdef inline uint64_t zigzag(uint64_t value) noexcept nogil:
    # Two's complement in, small magnitudes to small numbers out.
    return (value << 1) ^ (0 - (value >> 63))


cdef inline uint64_t unzigzag(uint64_t code) noexcept nogil:
    return (code >> 1) ^ (0 - (code & 1))


cdef inline Py_ssize_t varint_size(uint64_t code) noexcept nogil:
    # ceil(bits / 7) without a division; exact for 1 to 64 bits.
    return ((64 - __builtin_clzll(code | 1)) * 9 + 64) >> 6


cdef inline uint64_t expected(
    uint64_t previous, uint64_t slope, int order
) noexcept nogil:
    if order == 0:
        return 0
    if order == 1:
        return previous
    return previous + slope


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


cdef int smallest_order(const int64_t* values, Py_ssize_t count) noexcept nogil:
    cdef uint64_t value, delta, previous = <uint64_t> values[0], slope = 0
    cdef Py_ssize_t i, plain = 0, first = 0, second = 0
    for i in range(1, count):
        value = <uint64_t> values[i]
        delta = value - previous
        plain += varint_size(zigzag(value))
        first += varint_size(zigzag(delta))
        second += varint_size(zigzag(delta - slope))
        slope = delta
        previous = value
    if plain <= first and plain <= second:
        return 0
    return 1 if first <= second else 2


cdef inline uint8_t* write_varint(uint8_t* out, uint64_t code) noexcept nogil:
    while code >= 0x80:
        out[0] = <uint8_t> (code | 0x80)
        out += 1
        code >>= 7
    out[0] = <uint8_t> code
    return out + 1


cdef void write_column(
    const int64_t* values, Py_ssize_t count, int order, uint8_t* out
) noexcept nogil:
    cdef uint64_t value, previous = <uint64_t> values[0], slope = 0
    cdef Py_ssize_t i
    out = write_varint(out, zigzag(previous))
    for i in range(1, count):
        value = <uint64_t> values[i]
        out = write_varint(out, zigzag(value - expected(previous, slope, order)))
        slope = value - previous
        previous = value


cdef int read_long_varint(
    const uint8_t** at, const uint8_t* end, uint64_t* code
) noexcept nogil:
    # A varint of which the first byte says that more follow.
    cdef const uint8_t* byte = at[0]
    cdef uint64_t result = 0
    cdef int i
    for i in range(MAX_VARINT):
        if byte == end:
            return TRUNCATED
        result |= <uint64_t> (byte[0] & 0x7F) << (7 * i)
        if byte[0] < 0x80:
            break
        byte += 1
    else:
        return OVERLONG
    if byte[0] == 0 or (i == MAX_VARINT - 1 and byte[0] > 1):
        return OVERLONG
    at[0] = byte + 1
    code[0] = result
    return NONE


cdef int read_column(
    const uint8_t* at, Py_ssize_t size, Py_ssize_t count, int order, int64_t* out
) noexcept nogil:
    cdef const uint8_t* end = at + size
    cdef uint64_t code = 0, value, previous = 0, slope = 0
    cdef Py_ssize_t i
    cdef int fault
    for i in range(count):
        if at == end:
            return TRUNCATED
        if at[0] < 0x80:
            code = at[0]
            at += 1
        else:
            fault = read_long_varint(&at, end, &code)
            if fault:
                return fault
        value = unzigzag(code) + expected(previous, slope, order)
        slope = value - previous if i else 0
        previous = value
        out[i] = <int64_t> value
    return NONE if at == end else SURPLUS


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
