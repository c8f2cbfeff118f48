"""Counter registers to increments, safe against resets, glitches and rollovers."""

import struct
from math import isfinite

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport fabs, isfinite as is_finite, NAN
from libc.stdint cimport int32_t, int64_t, uint8_t

from zerometer.core.errors import FormatError, UsageError

cdef enum:
    BIT_FIRST = 1
    BIT_ACCEPTED = 2
    BIT_MISSING = 4
    BIT_ROLLOVER = 8
    BIT_JITTER = 16
    BIT_HELD = 32
    BIT_GLITCH_BACK = 64
    BIT_RESET = 128

    REJECTED_QUALITY = 5   # from here on a value says nothing: Quality.REJECTED
    HELD_FOR_RESET = 3     # consistent held values that make a reset

cdef enum Fit:
    FIT_NOT
    FIT_FORWARD
    FIT_ROLLOVER
    FIT_JITTER

# Differences of two rounded values are compared with this slack, relative to
# the values: 215.6 - 215.8 is a hair below -0.2.
cdef double SLACK = 2.0 ** -50

FIRST = BIT_FIRST
ACCEPTED = BIT_ACCEPTED
MISSING = BIT_MISSING
ROLLOVER = BIT_ROLLOVER
JITTER = BIT_JITTER
HELD = BIT_HELD
GLITCH_BACK = BIT_GLITCH_BACK
RESET = BIT_RESET

_HEADER = struct.Struct("<4sHHI")
_RECORD = struct.Struct("<dddqddqBB")
_MAGIC = b"ZMcn"
_VERSION = 1


cdef struct Counter:
    double step             # smallest increment
    double modulus          # where it rolls over; 0: not known
    double max_rate_per_s   # fastest count; 0: not configured
    double raw              # accepted raw value, the high water
    double offset           # index - raw
    double index            # stitched index
    int64_t time_ns         # of the last accepted value
    double held_first       # first of the held values that agree
    double held_high        # high water of them
    int64_t held_time_ns    # of the last of them
    uint8_t seen            # 1 once there was a good value
    uint8_t held            # held values that agree so far


@cython.final
cdef class CounterBank:
    cdef Counter* counters   # one per counter point
    cdef Py_ssize_t count    # how many

    def __cinit__(self, Py_ssize_t count):
        if count < 0:
            raise UsageError(f"counter bank: count - {count} - 0 or more")
        # One too many, so that an empty bank has memory as well.
        self.counters = <Counter*>PyMem_Calloc(count + 1, sizeof(Counter))
        if self.counters == NULL:
            raise MemoryError
        self.count = count

    def __init__(self, count: int) -> None:
        pass

    def __dealloc__(self):
        PyMem_Free(self.counters)

    def configure(
        self, Py_ssize_t i, double step, double modulus, double max_rate_per_s
    ) -> None:
        self._check(i)
        if not (isfinite(step) and step >= 0):
            raise UsageError(f"counter {i}: step - {step} - finite, 0 or more")
        if not (isfinite(modulus) and modulus >= 0):
            raise UsageError(f"counter {i}: modulus - {modulus} - finite, 0 or more")
        if not (isfinite(max_rate_per_s) and max_rate_per_s > 0):
            raise UsageError(
                f"counter {i}: max_rate_per_s - {max_rate_per_s} - finite, above 0"
            )
        self.counters[i].step = step
        self.counters[i].modulus = modulus
        self.counters[i].max_rate_per_s = max_rate_per_s

    def update(
        self,
        const int32_t[::1] slots not None,
        const double[::1] values not None,
        const uint8_t[::1] qualities not None,
        int64_t time_ns,
        double[::1] deltas not None,
        uint8_t[::1] flags not None,
    ) -> None:
        cdef Py_ssize_t size = slots.shape[0], j, slot
        if not (
            values.shape[0] == size
            and qualities.shape[0] == size
            and deltas.shape[0] == size
            and flags.shape[0] == size
        ):
            raise UsageError(f"counter bank: columns - not all of length {size}")
        for j in range(size):
            slot = slots[j]
            self._check(slot)
            if self.counters[slot].max_rate_per_s == 0:
                raise UsageError(f"counter {slot}: not configured")
        for j in range(size):
            if qualities[j] >= REJECTED_QUALITY or not is_finite(values[j]):
                deltas[j] = 0
                flags[j] = BIT_MISSING
            else:
                flags[j] = take(
                    &self.counters[slots[j]], values[j], time_ns, &deltas[j]
                )

    def index(self, Py_ssize_t i) -> float:
        self._check(i)
        return self.counters[i].index if self.counters[i].seen else NAN

    def last_time_ns(self, Py_ssize_t i) -> int:
        self._check(i)
        return self.counters[i].time_ns if self.counters[i].seen else -1

    def rebase(self, int64_t step_ns) -> None:
        cdef Py_ssize_t i
        for i in range(self.count):
            self.counters[i].time_ns += step_ns
            self.counters[i].held_time_ns += step_ns

    def state(self) -> bytes:
        cdef Counter* c
        cdef Py_ssize_t i
        parts = [_HEADER.pack(_MAGIC, _VERSION, 0, self.count)]
        for i in range(self.count):
            c = &self.counters[i]
            parts.append(
                _RECORD.pack(
                    c.raw, c.offset, c.index, c.time_ns,
                    c.held_first, c.held_high, c.held_time_ns, c.seen, c.held,
                )
            )
        return b"".join(parts)

    def restore(self, bytes state not None) -> None:
        cdef Counter* c
        cdef Py_ssize_t i
        records = _read_state(state, self.count)
        for i, record in enumerate(records):
            c = &self.counters[i]
            (
                c.raw, c.offset, c.index, c.time_ns,
                c.held_first, c.held_high, c.held_time_ns, c.seen, c.held,
            ) = record

    cdef int _check(self, Py_ssize_t i) except -1:
        if not 0 <= i < self.count:
            raise UsageError(f"counter bank: counter - {i} - 0 to {self.count - 1}")
        return 0


def _read_state(state, count):
    """Return the records of *state*; FormatError unless it is whole and ours."""
    if len(state) < _HEADER.size or state[:4] != _MAGIC:
        raise FormatError("counter state: not the state of a counter bank")
    _, version, _, found = _HEADER.unpack_from(state)
    if version != _VERSION:
        raise FormatError(f"counter state: version - {version} - {_VERSION}")
    if found != count:
        raise FormatError(f"counter state: counters - {found} - {count}")
    if len(state) != _HEADER.size + count * _RECORD.size:
        raise FormatError(
            f"counter state: bytes - {len(state)} - "
            f"{_HEADER.size + count * _RECORD.size}"
        )
    records = list(_RECORD.iter_unpack(state[_HEADER.size:]))
    for i, record in enumerate(records):
        if not all(map(isfinite, record)) or record[7] > 1 or record[8] >= 3:
            raise FormatError(f"counter state: counter {i} - no possible state")
    return records


cdef Fit judge(
    const Counter* c, double before, double now, int64_t dt_ns, double modulus
) noexcept nogil:
    """Say by which of rules 2 to 4 *now* follows *before*; FIT_NOT if by none."""
    cdef double slack = SLACK * max(fabs(before), fabs(now))
    cdef double bound = c.max_rate_per_s * (max(dt_ns, 0) * 1e-9) + c.step + slack
    cdef double d = now - before
    if d >= 0:
        return FIT_FORWARD if d <= bound else FIT_NOT
    if modulus > 0 and -slack <= modulus + d <= bound:
        return FIT_ROLLOVER
    return FIT_JITTER if d >= -2 * c.step - slack else FIT_NOT


cdef uint8_t take(
    Counter* c, double now, int64_t time_ns, double* delta
) noexcept nogil:
    """Take one good value; write what to book and return its flags."""
    cdef double before = c.index
    cdef uint8_t flags = BIT_ACCEPTED
    cdef Fit fit
    delta[0] = 0
    if not c.seen:
        c.seen = 1
        c.raw = c.index = now
        c.time_ns = time_ns
        return BIT_ACCEPTED | BIT_FIRST
    fit = judge(c, c.raw, now, time_ns - c.time_ns, c.modulus)
    if fit == FIT_NOT:
        if not hold(c, now, time_ns):
            return BIT_HELD
        flags |= BIT_RESET
        c.offset += c.raw - c.held_first
        c.raw = c.held_high
    elif fit == FIT_JITTER:
        flags |= BIT_JITTER
    else:
        if fit == FIT_ROLLOVER:
            flags |= BIT_ROLLOVER
            c.offset += c.modulus
        c.raw = now
    if c.held and fit != FIT_NOT:
        flags |= BIT_GLITCH_BACK
    c.held = 0
    c.time_ns = max(c.time_ns, time_ns)
    # Rounding of a new offset could let the index fall by its last bit.
    c.index = max(before, c.raw + c.offset)
    delta[0] = c.index - before
    return flags


cdef bint hold(Counter* c, double now, int64_t time_ns) noexcept nogil:
    """Remember a value that fits no rule; say whether it completes a reset."""
    cdef Fit fit = FIT_NOT
    if c.held:
        fit = judge(c, c.held_high, now, time_ns - c.held_time_ns, 0)
    if fit == FIT_NOT:
        c.held = 0
        c.held_first = c.held_high = now
    c.held_high = max(c.held_high, now)
    c.held_time_ns = time_ns
    c.held += 1
    return c.held == HELD_FOR_RESET
