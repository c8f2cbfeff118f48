"""How much of a bus's time a unit may waste that keeps failing, but is not down.

A time-out and the silence after it cost a hundred good reads. A unit may waste
BURST_NS at once and WASTE_SHARE of the time on the whole, as long as others are read
meanwhile; then it is left alone until the account allows for another attempt.
"""

#: What a unit may waste at once.
BURST_NS = 1_000_000_000

#: The part of the time that it may waste, on the whole.
WASTE_SHARE = 0.025


class Allowance:
    """The account of one unit; times are those of one monotonic clock, in ns."""

    __slots__ = ("_empty_ns",)

    def __init__(self) -> None:
        #: When the account is even: before, the unit has wasted too much.
        self._empty_ns = -int(BURST_NS / WASTE_SHARE)

    def waste(self, now_ns: int, cost_ns: int) -> None:
        """Note that an attempt which ended at *now_ns* cost *cost_ns* for nothing."""
        full_ns = now_ns - int(BURST_NS / WASTE_SHARE)
        self._empty_ns = max(self._empty_ns, full_ns) + int(cost_ns / WASTE_SHARE)

    def spent(self, now_ns: int) -> bool:
        """Whether the unit should be left alone."""
        return now_ns < self._empty_ns
