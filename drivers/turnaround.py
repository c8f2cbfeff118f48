"""How long a unit thinks: when to look for its reply, and when to give it up."""

#: Time-outs are this many times the filtered turnaround, within floor and cap. The
#: floor covers adapters that hand over input every 16 ms and a busy machine.
TIMEOUT_FACTOR = 4
TIMEOUT_FLOOR_NS = 100_000_000

#: What is assumed for planning before anything was measured.
ASSUMED_NS = 20_000_000

#: Added to a measured turnaround, so that waking up is not just too early.
_SLACK_NS = 30_000


class Turnaround:
    """The turnaround of one unit, learnt from its replies.

    ``look_ns`` is when the first look pays: late enough to find most replies whole
    with one wake-up, early enough to lose no bus time. A reply that was whole at
    the first look tells only that the look may have been late, so looks creep
    earlier, faster and faster, until one finds the reply unfinished and measures.
    """

    def __init__(self, character_ns: int, cap_ns: int) -> None:
        self._first_step_ns = max(character_ns // 32, 1)
        self._step_ns = self._first_step_ns
        self.cap_ns = cap_ns
        self._filtered_ns: int | None = None
        self._patience_ns = 0
        self.look_ns = 0

    @property
    def filtered_ns(self) -> int:
        """The turnaround, smoothed; ASSUMED_NS before the first reply."""
        return ASSUMED_NS if self._filtered_ns is None else self._filtered_ns

    @property
    def timeout_ns(self) -> int:
        """How long after it could be there a reply is given up."""
        if self._filtered_ns is None:
            return self.cap_ns
        wanted_ns = max(TIMEOUT_FACTOR * self._filtered_ns, TIMEOUT_FLOOR_NS)
        return min(max(wanted_ns, self._patience_ns), self.cap_ns)

    def replied(self, latency_ns: int, overslept: bool) -> None:
        """Note a reply, and whether it was whole at the first look."""
        latency_ns = max(latency_ns, 0)
        self._patience_ns -= self._patience_ns // 8
        if self._filtered_ns is None:
            self._filtered_ns = latency_ns
        else:
            self._filtered_ns += (latency_ns - self._filtered_ns) // 8
        if overslept:
            self.look_ns = max(0, self.look_ns - self._step_ns)
            self._step_ns *= 2
            return
        self._step_ns = self._first_step_ns
        late_ns = latency_ns + _SLACK_NS - self.look_ns
        near_ns = 8 * self._first_step_ns + _SLACK_NS
        if self.look_ns == 0 or late_ns <= near_ns:
            self.look_ns += late_ns
        else:
            # Jitter: stay near the fast replies, it is them that would lose time.
            self.look_ns += max(late_ns // 8, near_ns)
        self.look_ns = max(0, self.look_ns)

    def timed_out(self) -> None:
        """Be more patient for a while: up to the cap, if it happens again."""
        self._patience_ns = min(2 * self.timeout_ns, self.cap_ns)

    def was_late(self, latency_ns: int) -> None:
        """Note a reply that came only *latency_ns* after the request."""
        self._patience_ns = min(2 * latency_ns, self.cap_ns)
