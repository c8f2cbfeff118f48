"""A row of a factor series: units and what is believed."""

from dataclasses import replace

import pytest

from zerometer.core.factor import LARGEST, FactorRow, fault_of, in_our_unit
from zerometer.core.site import CARRIERS

ROW = FactorRow(series="s", t0_ns=0, t1_ns=1, value=0.5)


def test_a_row_within_the_limits_is_believed() -> None:
    assert fault_of(ROW) == ""
    for unit, largest in LARGEST.items():
        assert fault_of(replace(ROW, value=largest, unit=unit)) == ""
        assert fault_of(replace(ROW, value=0.0, unit=unit)) == ""


@pytest.mark.parametrize("value", [-0.001, 2.001, 550.0, float("nan"), float("inf")])
def test_a_value_beyond_them_is_not(value: float) -> None:
    found = fault_of(replace(ROW, value=value))
    assert found == f"value: {value:g} kg/kWh is not within 0 to 2"


def test_a_row_without_duration_is_not() -> None:
    assert fault_of(replace(ROW, t1_ns=0)) == "t1: is not after t0"


@pytest.mark.parametrize("times", [(-1, 5), (5, 2**63), (2**63, 2**63 + 1)])
def test_a_time_that_no_clock_shows_is_not(times: tuple[int, int]) -> None:
    row = replace(ROW, t0_ns=times[0], t1_ns=times[1])
    assert fault_of(row) == "t0, t1: not within 1970 to 2200"


def test_an_unknown_unit_is_named_beside_the_known() -> None:
    found = fault_of(replace(ROW, unit="lb/MWh"))
    assert found.startswith("unit: 'lb/MWh' is not one of kg/kWh, ")
    assert "g/kWh" in found


def test_there_is_a_limit_for_each_carrier() -> None:
    assert LARGEST.keys() == {f"kg/{unit}" for unit in CARRIERS.values()}


@pytest.mark.parametrize(
    ("stated", "ours"),
    [
        ((550.0, "g/kWh"), (0.55, "kg/kWh")),
        ((581.3, "kg/MWh"), (0.5813, "kg/kWh")),
        ((0.5703, "t/MWh"), (0.5703, "kg/kWh")),
        ((0.11, "t/GJ"), (110.0, "kg/GJ")),
        ((3.0959, "t/t"), (3.0959, "kg/kg")),
        ((1.0, "kg/Nm3"), (1.0, "kg/Nm3")),
    ],
)
def test_units_become_ours(stated: tuple[float, str], ours: tuple[float, str]) -> None:
    value, unit = in_our_unit(*stated)
    assert (value, unit) == (pytest.approx(ours[0], rel=1e-15), ours[1])
