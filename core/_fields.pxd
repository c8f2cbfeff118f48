"""Fields of a line of readings: times and numbers out of text."""

from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport strtod

cdef enum:
    LONGEST_NUMBER = 64  # bytes
    EXACT_POWER = 22     # powers of ten up to here are exact doubles
    SECOND = 1000000000

cdef enum Fault:
    FAULT_NONE
    FAULT_FIELDS
    FAULT_QUOTES
    FAULT_TIME
    FAULT_NAIVE
    FAULT_RANGE
    FAULT_UNKNOWN
    FAULT_NUMBER
    FAULT_INFINITE
    FAULT_BACKWARDS
    FAULT_LATE


cdef struct Field:
    const char* at
    Py_ssize_t size


cdef inline bint blank(char c) noexcept nogil:
    return c == b" " or c == b"\t"


cdef inline bint digit(char c) noexcept nogil:
    return b"0" <= c <= b"9"


cdef inline Fault number(Field text, double* value) noexcept nogil:
    """Read a decimal number, correctly rounded."""
    cdef const char* at = text.at
    cdef const char* end = at + text.size
    cdef uint64_t whole = 0
    cdef Py_ssize_t digits = 0
    cdef int power = 0, written = 0
    cdef bint negative = at[0] == b"-", below = False
    if text.size > LONGEST_NUMBER:
        return FAULT_NUMBER
    if at[0] == b"-" or at[0] == b"+":
        at += 1
    while at < end and (digit(at[0]) or (at[0] == b"." and not below)):
        if at[0] == b".":
            below = True
        else:
            digits += 1
            if whole < 1000000000000000000u:
                whole = 10 * whole + <uint64_t>(at[0] - 48)
            else:
                whole = 18446744073709551615u  # too long for the short way
            power -= below
        at += 1
    if digits and at < end and (at[0] == b"e" or at[0] == b"E"):
        at += 1
        below = at < end and at[0] == b"-"
        if at < end and (at[0] == b"-" or at[0] == b"+"):
            at += 1
        if at == end:
            return FAULT_NUMBER
        while at < end and digit(at[0]):
            written = min(10 * written + (at[0] - 48), 9999)
            at += 1
        power += -written if below else written
    if not digits or at != end:
        return FAULT_NUMBER
    # Integers up to 2**53 are exact doubles.
    if whole <= 9007199254740992u and -EXACT_POWER <= power <= EXACT_POWER:
        # Clinger (1990): both are exact, so that one operation rounds once.
        value[0] = <double>whole
        if power < 0:
            value[0] /= power_of_ten(-power)
        else:
            value[0] *= power_of_ten(power)
        if negative:
            value[0] = -value[0]
    else:
        value[0] = strtod(text.at, NULL)
    return FAULT_NONE if isfinite(value[0]) else FAULT_INFINITE


cdef inline double power_of_ten(int power) noexcept nogil:
    cdef double value = 1.0
    while power:
        value *= 10.0
        power -= 1
    return value


cdef inline Fault moment(Field text, int64_t* time_ns) noexcept nogil:
    """Read a time: seconds since 1970, or ISO 8601 with its offset to UTC."""
    cdef const char* at = text.at
    cdef const char* end = at + text.size
    cdef int64_t seconds = 0, fraction = 0
    cdef Py_ssize_t digits = 0
    cdef Fault fault
    while at < end and digit(at[0]) and digits < 19:
        seconds = 10 * seconds + (at[0] - 48)
        digits += 1
        at += 1
    if at < end and at[0] == b"-" and digits == 4:
        at = text.at
        fault = iso(&at, end, &seconds, &fraction)
    elif not digits:
        return FAULT_TIME
    else:
        fault = below_second(&at, end, &fraction)
    if fault:
        return fault
    if at != end:
        return FAULT_TIME
    # 64 bits of nanoseconds end in the year 2262.
    if seconds < 0 or seconds > 9223372035LL:
        return FAULT_RANGE
    time_ns[0] = seconds * SECOND + fraction
    return FAULT_NONE


cdef inline Fault below_second(
    const char** now, const char* end, int64_t* fraction
) noexcept nogil:
    """Read a decimal point and up to nine digits, if they are there, as ns."""
    cdef int64_t scale = SECOND
    fraction[0] = 0
    if now[0] == end or now[0][0] != b".":
        return FAULT_NONE
    now[0] += 1
    if now[0] == end or not digit(now[0][0]):
        return FAULT_TIME
    while now[0] < end and digit(now[0][0]):
        scale //= 10
        if scale == 0:
            return FAULT_TIME
        fraction[0] += scale * (now[0][0] - 48)
        now[0] += 1
    return FAULT_NONE


cdef inline Fault iso(
    const char** now, const char* end, int64_t* seconds, int64_t* fraction
) noexcept nogil:
    """Read ``YYYY-MM-DDTHH:MM[:SS[.fff]]`` and ``Z`` or ``+HH:MM``."""
    cdef int year, month, day, hour, minute, second = 0
    cdef Fault fault
    year = digits_of(now, end, 4, b"-")
    month = digits_of(now, end, 2, b"-")
    day = digits_of(now, end, 2, 0)
    if year < 0 or not 1 <= month <= 12 or not 1 <= day <= days_in(year, month):
        return FAULT_TIME
    if now[0] == end:
        return FAULT_NAIVE
    if now[0][0] != b"T" and now[0][0] != b"t" and now[0][0] != b" ":
        return FAULT_TIME
    now[0] += 1
    hour = digits_of(now, end, 2, b":")
    minute = digits_of(now, end, 2, 0)
    if not 0 <= hour < 24 or not 0 <= minute < 60:
        return FAULT_TIME
    if now[0] < end and now[0][0] == b":":
        now[0] += 1
        second = digits_of(now, end, 2, 0)
        if not 0 <= second < 60:
            return FAULT_TIME
        fault = below_second(now, end, fraction)
        if fault:
            return fault
    seconds[0] = 86400 * days_from_civil(year, month, day)
    seconds[0] += 3600 * hour + 60 * minute + second
    return offset_to_utc(now, end, seconds)


cdef inline Fault offset_to_utc(
    const char** now, const char* end, int64_t* seconds
) noexcept nogil:
    """Take the offset at *now* off the local time."""
    cdef int sign, hour, minute = 0
    while now[0] < end and blank(now[0][0]):
        now[0] += 1
    if now[0] == end:
        return FAULT_NAIVE
    if now[0][0] == b"Z" or now[0][0] == b"z":
        now[0] += 1
        return FAULT_NONE
    if now[0][0] != b"+" and now[0][0] != b"-":
        return FAULT_TIME
    sign = 1 if now[0][0] == b"+" else -1
    now[0] += 1
    hour = digits_of(now, end, 2, 0)
    if now[0] < end:
        if now[0][0] == b":":
            now[0] += 1
        minute = digits_of(now, end, 2, 0)
    if not 0 <= hour < 24 or not 0 <= minute < 60:
        return FAULT_TIME
    seconds[0] -= sign * (3600 * hour + 60 * minute)
    return FAULT_NONE


cdef inline int digits_of(
    const char** now, const char* end, int count, char after
) noexcept nogil:
    """Read *count* digits and the mark *after* them (0: none); -1 if not there."""
    cdef int value = 0, _
    for _ in range(count):
        if now[0] == end or not digit(now[0][0]):
            return -1
        value = 10 * value + (now[0][0] - 48)
        now[0] += 1
    if after:
        if now[0] == end or now[0][0] != after:
            return -1
        now[0] += 1
    return value


cdef inline int days_in(int year, int month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


cdef inline int64_t days_from_civil(int year, int month, int day) noexcept nogil:
    """Days since 1970-01-01 of a date of the Gregorian calendar, from year 0 on.

    Years begin in March here, so that the leap day comes last.
    """
    cdef int64_t y = year - (month <= 2)
    cdef int64_t from_march = (month + 9) % 12
    return (
        365 * y + y // 4 - y // 100 + y // 400
        + (153 * from_march + 2) // 5 + day - 1 - 719468
    )
