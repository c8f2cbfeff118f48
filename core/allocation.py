"""How a process with several outputs divides its burden over them.

Each method gives the weight of a unit of each output: an output's part of the
burden is its quantity times its weight, over the sum of these. *outputs* are the
pools that the process gives to. Power is what flows into a pool of electricity;
all else that has an energy content is heat.

Sources:

- GHG Protocol Initiative, Allocation of GHG Emissions from a Combined Heat and
  Power (CHP) Plant, version 1.0 (2006): efficiency method, efficiencies 0.35
  (power) and 0.80 (heat); energy content method.
- Directive 2012/27/EU, annex II, and Delegated Regulation (EU) 2015/2402:
  alternative production, by reference efficiencies of separate plants; 0.53 and
  0.90 are those of natural gas.
- DEFRA/DESNZ, Government Greenhouse Gas Conversion Factors, methodology paper:
  twice as much fuel for a unit of power as for one of heat.
- Carnot method (exergy): the heat's weight is 1 - T0/Tm, with Tm the log-mean
  temperature of supply and return; Directive (EU) 2018/2001, annex V, C.1.b.
- EN 15316-4-5: power bonus; heat gets the burden less that of the power elsewhere.
"""

from collections.abc import Mapping

from zerometer.core.errors import UsageError
from zerometer.core.site import Allocation, Pool, Process, View

POWER = "electricity"
#: Energy content in GJ per booked unit.
ENERGY_CONTENT = {"kWh": 0.0036, "GJ": 1.0}
KELVIN = 273.15
_LN_2 = 0.6931471805599453


def energy(outputs: Mapping[str, Pool]) -> Allocation:
    """Divide by energy content."""
    weights = {name: _content(pool) for name, pool in outputs.items()}
    return Allocation(method="energy", weights=weights)


def efficiency(
    outputs: Mapping[str, Pool], power: float = 0.35, heat: float = 0.80
) -> Allocation:
    """Divide by the fuel that each output would need at these efficiencies."""
    return Allocation(method="efficiency", weights=_by_fuel(outputs, power, heat))


def alternative(
    outputs: Mapping[str, Pool], power: float = 0.53, heat: float = 0.90
) -> Allocation:
    """Divide by the fuel that separate plants would need for the same."""
    return Allocation(method="alternative", weights=_by_fuel(outputs, power, heat))


def defra(outputs: Mapping[str, Pool]) -> Allocation:
    """Count a unit of power twice."""
    return Allocation(method="defra", weights=_by_fuel(outputs, 0.5, 1.0))


def exergy(
    outputs: Mapping[str, Pool],
    temperatures: Mapping[str, tuple[float, float]],
    ambient: float,
) -> Allocation:
    """Divide by exergy.

    *temperatures*: supply and return of each output that is no power, in degC, both
    above *ambient*; UsageError else.
    """
    weights = {}
    for name, pool in outputs.items():
        weights[name] = _content(pool)
        if pool.carrier != POWER:
            supply, back = temperatures[name]
            weights[name] *= carnot(supply, back, ambient)
    return Allocation(method="exergy", weights=weights)


def power_bonus(outputs: Mapping[str, Pool], kg_per_unit: float) -> Allocation:
    """Give power *kg_per_unit* and no more, and heat the rest, by energy content.

    The rest can be negative.
    """
    return Allocation(
        method="power_bonus",
        weights={n: _content(p) for n, p in outputs.items() if p.carrier != POWER},
        bonus={n: kg_per_unit for n, p in outputs.items() if p.carrier == POWER},
    )


def shared_by(process: Process, view: View, outputs: Mapping[str, Pool]) -> Allocation:
    """Return how a process divides its burden in a view: as the site says.

    One output has it all; of a feeder or transformer each unit has the same.
    """
    stated = process.allocation.get(view)
    if stated is not None:
        return stated
    if len(outputs) == 1 or process.losses == "sink":
        return Allocation(method="energy", weights=dict.fromkeys(outputs, 1.0))
    return energy(outputs)


def carnot(supply: float, back: float, ambient: float) -> float:
    """Return the exergy of heat over its energy; temperatures in degC."""
    hot, cold, floor = supply + KELVIN, back + KELVIN, ambient + KELVIN
    if not (0 < floor < cold <= hot):
        raise UsageError(
            f"exergy: supply, return and ambient temperature - {supply}, {back}, "
            f"{ambient} degC - each at most the one before, return above ambient"
        )
    mean = hot if hot == cold else (hot - cold) / natural_log(hot / cold)
    return 1.0 - floor / mean


def natural_log(x: float) -> float:
    """Return ln *x* for x >= 1, within 2 units in the last place.

    By halving to 2 or less and 2 artanh((x - 1) / (x + 1)) as its power series:
    sums and quotients only, which are the same on every machine.
    """
    halvings = 0
    while x > 2.0:
        x /= 2.0
        halvings += 1
    ratio = (x - 1.0) / (x + 1.0)
    square, power, total, order = ratio * ratio, ratio, 0.0, 1
    while power > 1e-18:
        total += power / order
        power *= square
        order += 2
    return 2.0 * total + halvings * _LN_2


def _content(pool: Pool) -> float:
    """Return GJ per unit; UsageError for what has no energy content."""
    if pool.unit not in ENERGY_CONTENT:
        raise UsageError(
            f"allocation: output to pool {pool.id} - in {pool.unit} - one in "
            f"{' or '.join(ENERGY_CONTENT)}"
        )
    return ENERGY_CONTENT[pool.unit]


def _by_fuel(
    outputs: Mapping[str, Pool], power: float, heat: float
) -> dict[str, float]:
    return {
        name: _content(pool) / (power if pool.carrier == POWER else heat)
        for name, pool in outputs.items()
    }
