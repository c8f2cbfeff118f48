"""How long an uplink waits before it tries again."""

import random
from collections.abc import Callable

#: Longest wait between two tries, unless the other side asks for more.
CAP_S = 900.0
#: Longest wait that the other side may ask for.
RETRY_AFTER_CAP_S = 86_400.0


class Backoff:
    """Exponential waits with full jitter: any time up to a limit that doubles."""

    def __init__(
        self,
        first_s: float,
        draw: Callable[[], float] = random.random,
        cap_s: float = CAP_S,
    ) -> None:
        """*draw* returns numbers from 0 to 1; the limit grows to *cap_s*."""
        self._first_s = first_s
        self._draw = draw
        self._cap_s = cap_s
        self._limit_s = first_s

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return the next wait; never shorter than the other side asks for."""
        wait_s = self._limit_s * self._draw()
        self._limit_s = min(2 * self._limit_s, self._cap_s)
        return max(wait_s, min(at_least_s, RETRY_AFTER_CAP_S))

    def reset(self) -> None:
        """Start over, after a success."""
        self._limit_s = self._first_s
