from array import array
from typing import Final, final

FIRST: Final[int]
ACCEPTED: Final[int]
MISSING: Final[int]
ROLLOVER: Final[int]
JITTER: Final[int]
HELD: Final[int]
JUMP: Final[int]
RESET: Final[int]

@final
class CounterBank:
    """Registers of energy, volume or mass turned into increments to book.

    Five rules, in this order, for a raw value ``now`` against the accepted one
    before it, ``dt`` after it; ``d`` is the difference, ``bound`` is
    ``max_rate_per_s * dt + step``:

    1. rejected, missing or not finite: nothing, the baseline stays (MISSING);
    2. ``0 <= d <= bound``: accepted (ACCEPTED);
    3. ``d < 0`` and ``0 <= modulus + d <= bound``: the register rolled over
       (ACCEPTED, ROLLOVER);
    4. ``-2 step <= d < 0``: jitter, booked as 0, the high water stays
       (ACCEPTED, JITTER);
    5. else held (HELD). Values that fit rules 2 to 4 over the whole time since
       the baseline end it. The third of three held values in a row that are
       consistent among themselves (rules 2 and 4) ends it as a reset: only what was
       counted among those three is booked, and a gap opens (ACCEPTED, RESET).

    Of a watched counter, the value after a jump has the flag JUMP beside its own: a
    gain by rule 2 or 3 that was at least 20 times as much and as fast as any before,
    of ten at least, and 20 times as fast as the next, or the last before a reset. It
    is booked all the same.

    Comparisons allow for the rounding of the values themselves (2**-50 of the
    greater one). Units are the caller's, the same for step, modulus, rate and
    values of one counter.
    """

    def __init__(self, count: int) -> None:
        """Make *count* counters, each to be configured before its first value."""

    def configure(
        self,
        i: int,
        step: float,
        modulus: float,
        max_rate_per_s: float,
        float_scale: float = 0.0,
        watched: bool = False,
    ) -> None:
        """Set what counter *i* can do; what it has counted stays.

        *step* (>= 0) is its smallest increment; of a float32, whose increments grow
        with its value, *float_scale* is the value of a register that reads 1, else
        0. *modulus* is where it rolls over, 0 when that is not known;
        *max_rate_per_s* (> 0) is the fastest it can count; *watched* when that is
        not known of this very meter, so that jumps are told. Raises UsageError.
        """

    def column(
        self,
        i: int,
        times_ns: array[int],
        values: array[float],
        qualities: bytes | bytearray,
        gains: array[float],
        steps: array[float],
        since_ns: array[int],
        flags: bytearray,
    ) -> int:
        """Take values of counter *i* in the order of their times.

        For each value, of a quality and a time, are written: what to book (>= 0),
        the smallest increment by then, the time since which that was gained when
        the flag is RESET (else the value's own), and the flags. A time before the
        last one counts as no time at all: use ``rebase`` when the clock steps.
        Returns all flags, or-ed. Raises UsageError, before anything was taken.
        """

    def change(
        self, i: int, time_ns: int, final: float = ..., start: float = ...
    ) -> float:
        """Put another meter, or another ratio, in the place of counter *i*.

        *final* is what the old one read last, *start* what the new one reads at
        first; NaN: not known, and then the next value is the first. Returns what is
        to book up to *time_ns*, NaN when that is not known. The index goes on.
        """

    def index(self, i: int) -> float:
        """Return the stitched index of counter *i*: it never falls.

        It starts as the first good raw value and is the high water of the raw
        value plus an offset that changes only when the register rolls over or
        is reset or changed. NaN before the first good value.
        """

    def jumps(self, i: int) -> bool:
        """Say whether the last gain of *i* is a jump, if none like it follows."""

    def step(self, i: int) -> float:
        """Return the smallest increment of counter *i* at its present value."""

    def last_time_ns(self, i: int) -> int:
        """Return the time of the last accepted value of counter *i*; -1 if none."""

    def rebase(self, step_ns: int) -> None:
        """Follow a clock that stepped by *step_ns*: move all remembered times."""

    def state(self) -> bytes:
        """Return what was counted, without the configuration.

        Little-endian: ``ZMcn``, u16 version 3, u16 zero, u32 count, then 91 bytes
        per counter: f64 raw, offset, index; i64 time; f64 held first, held
        high; i64 time of the first held and of the last; u8 seen (2: the next value
        is that of another meter), u8 held values; f64 fastest rate (per ns), f64
        most gained at once, f64 rate of what may be a jump, u8 gains, up to 10.
        """

    def restore(self, state: bytes) -> None:
        """Take up *state*; FormatError, and nothing changed, if it does not fit."""
