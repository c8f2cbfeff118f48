"""Counter registers to increments, safe against resets, glitches and rollovers."""

import struct
from math import isfinite

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport fabs, isfinite as is_finite, NAN
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from zerometer.core.errors import FormatError, UsageError

cdef enum:
    BIT_FIRST = 1
    BIT_ACCEPTED = 2
    BIT_MISSING = 4
    BIT_ROLLOVER = 8
    BIT_JITTER = 16
    BIT_HELD = 32
    BIT_JUMP = 64
    BIT_RESET = 128

    REJECTED_QUALITY = 5   # from here on a value says nothing: Quality.REJECTED
    HELD_FOR_RESET = 3     # consistent held values that make a reset
    JUMP_TIMES = 20        # what makes a jump, against all gains before
    JUMP_GAINS = 10        # gains by which a jump can be told
    FLOAT32_BITS = 23      # of a float32's significand, after the leading one

cdef enum Seen:
    SEEN_NOTHING
    SEEN_VALUE
    SEEN_CHANGE   # another meter, or another ratio: the next value is its first

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
JUMP = BIT_JUMP
RESET = BIT_RESET

_HEADER = struct.Struct("<4sHHI")
_RECORD = struct.Struct("<dddqddqqBBdddB")
_MAGIC = b"ZMcn"
_VERSION = 3


cdef struct Counter:
    double step             # smallest increment
    double modulus          # where it rolls over; 0: not known
    double max_rate_per_s   # fastest count; 0: not configured
    double float_scale      # value of a float32 register that reads 1; 0: no float
    double raw              # accepted raw value, the high water
    double offset           # index - raw
    double index            # stitched index
    int64_t time_ns         # of the last accepted value
    double held_first       # first of the held values that agree
    double held_high        # high water of them
    int64_t held_since_ns   # of the first of them
    int64_t held_time_ns    # of the last of them
    uint8_t seen            # what there was before: see Seen
    uint8_t held            # held values that agree so far
    bint watched            # jumps are told
    double fastest          # rate of any gain, per ns
    double most             # that was gained between two values
    double jump             # rate of the last gain, if it may be a jump; else 0
    uint8_t gains           # how many there were, up to JUMP_GAINS


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
        self,
        Py_ssize_t i,
        double step,
        double modulus,
        double max_rate_per_s,
        double float_scale=0.0,
        bint watched=False,
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
        if not (isfinite(float_scale) and float_scale >= 0):
            raise UsageError(
                f"counter {i}: float_scale - {float_scale} - finite, 0 or more"
            )
        self.counters[i].step = step
        self.counters[i].modulus = modulus
        self.counters[i].max_rate_per_s = max_rate_per_s
        self.counters[i].float_scale = float_scale
        self.counters[i].watched = watched

    def column(
        self,
        Py_ssize_t i,
        const int64_t[::1] times_ns not None,
        const double[::1] values not None,
        const uint8_t[::1] qualities not None,
        double[::1] gains not None,
        double[::1] steps not None,
        int64_t[::1] since_ns not None,
        uint8_t[::1] flags not None,
    ) -> int:
        cdef Py_ssize_t size = values.shape[0], j
        cdef Counter* c
        cdef uint8_t met = 0
        self._check(i)
        c = &self.counters[i]
        if not (
            times_ns.shape[0] == size
            and qualities.shape[0] == size
            and gains.shape[0] == size
            and steps.shape[0] == size
            and since_ns.shape[0] == size
            and flags.shape[0] == size
        ):
            raise UsageError(f"counter {i}: columns - not all of length {size}")
        if c.max_rate_per_s == 0:
            raise UsageError(f"counter {i}: not configured")
        with nogil:
            for j in range(size):
                gains[j] = 0
                since_ns[j] = times_ns[j]
                if qualities[j] >= REJECTED_QUALITY or not is_finite(values[j]):
                    flags[j] = BIT_MISSING
                else:
                    flags[j] = take(
                        c, values[j], times_ns[j], &gains[j], &since_ns[j]
                    )
                steps[j] = step_at(c, c.raw)
                met |= flags[j]
        return met

    def change(
        self, Py_ssize_t i, int64_t time_ns, double final=NAN, double start=NAN
    ) -> float:
        cdef Counter* c
        cdef double gain = NAN
        self._check(i)
        c = &self.counters[i]
        if c.seen == SEEN_VALUE and is_finite(final):
            gain = max(final - c.raw, 0)
            c.raw += gain
            c.index = max(c.index, c.raw + c.offset)
        c.held = 0
        c.jump = 0
        c.time_ns = max(c.time_ns, time_ns) if c.seen else time_ns
        if is_finite(start):
            if not c.seen:
                c.index = start
            c.raw = start
            c.offset = c.index - start
            c.seen = SEEN_VALUE
        elif c.seen:
            c.seen = SEEN_CHANGE
        return gain

    def index(self, Py_ssize_t i) -> float:
        self._check(i)
        return self.counters[i].index if self.counters[i].seen else NAN

    def jumps(self, Py_ssize_t i) -> bool:
        self._check(i)
        return self.counters[i].watched and self.counters[i].jump > 0

    def step(self, Py_ssize_t i) -> float:
        self._check(i)
        return step_at(&self.counters[i], self.counters[i].raw)

    def last_time_ns(self, Py_ssize_t i) -> int:
        self._check(i)
        return self.counters[i].time_ns if self.counters[i].seen else -1

    def rebase(self, int64_t step_ns) -> None:
        cdef Py_ssize_t i
        for i in range(self.count):
            self.counters[i].time_ns += step_ns
            self.counters[i].held_since_ns += step_ns
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
                    c.held_first, c.held_high, c.held_since_ns, c.held_time_ns,
                    c.seen, c.held, c.fastest, c.most, c.jump, c.gains,
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
                c.held_first, c.held_high, c.held_since_ns, c.held_time_ns,
                c.seen, c.held, c.fastest, c.most, c.jump, c.gains,
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
        if not all(map(isfinite, record)) or record[8] > 2 or record[9] >= 3:
            raise FormatError(f"counter state: counter {i} - no possible state")
    return records


cdef double step_at(const Counter* c, double value) noexcept nogil:
    """Return the smallest increment at *value*: of floats, it grows with them."""
    cdef double spacing = c.float_scale, magnitude = fabs(value)
    if not (spacing > 0 and magnitude >= spacing and is_finite(magnitude / spacing)):
        return c.step
    spacing = leading_power(magnitude / spacing) * spacing / (1 << FLOAT32_BITS)
    return max(c.step, spacing)


cdef double leading_power(double value) noexcept nogil:
    """Return the greatest power of two that is not above *value*, 1 or more."""
    cdef uint64_t bits
    memcpy(&bits, &value, sizeof(bits))
    bits &= <uint64_t>0x7FF << 52
    memcpy(&value, &bits, sizeof(bits))
    return value


cdef Fit judge(
    const Counter* c, double before, double now, int64_t dt_ns, double modulus
) noexcept nogil:
    """Say by which of rules 2 to 4 *now* follows *before*; FIT_NOT if by none."""
    cdef double slack = SLACK * max(fabs(before), fabs(now))
    cdef double step = step_at(c, max(fabs(before), fabs(now)))
    cdef double bound = c.max_rate_per_s * (max(dt_ns, 0) * 1e-9) + step + slack
    cdef double d = now - before
    if d >= 0:
        return FIT_FORWARD if d <= bound else FIT_NOT
    if modulus > 0 and -slack <= modulus + d <= bound:
        return FIT_ROLLOVER
    return FIT_JITTER if d >= -2 * step - slack else FIT_NOT


cdef uint8_t take(
    Counter* c, double now, int64_t time_ns, double* gain, int64_t* since_ns
) noexcept nogil:
    """Take one good value; write what to book, since when; return its flags."""
    cdef uint8_t flags = BIT_ACCEPTED
    cdef Fit fit
    if c.seen != SEEN_VALUE:
        begin(c, now, time_ns)
        return BIT_ACCEPTED | BIT_FIRST
    fit = judge(c, c.raw, now, time_ns - c.time_ns, c.modulus)
    if fit == FIT_NOT:
        if not hold(c, now, time_ns):
            return BIT_HELD
        flags |= BIT_RESET
        c.offset += c.raw - c.held_first
        gain[0] = c.held_high - c.held_first
        since_ns[0] = c.held_since_ns
        c.raw = c.held_high
    elif fit == FIT_JITTER:
        flags |= BIT_JITTER
    else:
        gain[0] = now - c.raw
        if fit == FIT_ROLLOVER:
            flags |= BIT_ROLLOVER
            gain[0] = max(c.modulus + gain[0], 0)
            c.offset += c.modulus
        c.raw = now
    if fit == FIT_NOT:
        if c.watched and c.jump > 0:
            flags |= BIT_JUMP
        c.jump = 0
    elif c.watched and watch(c, gain[0], time_ns - c.time_ns):
        flags |= BIT_JUMP
    c.held = 0
    c.time_ns = max(c.time_ns, time_ns)
    # Rounding of a new offset could let the index fall by its last bit.
    c.index = max(c.index, c.raw + c.offset)
    return flags


cdef bint watch(Counter* c, double gain, int64_t dt_ns) noexcept nogil:
    """Take in a gain; say whether the one before it was a jump.

    A jump is faster and more than any gain before, and over at once: what goes on
    like that is a machine that was started.
    """
    cdef double rate
    cdef bint jumped
    if dt_ns <= 0:
        return False
    rate = gain / dt_ns
    jumped = c.jump > 0 and JUMP_TIMES * rate <= c.jump
    c.jump = 0
    if (
        c.gains == JUMP_GAINS
        and rate >= JUMP_TIMES * c.fastest
        and gain >= JUMP_TIMES * c.most
    ):
        c.jump = rate
    if gain > 0:
        c.gains = min(c.gains + 1, JUMP_GAINS)
        c.fastest = max(c.fastest, rate)
        c.most = max(c.most, gain)
    return jumped


cdef void begin(Counter* c, double now, int64_t time_ns) noexcept nogil:
    """Take the first value of a counter, or of the one in its place."""
    if c.seen == SEEN_NOTHING:
        c.index = now
        c.time_ns = time_ns
    c.offset = c.index - now
    c.raw = now
    c.seen = SEEN_VALUE
    c.time_ns = max(c.time_ns, time_ns)


cdef bint hold(Counter* c, double now, int64_t time_ns) noexcept nogil:
    """Remember a value that fits no rule; say whether it completes a reset."""
    cdef Fit fit = FIT_NOT
    if c.held:
        fit = judge(c, c.held_high, now, time_ns - c.held_time_ns, 0)
    if fit == FIT_NOT:
        c.held = 0
        c.held_first = c.held_high = now
        c.held_since_ns = time_ns
    c.held_high = max(c.held_high, now)
    c.held_time_ns = time_ns
    c.held += 1
    return c.held == HELD_FOR_RESET
