from array import array
from typing import Final, final

SETTLE_STEPS: Final[int]

@final
class ProfileBank:
    """Energies of flows out of what counters gained and powers showed.

    A flow has a counter, which gives the total, and mostly a power, which gives the
    shape; without a counter, power alone gives both. What is read is kept until its
    time is booked: ``cut`` takes the time out piece by piece, in order. Amounts are
    in the counter's unit.

    Between two values of the counter, a flow without a power takes the gain evenly.
    One with a power has this as last seen (its positive part, after the sign), and
    nothing once it is stale. What the counter gained more, or less, is carried until
    the counter moved SETTLE_STEPS steps, or until it is more than a step; then it
    goes, up to the counter's next value, into the time that power did not see, or
    scales power, or, where power showed nothing, is spread evenly. No flow is ever
    negative: what does not fit is carried on. What a counter brings of time that is
    cut already is carried as well.

    After the counter's last value stands power alone, or the mean rate between the
    last two as long as the counter is not stale. So it does before the first value,
    and between the last value of one meter and the first of another.
    """

    def __init__(
        self,
        counters: int,
        powers: int,
        counter_of: array[int],
        power_of: array[int],
        power_times: array[float],
        stale_ns: array[int],
    ) -> None:
        """Make flows, each with a counter and a power, or one of them (-1: none).

        *power_times* turns the power's unit into the counter's an hour; it is
        negative for a flow against the power's direction. A value of a counter, or
        of a power after them, is stale when it is older than its *stale_ns*. Where
        that is 0, the point's own values say it: three times the median of the last
        five intervals between those taken in (the lower one of two), whatever is not
        later than the last left out. Before there is one, a counter is late for
        nothing, and a power holds until the next value, or for 15 minutes without.
        Raises UsageError.
        """

    def knots(
        self,
        counter: int,
        times_ns: array[int],
        gains: array[float],
        steps: array[float],
        since_ns: array[int],
        qualities: bytes | bytearray,
        flags: bytes | bytearray,
    ) -> None:
        """Take in what a counter did, as CounterBank.column tells it.

        Times of a point do not fall: what is earlier than the last counts as of its
        time. Raises UsageError.
        """

    def samples(
        self,
        power: int,
        times_ns: array[int],
        values: array[float],
        qualities: bytes | bytearray,
        highest: float,
    ) -> None:
        """Take in values of a power; what is beyond +-*highest* was not seen.

        Raises UsageError.
        """

    def extremes(self, power: int) -> tuple[float, float]:
        """Return the lowest and the highest value of a power; inf, -inf: none."""

    def watermark(self, now_ns: int, resumed_ns: int, wait_ns: int) -> int:
        """Return up to when counters have said what flowed, *now_ns* at most.

        So have powers, where there is no counter, or where only their second value
        will say how long the first one held. What is silent is waited for until it is
        stale, counted from *resumed_ns* at the earliest, and for *wait_ns* at most; a
        *wait_ns* of -1: without limit, but for one that has never answered.
        """

    def rates(self, now_ns: int) -> array[float]:
        """Return each flow's rate an hour, as last seen; NaN when that is stale."""

    def interrupt(self) -> None:
        """Compare no power with a counter over this moment."""

    def end(self) -> None:
        """Expect no more values: no mean rate stands in for what a counter gains."""

    def rebase(self, step_ns: int) -> None:
        """Follow a clock that stepped: move all remembered times."""

    def cut(
        self, start_ns: int, end_ns: int, tick_ns: int
    ) -> tuple[array[int], array[float], array[float], array[float], array[int]]:
        """Take out the time from *start_ns*, where the last cut ended.

        Returns the edges of its steps, one more than these: its ends, and every
        multiple of *tick_ns* at which, or between which and the next, a rate changes;
        the energy of each flow, step after step; and by flow, its energy in all, the
        part of it of which no meter saw when or whether it flowed, and how long it
        was not seen (ns). Raises UsageError.
        """

    def misfits(self) -> list[tuple[int, float]]:
        """Return the flows whose power and counter have not agreed, once.

        With each, the counter's gain over what power promised, which lies outside of
        0.9 to 1.1 over a minute or more; NaN: power promised nothing.
        """

    def begin(self, i: int, since_ns: int, carry: float) -> None:
        """Let flow *i* go on from *since_ns*, where *carry* was yet to be booked."""

    def flow_state(self, i: int) -> bytes:
        """Return what a flow must know to go on, without its configuration."""

    def restore_flow(self, i: int, state: bytes) -> None:
        """Take up a flow, after its series; FormatError if that is no state."""

    def series_state(self, k: int) -> bytes:
        """Return what was read and is not booked; counters come first, then powers."""

    def restore_series(self, k: int, state: bytes) -> None:
        """Take up what was read; FormatError if that is no state."""
