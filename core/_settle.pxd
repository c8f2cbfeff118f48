# For other kernels only: nothing here is visible to Python.
# What is booked of a flow between two values of its counter: the counter's gain,
# in the shape of its power. All amounts are in the counter's unit.

from libc.math cimport fabs, NAN
from libc.stdint cimport int32_t, int64_t, uint8_t

from zerometer.core._pace cimport first_hold_ns, unlearnt_ns
from zerometer.core._series cimport (
    Sample, SAMPLE_BREAK, SAMPLE_GUESSED, SAMPLE_LATE, Series,
)


cdef enum:
    SETTLE_AFTER = 50        # steps of the counter after which powers are scaled

# Power and counter are compared over a minute at least: in less, they are sampled
# at too different times.
cdef inline int64_t compared_ns() noexcept nogil:
    return 60_000_000_000

cdef inline bint agree(double ratio) noexcept nogil:
    """Say whether counter over power is near enough to 1."""
    return 0.9 <= ratio <= 1.1


cdef struct Flow:
    int32_t counter          # series of its counter; -1: it stands on power alone
    int32_t power            # series of its power; -1: none
    double per_ns            # signed: power's unit to the counter's per ns

    Py_ssize_t next          # which of the counter's samples comes next
    uint8_t counted          # 1 once there was one
    int64_t since_ns         # from when on *open* is counted; -1: nothing yet
    double open              # booked since then, before the counter said how much
    double carry             # what the counter gained more than was booked
    double moved             # gain since powers were last scaled to it
    uint8_t dark             # 1: time that was booked since then was not seen

    int64_t planned_ns       # how far the counter says what is to be booked
    double scale             # of powers until then
    double fill              # per ns, where powers were not seen, or everywhere
    uint8_t everywhere
    uint8_t guessed          # 1: nobody saw when the fill flowed, or that it did
    uint8_t on_time          # 1: the counter saw what power did not see
    double claimed           # part of the scaled power of which nobody saw it

    int64_t judged_ns        # since when power and counter are compared
    double promised          # what power said since then
    double made_up           # what the counter said more
    uint8_t unfit            # 1: there is no comparing them
    uint8_t misfit           # 1: they did not agree
    double ratio             # of the counter's gain to what power said


cdef struct Piece:
    int64_t end_ns
    double rate              # as power says, per ns
    uint8_t unseen
    uint8_t guessed


cdef inline void judge_anew(Flow* f, int64_t time_ns) noexcept nogil:
    f.judged_ns = time_ns
    f.promised = f.made_up = 0
    f.unfit = 0


cdef inline void begin_anew(Flow* f, int64_t time_ns) noexcept nogil:
    """Forget what is owed: what lies before stands on power alone."""
    f.carry = f.moved = 0
    f.dark = 0
    judge_anew(f, time_ns)


cdef inline void look(
    const Flow* f,
    const Series* power,
    int64_t at,
    int64_t limit_ns,
    Py_ssize_t* sample,
    Piece* piece,
) noexcept nogil:
    """Write what power says at *at*, and how long: it holds until the next value.

    *sample* is the one to begin with, and moves on.
    """
    cdef Py_ssize_t count = power.end - power.start
    cdef const Sample* samples = power.samples + power.start
    cdef int64_t held_ns
    piece.end_ns = limit_ns
    piece.rate = 0
    piece.unseen = 1
    piece.guessed = 0
    while sample[0] + 1 < count and samples[sample[0] + 1].time_ns <= at:
        sample[0] += 1
    if sample[0] >= count:
        return
    if samples[sample[0]].time_ns > at:
        piece.end_ns = min(limit_ns, samples[sample[0]].time_ns)
        return
    held_ns = samples[sample[0]].stale_ns
    if sample[0] + 1 < count:
        piece.end_ns = min(limit_ns, samples[sample[0] + 1].time_ns)
    elif held_ns == unlearnt_ns():
        held_ns = first_hold_ns()
    if at < samples[sample[0]].time_ns + held_ns:
        piece.end_ns = min(piece.end_ns, samples[sample[0]].time_ns + held_ns)
        piece.rate = max(samples[sample[0]].value * f.per_ns, 0)
        piece.unseen = 0
        piece.guessed = samples[sample[0]].kind & SAMPLE_GUESSED


cdef inline void take_late(
    Flow* f, const Series* counter, int64_t at
) noexcept nogil:
    """Take what the counter says of time that is booked: its gain is to come."""
    cdef const Sample* knot
    cdef double part
    while counter.start + f.next < counter.end:
        knot = &counter.samples[counter.start + f.next]
        if knot.time_ns > at:
            break
        part = 0
        if knot.time_ns > f.since_ns:
            part = f.open * (
                <double>(knot.time_ns - f.since_ns) / <double>(at - f.since_ns)
            )
        f.open -= part
        if knot.kind & SAMPLE_BREAK or not f.counted:
            begin_anew(f, knot.time_ns)
        else:
            f.carry += knot.value - part
            f.moved += knot.value
            f.promised += part
        f.since_ns = max(f.since_ns, knot.time_ns)
        f.counted = 1
        f.next += 1


cdef inline void plan(
    Flow* f,
    const Series* counter,
    const Series* power,
    int64_t at,
    Py_ssize_t sample,
) noexcept nogil:
    """Say what is to be booked from *at* to the counter's next value."""
    cdef const Sample* knot = &counter.samples[counter.start + f.next]
    f.scale = 1
    f.fill = f.claimed = 0
    f.everywhere = f.guessed = f.on_time = 0
    if knot.kind & SAMPLE_BREAK or not f.counted:
        f.guessed = f.power < 0
        begin_anew(f, knot.time_ns)
    elif f.power < 0:
        plan_even(f, knot, at)
    else:
        plan_scaled(f, power, knot, at, sample)
    f.open = 0
    f.since_ns = f.planned_ns = knot.time_ns
    f.counted = 1
    f.next += 1


cdef inline void plan_even(Flow* f, const Sample* knot, int64_t at) noexcept nogil:
    """Spread what the counter gained evenly: there is no power."""
    cdef double due = f.carry + (knot.value - f.open)
    f.fill = max(due, 0) / <double>(knot.time_ns - at)
    f.carry = min(due, 0)
    f.everywhere = 1
    f.guessed = f.dark
    if knot.kind & (SAMPLE_GUESSED | SAMPLE_LATE):
        f.guessed = 1
    f.dark = 0


cdef inline void plan_scaled(
    Flow* f, const Series* power, const Sample* knot, int64_t at, Py_ssize_t sample
) noexcept nogil:
    """Let power come to what the counter gained, if it is time for that."""
    cdef double energy = 0
    cdef int64_t unseen_ns = 0, start_ns = at
    cdef Piece piece
    while at < knot.time_ns:
        look(f, power, at, knot.time_ns, &sample, &piece)
        if piece.unseen:
            unseen_ns += piece.end_ns - at
        else:
            energy += piece.rate * <double>(piece.end_ns - at)
        at = piece.end_ns
    f.carry += knot.value - f.open - energy
    f.moved += knot.value
    f.promised += f.open + energy
    if f.dark or unseen_ns > 0:
        f.unfit = 1
    f.on_time = not (f.dark or knot.kind & (SAMPLE_GUESSED | SAMPLE_LATE))
    if f.moved >= SETTLE_AFTER * knot.step or fabs(f.carry) > knot.step:
        f.made_up += f.carry
        f.guessed = f.dark | (knot.kind & SAMPLE_GUESSED)
        settle(f, energy, unseen_ns, knot.time_ns - start_ns)
        if f.unfit or knot.time_ns - f.judged_ns >= compared_ns():
            judge(f)
            judge_anew(f, knot.time_ns)


cdef inline void settle(
    Flow* f, double energy, int64_t unseen_ns, int64_t length_ns
) noexcept nogil:
    """Divide what is carried over the time: where nobody looked, else by shape.

    It never makes a flow negative; what does not fit is made up for by later gains.
    """
    cdef double due = f.carry
    f.carry = f.moved = 0
    if due > 0 and unseen_ns > 0:
        f.fill = due / <double>unseen_ns
    elif due > 0 and energy <= 0:
        f.fill = due / <double>length_ns
        f.everywhere = 1
    elif energy > 0:
        f.carry = min(due + energy, 0)
        due = max(due, -energy)
        f.scale = (energy + due) / energy
        if due > 0 and f.guessed:
            f.claimed = due / (energy + due)
    else:
        f.carry = due
    f.dark = 0


cdef inline void judge(Flow* f) noexcept nogil:
    """Compare what power promised with what the counter gained."""
    cdef double ratio = NAN
    if f.promised > 0:
        ratio = (f.promised + f.made_up) / f.promised
    if not f.unfit and not agree(ratio) and (f.promised > 0 or f.made_up > 0):
        f.misfit = 1
        f.ratio = ratio
