"""The job in pandas and NumPy: whole columns of the hour at once.

What an analyst would write for this site: it knows its tree, that nothing is missing,
and the whole hour before it begins. Only batteries need a loop, over the times in
which they charge or discharge.
"""

import numpy as np
import pandas as pd

from bench.accounting.factory import FACTORS, LAYOUT, VIEWS
from bench.accounting.plain import BATTERIES, FEEDERS, LOADS, MOST_KW
from bench.accounting.registers import ENERGY_S, Floats, Registers

ORIGINS = [name for name, _ in LAYOUT.sources]


def account(registers: Registers) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return what *registers* add up to, a row per minute.

    kWh by (place, origin), the same in units of 10**-6 kWh, and kg by (place, view).
    """
    flows = _energies(registers)
    table = pd.concat(
        {
            place: pd.DataFrame(amounts, columns=ORIGINS)
            for place, amounts in _received(flows, registers.seconds).items()
        },
        axis=1,
    )
    table = table.groupby(np.arange(registers.seconds) // 60).sum()
    cube = table.to_numpy().reshape(len(table), -1, len(ORIGINS))
    units = pd.DataFrame(_rounded(cube).reshape(table.shape), columns=table.columns)
    factors = np.array([FACTORS[name] for name in ORIGINS])
    places = table.columns.get_level_values(0).unique()
    names = pd.MultiIndex.from_product([places, VIEWS])
    kg = pd.DataFrame((cube @ factors).reshape(len(table), -1), columns=names)
    return table, units, kg


def _received(flows: dict[str, Floats], seconds: int) -> dict[str, Floats]:
    burden = {pool: np.zeros((seconds, len(ORIGINS))) for pool in LAYOUT.pools}
    into = {pool: np.zeros(seconds) for pool in LAYOUT.pools}
    received = {}
    for k, (name, pool) in enumerate(LAYOUT.sources):
        burden[pool][:, k] += flows[name]
        into[pool] += flows[name]
    for pool in LAYOUT.pools:
        for name in BATTERIES[pool]:
            given = flows[f"{name}-"]
            received[name] = _mix(flows[name], given, burden[pool], into[pool])
        share = burden[pool] / into[pool][:, None]
        rest = into[pool] - sum(
            flows[name] for name in [*BATTERIES[pool], *LOADS[pool]]
        )
        for name in LOADS[pool]:
            received[name] = flows[name][:, None] * share
        for start, _, end, target in FEEDERS[pool]:
            burden[target] += flows[start][:, None] * share
            into[target] += flows[end]
            rest -= flows[start]
        if (rest < 0).any():
            raise ValueError(f"{pool}: more out than in")
        received[f"rest.{pool}"] = rest[:, None] * share
    return received


def _energies(registers: Registers) -> dict[str, Floats]:
    """Return what each meter saw in each second, in both directions."""
    watts = pd.DataFrame(
        {m: np.frombuffer(d, ">f4").astype("f8") for m, d in registers.powers.items()}
    )
    interval = np.arange(registers.seconds) // ENERGY_S
    flows = {}
    for column, (sign, mark) in enumerate(((1.0, ""), (-1.0, "-"))):
        index = pd.DataFrame(
            {
                m: np.frombuffer(d, ">f4").reshape(-1, 2)[:, column].astype("f8")
                for m, d in registers.counters.items()
            }
        )
        gains = index.diff().iloc[1:]
        if not ((gains >= 0) & (gains <= MOST_KW * ENERGY_S / 3600)).all(axis=None):
            raise ValueError("a counter fell or leapt")
        said = (sign * watts).clip(lower=0.0) / 3.6e6
        sums = said.groupby(interval).sum().to_numpy()
        none = np.zeros_like(sums)
        ratio = np.divide(gains.to_numpy(), sums, out=none, where=sums > 0)
        energies = said * ratio[interval]
        flows |= {f"{name}{mark}": energies[name].to_numpy() for name in energies}
    return flows


def _mix(charge: Floats, give: Floats, burden: Floats, into: Floats) -> Floats:
    """Fill and empty a tank; return what it got less what it gave, by origin."""
    got = np.zeros_like(burden)
    energy, held = 0.0, np.zeros(burden.shape[1])
    turns = np.flatnonzero(np.diff(charge > 0)) + 1
    for part in np.split(np.arange(len(charge)), turns):
        if charge[part[0]] > 0:
            share = burden[part] / into[part][:, None]
            got[part] = charge[part][:, None] * share
            energy += charge[part].sum() * LAYOUT.efficiency**2
            held += got[part].sum(axis=0)
        else:
            given = give[part][:, None] * (held / energy)
            burden[part] += given
            into[part] += give[part]
            got[part] = -given
            held -= given.sum(axis=0)
            energy -= give[part].sum()
    return got


def _rounded(cube: Floats) -> Floats:
    """Round by largest remainder: by minute and origin."""
    units = cube * 1e6
    whole = np.floor(units)
    missing = np.rint(units.sum(axis=1)) - whole.sum(axis=1)
    rank = (whole - units).argsort(axis=1).argsort(axis=1)
    return (whole + (rank < missing[:, None, :])).astype("i8")
