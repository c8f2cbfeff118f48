"""When something that does not answer is left alone, and when it is tried again.

A sick meter must not stall its bus: it costs a time-out each time. So it is down
once it has failed for long enough, then it is probed with growing spacing, and all
probes of a bus together may take only a small share of its time.
"""

from collections.abc import Callable

#: Both must have passed before something is down.
DOWN_AFTER_NS = 3_000_000_000
DOWN_AFTER_CYCLES = 2

#: Between two probes: at first, at most, and the jitter as a part of it.
FIRST_SPACING_NS = 500_000_000
LONGEST_SPACING_NS = 60_000_000_000
JITTER = 0.25

#: How often something that was refused is asked for again.
RETIRED_SPACING_NS = 86_400_000_000_000

#: The share of a bus's time that all probes together may take.
PROBE_SHARE = 0.05


class Health:
    """The health of one unit on one bus, or of one of its reads.

    Times are those of one monotonic clock, in ns. *random* returns numbers from 0
    to below 1; units that went down together must not be probed together.
    """

    __slots__ = (
        "_failed_cycles",
        "_failed_since_ns",
        "_random",
        "_retired",
        "_spacing_ns",
        "down",
        "next_probe_ns",
    )

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self.down = False
        self.next_probe_ns = 0
        self._failed_cycles = 0
        self._failed_since_ns = 0
        self._retired = False
        self._spacing_ns = FIRST_SPACING_NS

    def answered(self) -> bool:
        """Note an answer; return whether it ends a time of being down."""
        was_down = self.down
        self.down = self._retired = False
        self._failed_cycles = 0
        return was_down

    def trip(self, now_ns: int) -> None:
        """Regard it as down at once."""
        self.down = True
        self._spacing_ns = FIRST_SPACING_NS
        self._space(now_ns)

    def retire(self, now_ns: int) -> None:
        """Note a refusal: it is down until it is answered, and tried once a day."""
        self.down = self._retired = True
        self.next_probe_ns = now_ns + RETIRED_SPACING_NS

    def failed(self, now_ns: int) -> bool:
        """Note a failed cycle or probe; return whether it begins being down."""
        if self._retired:
            self.retire(now_ns)
            return False
        if self.down:
            self._spacing_ns = min(2 * self._spacing_ns, LONGEST_SPACING_NS)
            self._space(now_ns)
            return False
        if self._failed_cycles == 0:
            self._failed_since_ns = now_ns
        self._failed_cycles += 1
        if (
            self._failed_cycles < DOWN_AFTER_CYCLES
            or now_ns - self._failed_since_ns < DOWN_AFTER_NS
        ):
            return False
        self.trip(now_ns)
        return True

    def _space(self, now_ns: int) -> None:
        jitter = 1 + JITTER * (2 * self._random() - 1)
        spacing_ns = int(self._spacing_ns * jitter)
        self.next_probe_ns = now_ns + max(
            FIRST_SPACING_NS, min(spacing_ns, LONGEST_SPACING_NS)
        )


class ProbeBudget:
    """Keeps all probes of a bus together within PROBE_SHARE of its time."""

    def __init__(self) -> None:
        #: From when on the next probe is within the budget.
        self.free_ns = 0

    def charge(self, end_ns: int, cost_ns: int) -> None:
        """Note that a probe which ended at *end_ns* took *cost_ns* of the bus."""
        self.free_ns = end_ns + int(cost_ns * (1 / PROBE_SHARE - 1))
