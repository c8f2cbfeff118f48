"""Meters that follow nothing: each point is noise of its own around a mean that drifts.

Real meters lie between this and the simulated factory, where currents and apparent
power follow the power exactly.
"""

import random
from array import array

from zerometer.agent.batch import Column, Table

METERS = 30
#: Points of a meter: mean in units of the resolution, spread, and if it counts up.
POINTS = (
    [(23_000, 12, False)] * 3  # voltages, 0.01 V
    + [(41_000, 300, False)] * 3  # currents, 1 mA
    + [(27_000, 200, False)] * 2  # active and apparent power, 1 W
    + [(960, 2, False), (50_000, 8, False)]  # power factor, frequency
    + [(123_456_789, 8, True), (98_765_432, 3, True)]  # energies, 1 Wh
)
START_MS = 1_800_000_000_000


def wander(chance: random.Random, rows: int, point: tuple[int, int, bool]) -> list[int]:
    """Return a point's values: noise around a mean that drifts, or a counter."""
    mean, spread, counts = point
    values, level = [], float(mean)
    for _ in range(rows):
        level += abs(chance.gauss(spread, 1)) if counts else chance.gauss(0, spread / 9)
        noise = 0.0 if counts else chance.gauss(0, spread / 3)
        values.append(round(level + noise))
    return values


def tables(seconds: int, period_s: int) -> list[Table]:
    """Return a table of each meter, read once each period."""
    chance = random.Random(period_s)
    rows = seconds // period_s
    return [_meter(number, rows, period_s, chance) for number in range(METERS)]


def _meter(number: int, rows: int, period_s: int, chance: random.Random) -> Table:
    times = array("q", (START_MS + 1000 * period_s * row for row in range(rows)))
    columns = [Column("time", "ms", 0, times)]
    for index, point in enumerate(POINTS):
        values = array("q", wander(chance, rows, point))
        columns.append(Column(f"point_{index}", "kW", -3, values))
    return Table(f"readings/meter-{number}/electrical", columns)
