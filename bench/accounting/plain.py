"""The job in plain Python, second by second: the reference.

Registers are unpacked, counters checked and made into gains, powers scaled to what
the counters gained, every second solved for its origins, tanks mixed, all of it summed
by minute and rounded into integers that balance. Knows only trees of electricity, and
stops where a reading is not as it should be.
"""

import struct
from collections import defaultdict
from itertools import pairwise

from bench.accounting.factory import LAYOUT
from bench.accounting.registers import ENERGY_S, Registers

#: What was received, kWh: by minute, place and origin.
Amounts = dict[tuple[int, str, str], float]
#: The same in units of 10**-6 kWh, so that each origin's sum is that of what entered.
Units = dict[tuple[int, str, str], int]
Shares = dict[str, float]
#: No meter here is faster.
MOST_KW = 100_000.0


def account(registers: Registers) -> tuple[Amounts, Units]:
    """Return what *registers* add up to."""
    flows = {}
    for name in LAYOUT.meters:
        flows[name], flows[f"{name}-"] = _energies(registers, name)
    received: Amounts = defaultdict(float)
    tanks = {name: Tank() for name, _ in LAYOUT.batteries}
    for second in range(registers.seconds):
        now = {name: energies[second] for name, energies in flows.items()}
        _tick(second // 60, now, tanks, received)
    return received, _rounded(received)


class Tank:
    """What a battery holds, by origin."""

    def __init__(self) -> None:
        self.energy = 0.0
        self.held: Shares = {}

    def take(self, energy: float) -> Shares:
        """Take out *energy*; return what it is made of."""
        assert energy <= self.energy
        part = {k: amount * energy / self.energy for k, amount in self.held.items()}
        self.held = {k: amount - part[k] for k, amount in self.held.items()}
        self.energy -= energy
        return part

    def put(self, energy: float, share: Shares) -> Shares:
        """Put in *energy*; return what it is made of."""
        part = {k: energy * of for k, of in share.items()}
        for k, amount in part.items():
            self.held[k] = self.held.get(k, 0.0) + amount
        self.energy += energy * LAYOUT.efficiency**2
        return part


def _energies(registers: Registers, meter: str) -> tuple[list[float], list[float]]:
    """Return what a meter saw in each second, in both directions."""
    watts = [w for (w,) in struct.iter_unpack(">f", registers.powers[meter])]
    counts = list(struct.iter_unpack(">ff", registers.counters[meter]))
    both = []
    for column, sign in enumerate((1, -1)):
        energies = [max(sign * w, 0.0) / 3.6e6 for w in watts]
        for at, (before, after) in enumerate(pairwise(c[column] for c in counts)):
            gain = after - before
            if not 0 <= gain <= MOST_KW * ENERGY_S / 3600:
                raise ValueError(f"{meter}: {before} to {after}")
            seconds = slice(at * ENERGY_S, (at + 1) * ENERGY_S)
            said = sum(energies[seconds])
            if said > 0:
                energies[seconds] = [e * gain / said for e in energies[seconds]]
        both.append(energies)
    return both[0], both[1]


def _tick(
    minute: int, now: dict[str, float], tanks: dict[str, Tank], received: Amounts
) -> None:
    burden: dict[str, Shares] = {pool: defaultdict(float) for pool in LAYOUT.pools}
    into: dict[str, float] = defaultdict(float)
    for name, pool in LAYOUT.sources:
        burden[pool][name] += now[name]
        into[pool] += now[name]
    for name, pool in LAYOUT.batteries:
        given = now[f"{name}-"]
        if given > 0:
            into[pool] += given
            for k, amount in tanks[name].take(given).items():
                burden[pool][k] += amount
                received[minute, name, k] -= amount
    for pool in LAYOUT.pools:
        share = {k: amount / into[pool] for k, amount in burden[pool].items()}
        rest = into[pool]
        for start, _, end, target in FEEDERS[pool]:
            rest -= now[start]
            into[target] += now[end]
            for k, part in share.items():
                burden[target][k] += now[start] * part
        for name in LOADS[pool]:
            rest -= now[name]
            for k, part in share.items():
                received[minute, name, k] += now[name] * part
        for name in BATTERIES[pool]:
            rest -= now[name]
            for k, amount in tanks[name].put(now[name], share).items():
                received[minute, name, k] += amount
        assert rest >= 0
        for k, part in share.items():
            received[minute, f"rest.{pool}", k] += rest * part


def _rounded(received: Amounts) -> Units:
    """Round by largest remainder: by minute and origin."""
    groups: dict[tuple[int, str], list[tuple[str, float]]] = defaultdict(list)
    for (minute, place, origin), amount in received.items():
        groups[minute, origin].append((place, amount * 1e6))
    units = {}
    for (minute, origin), parts in groups.items():
        whole = {place: int(amount // 1) for place, amount in parts}
        missing = round(sum(amount for _, amount in parts)) - sum(whole.values())
        parts.sort(key=lambda part: part[1] % 1, reverse=True)
        for place, _ in parts[:missing]:
            whole[place] += 1
        units |= {(minute, place, origin): count for place, count in whole.items()}
    return units


FEEDERS = {pool: [f for f in LAYOUT.feeders if f[1] == pool] for pool in LAYOUT.pools}
LOADS = {pool: [n for n, at in LAYOUT.loads if at == pool] for pool in LAYOUT.pools}
BATTERIES = {
    pool: [n for n, at in LAYOUT.batteries if at == pool] for pool in LAYOUT.pools
}
