"""What a gateway still works at: requests that it did not answer in time.

Behind most gateways is a serial line, on which they do one thing at a time: while
one waits for a unit that does not answer, the requests to all others wait, too. So
the units that are asked next are waited for longer. For how long a gateway is held up
is learnt, to be waited for at the expense of the unit that is to blame.
"""

#: How long a gateway may wait for a unit; most are set to less than a second.
LONGEST_HOLD_NS = 5_000_000_000


class Backlog:
    """The unanswered requests of one connection; times are monotonic, in ns."""

    def __init__(self) -> None:
        #: Whether the gateway may still work at something.
        self.waits = False
        # The number of the last unanswered request.
        self._last = 0
        # Since when the gateway works at the first of them.
        self._since_ns = 0
        # How long it was held up lately, 0 if it never was; and how long it may be.
        self._hold_ns = 0
        self._limit_ns = LONGEST_HOLD_NS

    @property
    def likely_ns(self) -> int:
        """By when it is probably done.

        A little sooner, which shows when it is held up less than before.
        """
        return self._since_ns + self._hold_ns * 7 // 8 if self.waits else 0

    @property
    def surely_ns(self) -> int:
        """By when it is done, unless it takes far longer than it did lately."""
        return self._since_ns + self._limit_ns if self.waits else 0

    def unanswered(self, number: int, sent_ns: int) -> None:
        """Note that request *number*, sent at *sent_ns*, was not answered in time."""
        if not self.waits or sent_ns >= self._since_ns + LONGEST_HOLD_NS:
            self._since_ns = sent_ns
        self.waits = True
        self._last = number

    def answered(self, number: int, now_ns: int) -> None:
        """Note that request *number* is answered after all, if it waited for that."""
        if self.waits and number <= self._last:
            self._held_until(now_ns)
            self._since_ns = now_ns
            self.waits = number != self._last

    def caught_up(self, sent_ns: int, done_ns: int, *, late: bool) -> None:
        """Note the answer to a new request; *late* if it took longer than usual."""
        if self.waits and late:
            self._held_until(done_ns)
        elif self.waits:
            self._hold_ns -= self._hold_ns // 8
            free_ns = max(2 * self._hold_ns, sent_ns - self._since_ns)
            self._limit_ns = min(self._limit_ns, free_ns)
        self.waits = False

    def _held_until(self, free_ns: int) -> None:
        hold_ns = min(free_ns - self._since_ns, LONGEST_HOLD_NS)
        self._hold_ns = max(hold_ns, self._hold_ns - self._hold_ns // 8)
        self._limit_ns = min(2 * self._hold_ns, LONGEST_HOLD_NS)
