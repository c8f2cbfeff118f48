# For other kernels only: nothing here is visible to Python.
# Numbers of seven-bit groups, lowest first (LEB128), and the zigzag that makes small
# numbers of either sign small codes.

from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from *:
    int __builtin_clzll(unsigned long long) noexcept nogil

cdef enum:
    MAX_VARINT = 10  # bytes that 64 bits take in groups of seven

cdef enum Fault:
    NONE = 0
    TRUNCATED = 1
    OVERLONG = 2
    SURPLUS = 3


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


cdef inline uint8_t* write_varint(uint8_t* out, uint64_t code) noexcept nogil:
    while code >= 0x80:
        out[0] = <uint8_t> (code | 0x80)
        out += 1
        code >>= 7
    out[0] = <uint8_t> code
    return out + 1


cdef inline int read_long_varint(
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


cdef inline int read_varint(
    const uint8_t** at, const uint8_t* end, uint64_t* code
) noexcept nogil:
    if at[0] == end:
        return TRUNCATED
    if at[0][0] < 0x80:
        code[0] = at[0][0]
        at[0] += 1
        return NONE
    return read_long_varint(at, end, code)


cdef inline int read_numbers(
    const uint8_t** at,
    const uint8_t* end,
    Py_ssize_t count,
    int order,
    int64_t* out,
) noexcept nogil:
    # The values of a column of *order*, from *at*, which is moved behind them.
    cdef uint64_t code = 0, value, previous = 0, slope = 0
    cdef Py_ssize_t i
    cdef int fault
    for i in range(count):
        fault = read_varint(at, end, &code)
        if fault:
            return fault
        value = unzigzag(code) + expected(previous, slope, order)
        slope = value - previous if i else 0
        previous = value
        out[i] = <int64_t> value
    return NONE


cdef inline uint8_t* write_numbers(
    const int64_t* values, Py_ssize_t count, int order, uint8_t* out
) noexcept nogil:
    # The inverse; returns where it ends.
    cdef uint64_t value, previous = 0, slope = 0
    cdef Py_ssize_t i
    for i in range(count):
        value = <uint64_t> values[i]
        out = write_varint(out, zigzag(value - expected(previous, slope, order)))
        slope = value - previous if i else 0
        previous = value
    return out
