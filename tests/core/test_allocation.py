"""How a plant's burden is divided over power and heat, by the published methods."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core import allocation
from zerometer.core.errors import UsageError
from zerometer.core.site import Allocation, Pool

# Worked numbers: 1000 kWh of gas at 0.202 kg/kWh make 350 kWh of power and 450 kWh
# of heat; kg per kWh of each.
BURDEN = 1000 * 0.202
POWER = Pool(id="lv", carrier="electricity", unit="kWh")
HEAT = Pool(id="heat", carrier="heat", unit="GJ")
OUTPUTS = {"lv": POWER, "heat": HEAT}
GIVEN = {"lv": 350.0, "heat": 450.0 * 0.0036}
WATER = {"heat": (90.0, 70.0)}


def factors(divided: Allocation) -> list[float]:
    whole = sum(divided.weights[name] * given for name, given in GIVEN.items())
    power, heat = (BURDEN * divided.weights[name] / whole for name in GIVEN)
    return [power, heat * 0.0036]


@pytest.mark.parametrize(
    ("divided", "wanted"),
    [
        (allocation.energy(OUTPUTS), [0.2525, 0.2525]),
        (allocation.efficiency(OUTPUTS), [0.36937, 0.1616]),
        (allocation.alternative(OUTPUTS), [0.32846, 0.19342]),
        (allocation.defra(OUTPUTS), [0.3513, 0.17565]),
        (allocation.exergy(OUTPUTS, WATER, 10.0), [0.46003, 0.09109]),
    ],
)
def test_worked_methods(divided: Allocation, wanted: list[float]) -> None:
    assert factors(divided) == pytest.approx(wanted, abs=5e-6)


def test_a_bonus_for_power_leaves_the_rest_to_heat() -> None:
    divided = allocation.power_bonus(OUTPUTS, 0.5306)
    assert divided.bonus == {"lv": 0.5306}
    assert list(divided.weights) == ["heat"]


def test_what_has_no_energy_content_cannot_share_by_it() -> None:
    air = Pool(id="air", carrier="compressed_air", unit="Nm3")
    with pytest.raises(UsageError, match="pool air - in Nm3 - one in kWh or GJ"):
        allocation.energy({"air": air})


@pytest.mark.parametrize(
    ("supply", "back", "ambient"), [(60, 70, 10), (60, 5, 10), (60, 50, -300)]
)
def test_heat_below_the_ambient_has_no_exergy(
    supply: float, back: float, ambient: float
) -> None:
    with pytest.raises(UsageError, match="temperature"):
        allocation.carnot(supply, back, ambient)


def test_heat_of_one_temperature_has_that_mean() -> None:
    assert allocation.carnot(90, 90, 10) == pytest.approx(1 - 283.15 / 363.15)


@given(st.floats(1.0, 1e6))
def test_the_logarithm_is_one(x: float) -> None:
    assert allocation.natural_log(x) == pytest.approx(log(x), rel=5e-16, abs=1e-18)
