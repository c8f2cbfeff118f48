"""Integer columns as what another column does not tell of them.

A linear column begins with a head: a varint of 8 * *back* + 4 (where a factor
follows) + *form*, and the factor as a little-endian float of 32 bits. What is stored
is each value less what the column *back* columns before it predicts: its value in the
same row, or floor(factor * value + 1/2), both operations in doubles; nothing where
*back* is 0. Forms 0 to 2 store that as an integer column of that order, form 3 one
number that stands for all rows. All of it is modulo 2^64.
"""

from array import array

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.math cimport floor, isfinite
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from zerometer.core._varint cimport (
    OVERLONG, TRUNCATED, read_numbers, read_varint, varint_size, write_numbers,
    write_varint, zigzag,
)

from zerometer.core.column_errors import (
    BadReferenceError,
    OverlongVarintError,
    TruncatedColumnError,
)
from zerometer.core.errors import UsageError

cdef enum:
    ROWS_TRIED = 96  # what a reference is worth shows in that many rows
    FACTOR_SIZE = 4
    ALIKE = 3         # the form of one number for all rows


cdef struct Plan:
    double factor    # 0: the reference's value as it is
    int form
    Py_ssize_t size  # bytes of the numbers; -1: out of range


def encode_linear(
    const int64_t[::1] values not None, list references not None, list backs not None
):
    """Return *values* as a linear column, on the best of *references* or on none.

    Each reference has as many values and stands *backs* columns before. Which one is
    chosen, and its factor, shows in the first rows; the result is the shortest that
    was found, and not the shortest that there is.
    """
    cdef Py_ssize_t count = values.shape[0], tried = min(count, ROWS_TRIED)
    cdef Py_ssize_t cost, least, number, best = -1
    cdef Plan plan, whole, plain
    cdef double factors[3]
    cdef const int64_t[::1] other
    cdef const int64_t* row
    cdef const int64_t* reference = NULL
    cdef int i
    if count == 0:
        return b"\0"
    row = &values[0]
    plan = measured(row, NULL, 0.0, tried)
    least = plan.size
    factors[0] = 0.0
    for number in range(len(references)):
        other = references[number]
        if other.shape[0] != count:
            raise UsageError(f"column: {count} values on {other.shape[0]} others")
        with nogil:
            fit(row, &other[0], tried, &factors[1], &factors[2])
            for i in range(3):
                if i and factors[i] == 0.0:
                    continue
                plan = measured(row, &other[0], factors[i], tried)
                cost = plan.size + 1 + (FACTOR_SIZE if i else 0)
                if plan.size >= 0 and cost < least:
                    least, best = cost, number
                    whole.factor = factors[i]
    with nogil:
        plain = measured(row, NULL, 0.0, count)
    if best >= 0:
        other = references[best]
        reference = &other[0]
        with nogil:
            whole = measured(row, reference, whole.factor, count)
        if whole.size < 0 or whole.size > plain.size:
            best = -1
    if best < 0:
        return written(row, NULL, count, 0, plain)
    return written(row, reference, count, backs[best], whole)


def decode_linear(bytes data not None, Py_ssize_t at, Py_ssize_t count):
    """Read a linear column of *count* rows from byte *at* of *data* on.

    Return what it stores as an ``array("q")``, *back*, the factor or None, and where
    the column ends. Raises TruncatedColumnError, OverlongVarintError, or
    BadReferenceError when there is a factor for nothing, or none that is a number.
    """
    cdef const uint8_t* start = <const uint8_t*> PyBytes_AsString(data)
    cdef const uint8_t* end = start + len(data)
    cdef const uint8_t* place = start + at
    cdef uint64_t head = 0
    cdef uint32_t bits = 0
    cdef float factor = 0.0
    cdef int64_t[::1] values
    cdef int64_t first = 0
    cdef int form, fault, k
    if not 0 <= at <= len(data) or count < 0:
        raise UsageError(f"column: {count} rows from byte {at} of {len(data)}")
    fault = read_varint(&place, end, &head)
    if not fault and head & 4:
        if end - place < FACTOR_SIZE:
            fault = TRUNCATED
        else:
            for k in range(FACTOR_SIZE):
                bits |= <uint32_t> place[k] << (8 * k)
            memcpy(&factor, &bits, FACTOR_SIZE)
            place += FACTOR_SIZE
            if head < 8 or not isfinite(factor):
                raise BadReferenceError(
                    f"column: factor is {factor} of column {head >> 3} before it"
                )
    form = head & 3
    # Before memory is taken for what cannot be there.
    if not fault and form != ALIKE and end - place < count:
        fault = TRUNCATED
    if fault:
        raise_fault(fault)
    result = array("q", bytes(8 * count))
    if count:
        values = result
        if form == ALIKE:
            fault = read_numbers(&place, end, 1, 0, &first)
            values[:] = first
        else:
            with nogil:
                fault = read_numbers(&place, end, count, form, &values[0])
        if fault:
            raise_fault(fault)
    return result, head >> 3, factor if head & 4 else None, place - start


def add_prediction(
    int64_t[::1] values not None, const int64_t[::1] reference not None, factor
):
    """Add to the *values* that are stored what *reference* predicts, in place.

    Raises BadReferenceError when the numbers of rows differ, or a product does not
    fit in 64 bits.
    """
    cdef Py_ssize_t count = values.shape[0], i
    cdef double times = 0.0 if factor is None else factor
    cdef bint exact = factor is None
    cdef uint64_t predicted = 0
    if reference.shape[0] != count:
        raise BadReferenceError(
            f"column: {count} rows, {reference.shape[0]} of the column it refers to"
        )
    for i in range(count):
        if exact:
            predicted = <uint64_t> reference[i]
        elif not product(reference[i], times, &predicted):
            raise BadReferenceError(
                f"column: {reference[i]} times {times} does not fit in 64 bits"
            )
        values[i] = <int64_t> (<uint64_t> values[i] + predicted)


cdef raise_fault(int fault):
    if fault == OVERLONG:
        raise OverlongVarintError(
            "column: a varint is not in its shortest form or exceeds 64 bits"
        )
    raise TruncatedColumnError("column: ends before its last value does")


cdef inline bint product(
    int64_t value, double factor, uint64_t* result
) noexcept nogil:
    cdef double near = floor(factor * <double> value + 0.5)
    if not -9223372036854775808.0 <= near < 9223372036854775808.0:
        return False
    result[0] = <uint64_t> <int64_t> near
    return True


cdef inline bint rest(
    const int64_t* values,
    const int64_t* reference,
    double factor,
    Py_ssize_t i,
    uint64_t* result,
) noexcept nogil:
    # What is stored of a value; False when the prediction is out of range.
    cdef uint64_t predicted = 0
    if reference != NULL:
        if factor == 0.0:
            predicted = <uint64_t> reference[i]
        elif not product(reference[i], factor, &predicted):
            return False
    result[0] = <uint64_t> values[i] - predicted
    return True


cdef Plan measured(
    const int64_t* values, const int64_t* reference, double factor, Py_ssize_t count
) noexcept nogil:
    # The form in which what is stored takes the fewest bytes, and how many.
    cdef uint64_t value = 0, first_value = 0, delta, previous = 0, slope = 0
    cdef Py_ssize_t i, plain = 0, first = 0, second = 0
    cdef bint alike = True
    cdef Plan plan
    plan.factor, plan.form, plan.size = factor, ALIKE, -1
    for i in range(count):
        if not rest(values, reference, factor, i, &value):
            return plan
        if i == 0:
            first_value = value
            plain = first = second = varint_size(zigzag(value))
        else:
            delta = value - previous
            plain += varint_size(zigzag(value))
            first += varint_size(zigzag(delta))
            second += varint_size(zigzag(delta - slope))
            slope = delta
            alike = alike and value == first_value
        previous = value
    if alike:
        plan.size = varint_size(zigzag(first_value))
    elif plain <= first and plain <= second:
        plan.form, plan.size = 0, plain
    elif first <= second:
        plan.form, plan.size = 1, first
    else:
        plan.form, plan.size = 2, second
    return plan


cdef void fit(
    const int64_t* values,
    const int64_t* reference,
    Py_ssize_t count,
    double* by_value,
    double* by_change,
) noexcept nogil:
    # Least squares through the origin, of the values and of their differences; 0
    # where there is none.
    cdef double x, y, dx, dy, before_x = 0.0, before_y = 0.0
    cdef double xy = 0.0, yy = 0.0, dxy = 0.0, dyy = 0.0
    cdef Py_ssize_t i
    for i in range(count):
        x, y = <double> values[i], <double> reference[i]
        xy += x * y
        yy += y * y
        if i:
            dx, dy = x - before_x, y - before_y
            dxy += dx * dy
            dyy += dy * dy
        before_x, before_y = x, y
    by_value[0] = shortened(xy, yy)
    by_change[0] = shortened(dxy, dyy)


cdef double shortened(double above, double below) noexcept nogil:
    # The quotient as the float that is sent.
    cdef float near
    if below == 0.0:
        return 0.0
    near = <float> (above / below)
    return near if isfinite(near) else 0.0


cdef bytes written(
    const int64_t* values,
    const int64_t* reference,
    Py_ssize_t count,
    Py_ssize_t back,
    Plan plan,
):
    cdef bint has_factor = reference != NULL and plan.factor != 0.0
    cdef uint64_t head = 8 * <uint64_t> back + (4 if has_factor else 0) + plan.form
    cdef Py_ssize_t size = (
        varint_size(head) + (FACTOR_SIZE if has_factor else 0) + plan.size
    )
    cdef bytes data = PyBytes_FromStringAndSize(NULL, size)
    cdef uint8_t* out = <uint8_t*> PyBytes_AsString(data)
    cdef float factor = <float> plan.factor
    cdef uint32_t bits = 0
    cdef Py_ssize_t i
    cdef int64_t[::1] stored
    cdef int k
    out = write_varint(out, head)
    if has_factor:
        memcpy(&bits, &factor, FACTOR_SIZE)
        for k in range(FACTOR_SIZE):
            out[k] = <uint8_t> (bits >> (8 * k))
        out += FACTOR_SIZE
    if plan.form == ALIKE:
        count = 1
    if reference == NULL:
        write_numbers(values, count, plan.form % ALIKE, out)
        return data
    stored = array("q", bytes(8 * count))
    with nogil:
        for i in range(count):
            rest(values, reference, plan.factor, i, <uint64_t*> &stored[i])
        write_numbers(&stored[0], count, plan.form % ALIKE, out)
    return data
