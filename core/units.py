"""Units of measurement: which there are, and how they convert.

A unit belongs to a dimension; within one, values convert by a factor. The
*ledger exponent* is the decimal place at which a quantity is booked as an
integer: electricity in mWh (kWh, -6), heat in kJ (GJ, -6), gas in mNm3 (Nm3, -3),
mass in mg (kg, -6).
"""

from dataclasses import dataclass

from zerometer.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: ``value * to_base`` is the value in its dimension's base unit."""

    name: str
    dimension: str
    to_base: float


def _table() -> dict[str, Unit]:
    rows: dict[str, dict[str, float]] = {
        "energy": {
            "kWh": 1.0,
            "Wh": 1e-3,
            "MWh": 1e3,
            "GWh": 1e6,
            "GJ": 1e3 / 3.6,
            "TJ": 1e6 / 3.6,
            "MJ": 1 / 3.6,
            "kJ": 1e-3 / 3.6,
        },
        "power": {"kW": 1.0, "W": 1e-3, "MW": 1e3, "GJ/h": 1e3 / 3.6},
        "reactive_energy": {"kvarh": 1.0, "varh": 1e-3, "Mvarh": 1e3},
        "reactive_power": {"kvar": 1.0, "var": 1e-3, "Mvar": 1e3},
        "apparent_energy": {"kVAh": 1.0, "VAh": 1e-3},
        "apparent_power": {"kVA": 1.0, "VA": 1e-3, "MVA": 1e3},
        "voltage": {"V": 1.0, "mV": 1e-3, "kV": 1e3},
        "current": {"A": 1.0, "mA": 1e-3, "kA": 1e3},
        "charge": {"Ah": 1.0},
        "frequency": {"Hz": 1.0, "mHz": 1e-3},
        "angle": {"deg": 1.0},
        "volume": {"m3": 1.0, "L": 1e-3},
        "normal_volume": {"Nm3": 1.0},
        "volume_flow": {"m3/h": 1.0, "L/h": 1e-3},
        "normal_volume_flow": {"Nm3/h": 1.0},
        "mass": {"kg": 1.0, "g": 1e-3, "mg": 1e-6, "t": 1e3},
        "mass_flow": {"kg/h": 1.0, "t/h": 1e3},
        "temperature": {"degC": 1.0},
        "pressure": {"bar": 1.0, "kPa": 0.01},
        "duration": {"h": 1.0, "s": 1 / 3600.0},
        "count": {"pulses": 1.0},
        "pieces": {"pcs": 1.0},
        "piece_rate": {"pcs/h": 1.0},
        "ratio": {"": 1.0, "%": 0.01},
    }
    return {
        name: Unit(name, dimension, to_base)
        for dimension, units in rows.items()
        for name, to_base in units.items()
    }


UNITS = _table()

#: Units in which quantities are booked, and the decimal exponent of the ledger.
LEDGER_EXPONENT = {"kWh": -6, "GJ": -6, "Nm3": -3, "m3": -3, "kg": -6, "pcs": -3}

#: The rate that belongs to a booked unit: what flows in one hour.
RATE_OF = {
    "kWh": "kW", "GJ": "GJ/h", "Nm3": "Nm3/h", "m3": "m3/h", "kg": "kg/h",
    "pcs": "pcs/h",
}  # fmt: skip


def unit(name: str) -> Unit:
    """Return the unit called *name*; raise UsageError when there is none."""
    try:
        return UNITS[name]
    except KeyError:
        raise UsageError(
            f'unit: no unit named "{name}"; known: {", ".join(sorted(UNITS))}'
        ) from None


def added_up(rate: str) -> str | None:
    """Return the unit of what *rate* adds up to in hours: kWh, Nm3, m3, kg or pcs.

    It is the base unit of its dimension. None: *rate* is no rate, or no unit.
    """
    known = UNITS.get(rate)
    for total, hourly in RATE_OF.items():
        if known and UNITS[hourly].dimension == known.dimension:
            return total
    return None


def factor(source: str, target: str) -> float:
    """Return the number that turns a value in *source* into one in *target*."""
    here, there = unit(source), unit(target)
    if here.dimension != there.dimension:
        raise UsageError(
            f'unit: "{source}" ({here.dimension}) does not convert to '
            f'"{target}" ({there.dimension})'
        )
    return here.to_base / there.to_base
