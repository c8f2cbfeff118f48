"""How the machines of a factory draw power: functions of the seconds since start.

All are deterministic from a seed. ``rated`` is the largest power (in the unit per
hour of what flows); profiles stay between 0 and it, except the battery's, which
runs from -rated to rated, and a factory's base load, which stays near it.
"""

import math
from collections.abc import Callable

#: Power at a number of seconds since the start of the simulation.
Profile = Callable[[float], float]

_MASK = (1 << 64) - 1


def noise(seed: int, number: int) -> float:
    """Return a number in [0, 1) that depends on nothing but the arguments.

    The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    """
    x = (seed * 0xD1342543DE82EF95 + number * 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return (x ^ (x >> 31)) / 2**64


def smooth_noise(seed: int, x: float) -> float:
    """Return noise in [0, 1) that varies smoothly, once per unit of *x*."""
    number = math.floor(x)
    turn = (1 - math.cos(math.pi * (x - number))) / 2
    return noise(seed, number) * (1 - turn) + noise(seed, number + 1) * turn


def base_load(rated: float, seed: int) -> Profile:
    """Light, ventilation, offices: nearly constant."""
    return lambda t: rated * (0.9 + 0.2 * smooth_noise(seed, t / 30))


def production_line(rated: float, seed: int, cycle_s: float = 24.0) -> Profile:
    """Piece after piece: machining, then handling; now and then a changeover."""

    def power(t: float) -> float:
        cycle, place = divmod(t + noise(seed, -1) * cycle_s, cycle_s)
        number = int(cycle)
        ripple = 0.03 * (noise(seed + 1, int(t)) - 0.5)
        if noise(seed + 2, number // 3) < 0.15:
            return rated * (0.12 + ripple)
        busy = 0.55 + 0.15 * noise(seed, number)
        if place < busy * cycle_s:
            return rated * (0.8 + 0.17 * noise(seed + 3, number) + ripple)
        return rated * (0.3 + ripple)

    return power


def compressor(rated: float, seed: int, cycle_s: float = 40.0) -> Profile:
    """A screw compressor between load and unload; unloaded it still draws a quarter."""

    def power(t: float) -> float:
        cycle, place = divmod(t + noise(seed, -1) * cycle_s, cycle_s)
        loaded_s = cycle_s * (0.45 + 0.35 * noise(seed, int(cycle)))
        ripple = 0.02 * noise(seed + 1, int(t))
        return rated * ((0.98 if place < loaded_s else 0.26) - ripple)

    return power


def solar(rated: float, seed: int, start_hour: float) -> Profile:
    """A half-sine from 6 to 18 o'clock, with clouds; the run begins at *start_hour*."""

    def power(t: float) -> float:
        hour = (start_hour + t / 3600) % 24
        height = math.sin(math.pi * (hour - 6) / 12)
        cloud = 0.65 * smooth_noise(seed, t / 20) ** 2
        return rated * max(0.0, height) * (1 - cloud)

    return power


def battery(rated: float, seed: int, cycle_s: float = 90.0) -> Profile:
    """Charge, rest, discharge a little less than was charged, rest."""

    def power(t: float) -> float:
        place = (t / cycle_s + noise(seed, -1)) % 1.0
        if place < 0.45:
            return rated * min(1.0, 20 * place, 20 * (0.45 - place))
        if 0.5 <= place < 0.95:
            return -0.9 * rated * min(1.0, 20 * (place - 0.5), 20 * (0.95 - place))
        return 0.0

    return power


def boiler(rated: float, seed: int) -> Profile:
    """A modulating burner that follows the demand for heat."""
    return lambda t: rated * (0.45 + 0.5 * smooth_noise(seed, t / 25))


def steady(power: float) -> Profile:
    """The same power always."""
    return lambda _t: power
