"""How long a unit thinks: when to look for its reply, and when to give it up."""

#: Time-outs are this many times the filtered turnaround, within floor and cap. The
#: floor covers adapters that hand over input every 16 ms and a busy machine.
TIMEOUT_FACTOR = 4
TIMEOUT_FLOOR_NS = 100_000_000

#: What is assumed for planning before anything was measured.
ASSUMED_NS = 20_000_000

#: Waking up takes about this much longer than asked for. A measured turnaround
#: contains it, and the next look will suffer it again.
_WAKE_NS = 50_000

#: Beyond this mean deviation, a unit is looked at by its quickest replies.
_JITTER_NS = 100_000

#: So many looks in a row that were too early mean that the unit has become slower.
_SLOWER_AFTER = 8


class Turnaround:
    """The turnaround of one unit, learnt from its replies.

    ``look_ns`` is when the first look pays: late enough to find most replies whole
    with one wake-up, early enough to lose no bus time. A reply that was whole at
    the first look tells only that the look may have been late, so looks creep
    earlier, faster and faster, until one finds the reply unfinished and measures.
    *known_ns* is what was learnt before, 0 for nothing.
    """

    def __init__(self, character_ns: int, cap_ns: int, known_ns: int = 0) -> None:
        self._first_step_ns = max(character_ns // 32, 1)
        self._step_ns = self._first_step_ns
        self.cap_ns = cap_ns
        self._filtered_ns: int | None = known_ns or None
        self._patience_ns = 0
        self._early_looks = 0
        # The mean deviation of the turnaround, as far as it was measured.
        self._deviation_ns = 0
        self._steady_ns = max(_JITTER_NS, character_ns // 4)
        self.look_ns = 0

    @property
    def filtered_ns(self) -> int:
        """The turnaround, smoothed; ASSUMED_NS before the first reply."""
        return ASSUMED_NS if self._filtered_ns is None else self._filtered_ns

    @property
    def known_ns(self) -> int:
        """The turnaround, smoothed; 0 before the first reply."""
        return self._filtered_ns or 0

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
        if not overslept:
            off_ns = abs(latency_ns - self._filtered_ns)
            self._deviation_ns += (off_ns - self._deviation_ns) // 8
        if self._deviation_ns > self._steady_ns:
            # An early look costs a wake-up, a late one costs bus time.
            self.look_ns = max(0, self._filtered_ns - 2 * self._deviation_ns - _WAKE_NS)
            return
        if overslept:
            self.look_ns = max(0, self.look_ns - self._step_ns)
            self._step_ns *= 2
            self._early_looks = 0
            return
        self._step_ns = self._first_step_ns
        self._early_looks += 1
        late_ns = latency_ns - _WAKE_NS - self.look_ns
        if self.look_ns and self._early_looks < _SLOWER_AFTER:
            # One slow reply is jitter: stay near the fast ones, which would lose time.
            late_ns = min(late_ns, 8 * self._first_step_ns)
        self.look_ns = max(0, self.look_ns + late_ns)

    def timed_out(self) -> None:
        """Be more patient for a while: up to the cap, if it happens again."""
        self._patience_ns = min(2 * self.timeout_ns, self.cap_ns)

    def was_late(self, latency_ns: int) -> None:
        """Note a reply that came only *latency_ns* after the request."""
        self._patience_ns = min(2 * latency_ns, self.cap_ns)
