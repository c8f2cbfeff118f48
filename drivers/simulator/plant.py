"""Power as a function of time, and its exact integral.

A curve is piecewise linear between *knots*, a fixed step apart, so its energy is
exact and not a sum of samples: what a simulated counter shows can be held against
what the power was, to the last step of the counter.
"""

from array import array
from collections.abc import Callable
from threading import Lock
from typing import Protocol

from zerometer.core.errors import UsageError

#: Power at knot number n (0 at the curve's start), in the curve's unit per hour.
Knots = Callable[[int], float]

STEP_NS = 1_000_000_000
#: Knots that stay in memory; older instants can no longer be asked for.
KEPT_KNOTS = 4096


class Model(Protocol):
    """What a simulated meter measures.

    ``unit`` is that of the energy (or volume, or mass); power is in this unit per
    hour, positive where the meter counts import.
    """

    @property
    def unit(self) -> str: ...

    def power(self, time_ns: int) -> float:
        """Return the power at the boot-time instant *time_ns*."""
        ...

    def energy(self, time_ns: int) -> tuple[float, float]:
        """Return the import and export indices at *time_ns*, both >= 0."""
        ...


class Curve:
    """Piecewise-linear power between knots, import and export integrated apart.

    ``knots`` must be a pure function: it is evaluated once for each knot, in
    order. Instants before ``start_ns`` and those more than KEPT_KNOTS steps
    behind the latest one asked for raise UsageError. Threads may share a curve.
    """

    def __init__(
        self,
        knots: Knots,
        *,
        unit: str = "kWh",
        start_ns: int = 0,
        step_ns: int = STEP_NS,
        initial: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.unit = unit
        self._knots = knots
        self._start_ns = start_ns
        self._step_ns = step_ns
        self._step_h = step_ns / 3.6e12
        self._lock = Lock()
        self._initial = initial
        self._first = 0  # number of the oldest knot in memory
        self._power = array("d")
        self._import = array("d")
        self._export = array("d")

    def knot(self, number: int) -> float:
        """Return the power at knot *number*."""
        with self._lock:
            return self._power[self._reach(number)]

    def power(self, time_ns: int) -> float:
        """Return the power at *time_ns*."""
        with self._lock:
            at, part = self._locate(time_ns)
            here, there = self._power[at : at + 2]
        return here + part * (there - here)

    def energy(self, time_ns: int) -> tuple[float, float]:
        """Return the import and export indices at *time_ns*."""
        with self._lock:
            at, part = self._locate(time_ns)
            here, there = self._power[at : at + 2]
            imported, exported = self._import[at], self._export[at]
        more_in, more_out = _split(here, here + part * (there - here))
        hours = part * self._step_h
        return imported + more_in * hours, exported + more_out * hours

    def _locate(self, time_ns: int) -> tuple[int, float]:
        """Return the place of the last knot before *time_ns*, and the part passed."""
        number, rest = divmod(time_ns - self._start_ns, self._step_ns)
        self._reach(number + 1)
        return self._reach(number), rest / self._step_ns

    def _reach(self, number: int) -> int:
        """Return the place in memory of knot *number*, computing up to it."""
        if number < self._first:
            raise UsageError(
                f"curve: knot {number} is no longer known; "
                f"the oldest that is: {self._first}"
            )
        if not self._power:
            self._power.append(self._knots(0))
            self._import.append(self._initial[0])
            self._export.append(self._initial[1])
        for following in range(self._first + len(self._power), number + 1):
            here, there = self._power[-1], self._knots(following)
            more_in, more_out = _split(here, there)
            self._import.append(self._import[-1] + more_in * self._step_h)
            self._export.append(self._export[-1] + more_out * self._step_h)
            self._power.append(there)
            if len(self._power) > 2 * KEPT_KNOTS:
                self._forget()
        return number - self._first

    def _forget(self) -> None:
        for column in (self._power, self._import, self._export):
            del column[:KEPT_KNOTS]
        self._first += KEPT_KNOTS


def _split(here: float, there: float) -> tuple[float, float]:
    """Return the mean positive and mean negated negative part of a straight line."""
    if here >= 0.0 and there >= 0.0:
        return (here + there) / 2, 0.0
    if here <= 0.0 and there <= 0.0:
        return 0.0, -(here + there) / 2
    # It crosses zero: two triangles.
    rise = abs(there - here)
    up, down = max(here, there), -min(here, there)
    return up * up / (2 * rise), down * down / (2 * rise)
