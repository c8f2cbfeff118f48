"""What one counter of a meter tells of its meter: whether another one answers.

Counters only rise. One that fell while its meter was away is perhaps that of another
meter. One that falls, comes back to where it was, and does so again, is perhaps two:
of meters with one unit identifier that answer by turns.
"""

from collections.abc import Container, Sequence
from math import inf

from zerometer.core.points import Point

#: A counter falls by rounding at most by this part of its value: float32 has 24 bits.
ROUNDING = 1e-6

#: So many readings after a fall show whether it was one of several.
RUN = 16

#: A counter comes back to where it was so often before that is believed.
RETURNS = 2

#: What two meters count between two readings is at most this part of what is
#: between them.
GROWTH = 0.25

#: What to say of a counter that fell while its meter was away.
ABSENCE = (
    "counter {} fell from {:.12g} to {:.12g} while the meter was away: was it reset, "
    "or is it another meter?"
)

#: What to say of two meters.
TWINS = (
    "counter {} jumps to and fro between two courses: two meters with this unit "
    "identifier seem to answer by turns; give one of them another"
)


class Track:
    """The readings of one counter, in order; some meters count below zero.

    *modulus* is where it rolls over, None if it does not or that is not known.
    """

    __slots__ = (
        "_before", "_high", "_last", "_left", "_low", "_modulus", "_returns", "twins",
    )  # fmt: skip

    def __init__(self, modulus: float | None = None) -> None:
        #: Whether two meters seem to answer.
        self.twins = False
        self._modulus = modulus
        self._last = -inf
        #: The last value before an absence.
        self._before: float | None = None
        # Of a run: what was read last of the higher and of the lower counter, how
        # many readings are left, and how often the higher one was come back to.
        self._high = self._low = 0.0
        self._left = self._returns = 0

    def absent(self) -> None:
        """Note that the meter was away, or that something else was in its place."""
        if self._last > -inf:
            self._before = self._last
        self._last = -inf
        self._left = 0

    def passes(self, value: float) -> bool:
        """Take *value* if there is nothing to say of it; return whether that is so."""
        value = abs(value)
        if value < self._last or self._left or self._before is not None:
            return False
        self._last = value
        return True

    def fell_from(self, value: float) -> float | None:
        """Return from what the counter fell to *value* while its meter was away."""
        before, self._before = self._before, None
        if before is None or not _falls(before, abs(value)):
            return None
        if self._modulus and before - abs(value) > self._modulus / 2:
            return None  # it rolled over
        return before

    def take(self, value: float) -> None:
        """Take a *value* that does not pass: ``twins`` may change."""
        value = abs(value)
        if self._left:
            self._follow(value)
        elif value and _falls(self._last, value):
            self._high, self._low = self._last, value
            self._left, self._returns = RUN, 0
        self._last = value

    def _follow(self, value: float) -> None:
        """Tell which of two counters *value* goes on with, if any."""
        self._left -= 1
        growth = GROWTH * (self._high - self._low)
        if not _falls(self._high, value) and value - self._high <= growth:
            if self._last < self._high:
                self._returns += 1
            self._high = value
        elif not _falls(self._low, value) and value - self._low <= growth:
            self._low = value
        else:
            self._left = 0
        if self._returns >= RETURNS:
            self.twins = True
            self._left, self._returns = RUN, 0
        elif not self._left:
            self.twins = False


def tracked(points: Sequence[Point], absent: Container[int]) -> int:
    """Return which of *points* tells most: a counter of energy; -1 if there is none."""
    for index, point in enumerate(points):
        if point.kind == "counter" and point.group == "energy" and index not in absent:
            return index
    return -1


def _falls(before: float, value: float) -> bool:
    return value < before - ROUNDING * abs(before)
