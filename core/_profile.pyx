"""Counters give the total, powers the shape: the energies of flows, step by step."""

import struct
from array import array

cimport cython
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport fabs, INFINITY, isfinite as is_finite, NAN
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free
from zerometer.core._pace cimport INTERVALS, Pace, stale_after_ns, unlearnt_ns
from zerometer.core._segments cimport add, fill, mark, Segments
from zerometer.core._series cimport (
    add_break, add_knot, append, clear, drop, follow, heard_ns, held_open, kind_of,
    Sample, Series, stale_at,
)
from zerometer.core._settle cimport Flow, look, Piece, plan, SETTLE_AFTER, take_late

from zerometer.core import _counter
from zerometer.core.errors import FormatError, UsageError

cdef enum:
    REJECTED_QUALITY = 5      # from here on a value says nothing: Quality.REJECTED

cdef double NS_PER_HOUR = 3.6e12

cdef uint8_t FLAG_ACCEPTED = _counter.ACCEPTED
cdef uint8_t FLAG_FIRST = _counter.FIRST
cdef uint8_t FLAG_RESET = _counter.RESET

SETTLE_STEPS = SETTLE_AFTER

_FLOW = struct.Struct("<qBBBBBBqqddddddqdd")
_SERIES = struct.Struct("<qdddqBB5q")
_SAMPLE = struct.Struct("<qddqB")


@cython.final
cdef class ProfileBank:
    cdef Flow* flows
    cdef Py_ssize_t count
    cdef Series* series           # of the counters, then of the powers
    cdef Py_ssize_t counters
    cdef Py_ssize_t all_series
    cdef Segments segments        # of the cut, flow after flow
    cdef Py_ssize_t* firsts       # where each flow's begin, and where all end

    def __cinit__(self, counters, powers, counter_of, *_):
        cdef Py_ssize_t i
        self.count, self.counters = len(counter_of), counters
        self.all_series = counters + powers
        # One too many, so that an empty bank has memory as well.
        self.flows = <Flow*>PyMem_Calloc(self.count + 1, sizeof(Flow))
        self.series = <Series*>PyMem_Calloc(self.all_series + 1, sizeof(Series))
        self.firsts = <Py_ssize_t*>PyMem_Calloc(self.count + 1, sizeof(Py_ssize_t))
        if not (self.flows and self.series and self.firsts):
            raise MemoryError
        for i in range(self.all_series):
            self.series[i].last_ns = self.series[i].pace.read_ns = -1
            self.series[i].mean = NAN
            self.series[i].lowest = INFINITY
            self.series[i].highest = -INFINITY

    def __init__(
        self, counters, powers, counter_of, power_of, power_times, stale_ns
    ) -> None:
        cdef Py_ssize_t i
        cdef Flow* f
        for i in range(self.count):
            if not -1 <= counter_of[i] < counters:
                raise UsageError(
                    f"profile: flow {i}, counter - {counter_of[i]} - below {counters}"
                )
            if not -1 <= power_of[i] < powers:
                raise UsageError(
                    f"profile: flow {i}, power - {power_of[i]} - below {powers}"
                )
            if counter_of[i] < 0 and power_of[i] < 0:
                raise UsageError(f"profile: flow {i} - neither counter nor power")
            f = &self.flows[i]
            f.counter = counter_of[i]
            f.power = counters + power_of[i] if power_of[i] >= 0 else -1
            f.per_ns = power_times[i] / NS_PER_HOUR
            f.since_ns = f.planned_ns = f.judged_ns = -1
        for i in range(self.all_series):
            self.series[i].learns = stale_ns[i] == 0
            self.series[i].stale_ns = stale_ns[i] or unlearnt_ns()

    def __dealloc__(self):
        cdef Py_ssize_t i
        if self.series != NULL:
            for i in range(self.all_series):
                clear(&self.series[i])
        PyMem_Free(self.flows)
        PyMem_Free(self.series)
        PyMem_Free(self.firsts)
        free(self.segments.items)

    def knots(
        self,
        Py_ssize_t counter,
        const int64_t[::1] times_ns not None,
        const double[::1] gains not None,
        const double[::1] steps not None,
        const int64_t[::1] since_ns not None,
        const uint8_t[::1] qualities not None,
        const uint8_t[::1] flags not None,
    ) -> None:
        cdef Py_ssize_t size = times_ns.shape[0], j
        cdef Series* series
        cdef bint kept = True
        self._check("counter", counter, self.counters)
        series = &self.series[counter]
        if not (
            gains.shape[0] == steps.shape[0] == since_ns.shape[0] == size
            and qualities.shape[0] == flags.shape[0] == size
        ):
            raise UsageError(f"profile: columns - not all of length {size}")
        with nogil:
            for j in range(size):
                if not flags[j] & FLAG_ACCEPTED:
                    continue
                if flags[j] & (FLAG_FIRST | FLAG_RESET):
                    kept &= add_break(series, since_ns[j], steps[j])
                if not flags[j] & FLAG_FIRST:
                    kept &= add_knot(
                        series, times_ns[j], gains[j], steps[j], kind_of(qualities[j])
                    )
                follow(series, times_ns[j])
        if not kept:
            raise MemoryError

    def samples(
        self,
        Py_ssize_t power,
        const int64_t[::1] times_ns not None,
        const double[::1] values not None,
        const uint8_t[::1] qualities not None,
        double highest,
    ) -> None:
        cdef Py_ssize_t size = times_ns.shape[0], j
        cdef Series* series
        cdef bint kept = True
        self._check("power", power, self.all_series - self.counters)
        series = &self.series[self.counters + power]
        if not (values.shape[0] == size and qualities.shape[0] == size):
            raise UsageError(f"profile: columns - not all of length {size}")
        with nogil:
            for j in range(size):
                # What is no number, or more than there can be, is not seen.
                if qualities[j] < REJECTED_QUALITY and fabs(values[j]) <= highest:
                    follow(series, times_ns[j])
                    kept &= append(
                        series, times_ns[j], values[j], 0, kind_of(qualities[j])
                    )
        if not kept:
            raise MemoryError

    def extremes(self, Py_ssize_t power) -> tuple[float, float]:
        self._check("power", power, self.all_series - self.counters)
        return (
            self.series[self.counters + power].lowest,
            self.series[self.counters + power].highest,
        )

    def watermark(
        self, int64_t now_ns, int64_t resumed_ns, int64_t wait_ns
    ) -> int:
        cdef int64_t known_ns = now_ns
        cdef Flow* f
        cdef Py_ssize_t i
        for i in range(self.count):
            f = &self.flows[i]
            if f.counter >= 0:
                known_ns = min(known_ns, heard_ns(
                    &self.series[f.counter], now_ns, resumed_ns, wait_ns
                ))
            # How long the first power holds, only the second says.
            if f.power >= 0 and (f.counter < 0 or held_open(&self.series[f.power])):
                known_ns = min(known_ns, heard_ns(
                    &self.series[f.power], now_ns, resumed_ns, wait_ns
                ))
        return known_ns

    def rates(self, int64_t now_ns) -> array:
        rates = array("d", bytes(8 * self.count))
        cdef double[::1] out = rates
        cdef Py_ssize_t i
        for i in range(self.count):
            out[i] = self._rate(&self.flows[i], now_ns)
        return rates

    cdef double _rate(self, const Flow* f, int64_t now_ns) noexcept nogil:
        """Return a flow's rate as last seen, an hour; NaN when that is stale."""
        cdef Series* series
        if f.power < 0:
            series = &self.series[f.counter]
            return series.mean * NS_PER_HOUR if now_ns <= stale_at(series) else NAN
        series = &self.series[f.power]
        if series.end == series.start or now_ns > stale_at(series):
            return NAN
        return max(series.samples[series.end - 1].value * f.per_ns * NS_PER_HOUR, 0)

    def interrupt(self) -> None:
        cdef Py_ssize_t i
        for i in range(self.count):
            self.flows[i].unfit = 1

    def end(self) -> None:
        cdef Py_ssize_t k
        for k in range(self.counters):
            self.series[k].mean = NAN

    def rebase(self, int64_t step_ns) -> None:
        cdef Py_ssize_t i, j
        cdef Series* series
        self.interrupt()
        for i in range(self.all_series):
            series = &self.series[i]
            if series.last_ns >= 0:
                series.last_ns += step_ns
            if series.pace.read_ns >= 0:
                series.pace.read_ns += step_ns
            for j in range(series.start, series.end):
                series.samples[j].time_ns += step_ns
        for i in range(self.count):
            if self.flows[i].since_ns >= 0:
                self.flows[i].since_ns += step_ns
                self.flows[i].planned_ns += step_ns
                self.flows[i].judged_ns += step_ns

    def cut(self, int64_t start_ns, int64_t end_ns, int64_t tick_ns) -> tuple:
        if not 0 <= start_ns < end_ns or tick_ns <= 0:
            raise UsageError(
                f"profile: time - {start_ns} to {end_ns} by {tick_ns} ns - forward"
            )
        if not self._lay(start_ns, end_ns):
            raise MemoryError
        edges = self._edges(start_ns, end_ns, tick_ns)
        energies = array("d", bytes(8 * (len(edges) - 1) * self.count))
        totals = array("d", bytes(8 * self.count))
        guessed = array("d", bytes(8 * self.count))
        unseen = array("q", bytes(8 * self.count))
        if self.count:
            self._fill(edges, energies, totals, guessed, unseen)
        self._forget(end_ns)
        return edges, energies, totals, guessed, unseen

    def misfits(self) -> list:
        cdef Py_ssize_t i
        found = []
        for i in range(self.count):
            if self.flows[i].misfit:
                found.append((i, self.flows[i].ratio))
                self.flows[i].misfit = 0
        return found

    cdef bint _lay(self, int64_t start_ns, int64_t end_ns) noexcept nogil:
        """Write each flow's segments of the time; say whether there was memory."""
        cdef Py_ssize_t i
        self.segments.used = 0
        for i in range(self.count):
            self.firsts[i] = self.segments.first = self.segments.used
            if not self._lay_flow(&self.flows[i], start_ns, end_ns):
                return False
        self.firsts[self.count] = self.segments.used
        return True

    cdef bint _lay_flow(
        self, Flow* f, int64_t start_ns, int64_t end_ns
    ) noexcept nogil:
        cdef Series* counter = &self.series[max(f.counter, 0)]
        cdef Series* power = &self.series[max(f.power, 0)]
        cdef int64_t at = start_ns, until
        cdef Py_ssize_t sample = 0
        if f.counter < 0:
            return self._extrapolate(f, at, end_ns, sample)
        if f.since_ns < 0:
            f.since_ns = f.planned_ns = f.judged_ns = start_ns
        while at < end_ns:
            if at >= f.planned_ns:
                take_late(f, counter, at)
                if counter.start + f.next == counter.end:
                    return self._extrapolate(f, at, end_ns, sample)
                plan(f, counter, power, at, sample)
            until = min(f.planned_ns, end_ns)
            if not self._emit(f, at, until, &sample):
                return False
            at = until
        return True

    cdef bint _emit(
        self, Flow* f, int64_t at, int64_t until, Py_ssize_t* sample
    ) noexcept nogil:
        """Write the segments of a time of which the counter says how much."""
        cdef Piece piece
        cdef double rate, guessed
        if f.power < 0:
            guessed = f.fill if f.guessed else 0
            return add(&self.segments, until, f.fill, guessed, f.guessed)
        while at < until:
            look(f, &self.series[f.power], at, until, sample, &piece)
            rate = piece.rate * f.scale
            guessed = rate if piece.guessed else rate * f.claimed
            if piece.unseen or f.everywhere:
                rate += f.fill
                piece.unseen = piece.unseen and not f.on_time
                guessed += f.fill if piece.unseen or f.guessed else 0
            if not add(&self.segments, piece.end_ns, rate, guessed, piece.unseen):
                return False
            at = piece.end_ns
        return True

    cdef bint _extrapolate(
        self, Flow* f, int64_t at, int64_t until, Py_ssize_t sample
    ) noexcept nogil:
        """Write the segments of a time of which no counter has said anything yet."""
        cdef Series* counter = &self.series[max(f.counter, 0)]
        cdef int64_t stale_ns = stale_at(counter)
        cdef Piece piece
        while at < until:
            if f.power >= 0:
                look(f, &self.series[f.power], at, until, &sample, &piece)
            else:
                piece.rate, piece.end_ns = 0, until
                piece.unseen = piece.guessed = 1
                if at < stale_ns and is_finite(counter.mean):
                    piece.rate, piece.end_ns = counter.mean, min(until, stale_ns)
                    piece.unseen = 0
            f.open += piece.rate * <double>(piece.end_ns - at)
            f.dark |= piece.unseen
            if not add(
                &self.segments, piece.end_ns, piece.rate,
                piece.rate if piece.guessed else 0, piece.unseen,
            ):
                return False
            at = piece.end_ns
        return True

    cdef _edges(self, int64_t start_ns, int64_t end_ns, int64_t tick_ns):
        """Return the edges of the steps: where a tick begins that is another one."""
        cdef Py_ssize_t ticks = 0, steps = 1, i
        cdef int64_t first_ns = (start_ns // tick_ns + 1) * tick_ns
        cdef uint8_t[::1] marks
        cdef int64_t[::1] edges
        if first_ns < end_ns:
            ticks = (end_ns - 1 - first_ns) // tick_ns + 1
        marks = bytearray(ticks + 1)
        with nogil:
            for i in range(self.count):
                mark(
                    self.segments.items + self.firsts[i],
                    self.firsts[i + 1] - self.firsts[i],
                    first_ns, tick_ns, marks, ticks,
                )
            for i in range(ticks):
                steps += marks[i]
        found = array("q", bytes(8 * (steps + 1)))
        edges = found
        edges[0], edges[steps] = start_ns, end_ns
        steps = 1
        for i in range(ticks):
            if marks[i]:
                edges[steps] = first_ns + i * tick_ns
                steps += 1
        return found

    cdef _fill(
        self,
        const int64_t[::1] edges,
        double[::1] energies,
        double[::1] totals,
        double[::1] guessed,
        int64_t[::1] unseen,
    ):
        cdef Py_ssize_t i
        with nogil:
            for i in range(self.count):
                fill(
                    self.segments.items + self.firsts[i], edges,
                    &energies[i], self.count, &totals[i], &guessed[i], &unseen[i],
                )

    cdef void _forget(self, int64_t end_ns) noexcept nogil:
        """Drop the samples that say nothing of what is not booked yet."""
        cdef Py_ssize_t i, k
        cdef Series* series
        for k in range(self.counters):
            self.series[k].spent = self.series[k].end - self.series[k].start
        for i in range(self.count):
            k = self.flows[i].counter
            if k >= 0:
                self.series[k].spent = min(self.series[k].spent, self.flows[i].next)
        for i in range(self.count):
            k = self.flows[i].counter
            if k >= 0:
                self.flows[i].next -= self.series[k].spent
        for k in range(self.counters, self.all_series):
            series = &self.series[k]
            series.spent = 0
            while (
                series.start + series.spent + 1 < series.end
                and series.samples[series.start + series.spent + 1].time_ns <= end_ns
            ):
                series.spent += 1
        for k in range(self.all_series):
            drop(&self.series[k], self.series[k].spent)

    def begin(self, Py_ssize_t i, int64_t since_ns, double carry) -> None:
        cdef Series* counter
        self._check("flow", i, self.count)
        self.flows[i].counted = 1
        self.flows[i].since_ns = self.flows[i].planned_ns = since_ns
        self.flows[i].judged_ns = since_ns
        self.flows[i].carry = carry
        self.flows[i].unfit = 1
        counter = &self.series[self.flows[i].counter]
        counter.last_ns = max(counter.last_ns, since_ns)

    def flow_state(self, Py_ssize_t i) -> bytes:
        cdef Flow* f
        self._check("flow", i, self.count)
        f = &self.flows[i]
        return _FLOW.pack(
            f.next, f.counted, f.dark, f.everywhere, f.guessed, f.on_time, f.unfit,
            f.since_ns, f.planned_ns, f.open, f.carry, f.moved, f.scale, f.fill,
            f.claimed, f.judged_ns, f.promised, f.made_up,
        )

    def restore_flow(self, Py_ssize_t i, bytes state not None) -> None:
        cdef Flow* f
        cdef Series* counter
        self._check("flow", i, self.count)
        if len(state) != _FLOW.size:
            raise FormatError(f"profile: flow {i} - {len(state)} bytes of state")
        f = &self.flows[i]
        (
            f.next, f.counted, f.dark, f.everywhere, f.guessed, f.on_time, f.unfit,
            f.since_ns, f.planned_ns, f.open, f.carry, f.moved, f.scale, f.fill,
            f.claimed, f.judged_ns, f.promised, f.made_up,
        ) = _FLOW.unpack(state)
        counter = &self.series[max(f.counter, 0)]
        f.next = max(min(f.next, counter.end - counter.start), 0)

    def series_state(self, Py_ssize_t k) -> bytes:
        cdef Series* series
        cdef Sample* sample
        cdef Py_ssize_t j
        self._check("series", k, self.all_series)
        series = &self.series[k]
        parts = [
            _SERIES.pack(
                series.last_ns, series.mean, series.lowest, series.highest,
                series.pace.read_ns, series.pace.known, series.pace.next,
                *series.pace.intervals,
            )
        ]
        for j in range(series.start, series.end):
            sample = &series.samples[j]
            parts.append(
                _SAMPLE.pack(
                    sample.time_ns, sample.value, sample.step, sample.stale_ns,
                    sample.kind,
                )
            )
        return b"".join(parts)

    def restore_series(self, Py_ssize_t k, bytes state not None) -> None:
        cdef Series* series
        cdef Pace pace
        cdef Py_ssize_t j
        self._check("series", k, self.all_series)
        if len(state) < _SERIES.size or (len(state) - _SERIES.size) % _SAMPLE.size:
            raise FormatError(f"profile: series {k} - {len(state)} bytes of state")
        series = &self.series[k]
        series.start = series.end = 0
        series.last_ns = -1
        for time_ns, value, step, stale_ns, kind in _SAMPLE.iter_unpack(
            state[_SERIES.size:]
        ):
            if not append(series, time_ns, value, step, kind):
                raise MemoryError
            series.samples[series.end - 1].stale_ns = stale_ns
        (
            series.last_ns, series.mean, series.lowest, series.highest,
            pace.read_ns, pace.known, pace.next, *intervals,
        ) = _SERIES.unpack_from(state)
        pace.known, pace.next = min(pace.known, INTERVALS), pace.next % INTERVALS
        for j, interval in enumerate(intervals):
            pace.intervals[j] = interval
        if series.learns:
            series.pace, series.stale_ns = pace, stale_after_ns(&pace)

    cdef int _check(self, str what, Py_ssize_t i, Py_ssize_t count) except -1:
        if not 0 <= i < count:
            raise UsageError(f"profile: {what} - {i} - 0 to {count - 1}")
        return 0
