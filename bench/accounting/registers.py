"""An hour of registers of the factory's meters, as replies have them on the wire.

Powers wander at random, the same in each run; counters are their sums, 0.4 % more than
the powers say, as floats of 32 bits. Every pool is fed with a little more than its
meters see leaving it.
"""

from dataclasses import dataclass

import numpy as np

from bench.accounting.factory import LAYOUT

#: Seconds between the values of a counter.
ENERGY_S = 10
#: How long a battery charges, and how long it then discharges at half the power.
CHARGE_S, DISCHARGE_S = 600, 480
#: What counters count of what powers say.
MORE = 1.004

Floats = np.ndarray


@dataclass(frozen=True, slots=True)
class Registers:
    """By meter: replies with its power, and with its counters, one after the other.

    Those of power have 4 bytes (W), those of counters 8: import and export, kWh.
    The first of each is read at ``START_S``, those of counters also at the end.
    """

    seconds: int
    powers: dict[str, bytes]
    counters: dict[str, bytes]

    @property
    def readings(self) -> int:
        """How many values these are."""
        return sum(len(data) // 4 for data in self.powers.values()) + sum(
            len(data) // 4 for data in self.counters.values()
        )

    def slice(self, start: int, seconds: int) -> "Registers":
        """Return those of *seconds* from second *start* on, both whole knots."""
        first, last = start // ENERGY_S, (start + seconds) // ENERGY_S
        return Registers(
            seconds,
            {m: d[4 * start : 4 * (start + seconds)] for m, d in self.powers.items()},
            {m: d[8 * first : 8 * (last + 1)] for m, d in self.counters.items()},
        )


#: 2027-01-15T08:00:00Z
START_S = 1_800_000_000


def registers(seconds: int) -> Registers:
    """Return what the meters say over so many seconds."""
    powers_w = _powers(seconds)
    powers, counters = {}, {}
    for number, name in enumerate(LAYOUT.meters):
        watts = powers_w[name].astype(">f4")
        powers[name] = watts.tobytes()
        kwh = watts.astype("f8") / 3.6e6 * MORE
        both = [
            100.0 + number + np.concatenate([[0.0], np.cumsum(np.maximum(part, 0.0))])
            for part in (kwh, -kwh)
        ]
        knots = np.stack(both, axis=1)[::ENERGY_S]
        counters[name] = knots.astype(">f4").tobytes()
    return Registers(seconds, powers, counters)


def _powers(seconds: int) -> dict[str, Floats]:
    drawn = np.random.default_rng(100)
    powers: dict[str, Floats] = {}

    def wander(low: float, high: float) -> Floats:
        steps = drawn.normal(0.0, (high - low) / 50, seconds)
        start = drawn.uniform(low, high)
        return np.clip(start + np.cumsum(steps), low, high)

    need = {pool: np.zeros(seconds) for pool in LAYOUT.pools}
    for name, pool in LAYOUT.loads:
        powers[name] = wander(20_000.0, 90_000.0)
        need[pool] += powers[name]
    for number, (name, pool) in enumerate(LAYOUT.batteries):
        phase = np.arange(seconds) % (CHARGE_S + DISCHARGE_S + 60 * number)
        size = wander(50_000.0, 60_000.0)
        powers[name] = np.where(phase < CHARGE_S, size, -size / 2)
        need[pool] += powers[name]
    for name, pool in LAYOUT.sources:
        if name != "grid":
            powers[name] = wander(20_000.0, 60_000.0)
            need[pool] -= powers[name]
    for start, source, end, target in reversed(LAYOUT.feeders):
        powers[end] = 1.02 * need[target]
        powers[start] = powers[end] / 0.985
        need[source] += powers[start]
    powers["grid"] = 1.02 * need["mv"]
    return powers
