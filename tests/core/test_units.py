"""Units: one table, conversions within a dimension."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.errors import UsageError
from zerometer.core.site import CARRIERS
from zerometer.core.units import (
    LEDGER_EXPONENT,
    RATE_OF,
    UNITS,
    added_up,
    factor,
    unit,
)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_conversions_go_both_ways_or_not_at_all(source: str, target: str) -> None:
    if unit(source).dimension == unit(target).dimension:
        assert factor(source, target) * factor(target, source) == pytest.approx(1.0)
    else:
        with pytest.raises(UsageError, match=r"does not convert to"):
            factor(source, target)


def test_an_hour_of_power_is_energy() -> None:
    assert factor("kWh", "GJ") == pytest.approx(0.0036)
    assert factor("MW", "kW") == 1000.0
    assert factor("GWh", "TJ") == pytest.approx(3.6)
    assert factor("MJ", "kJ") == pytest.approx(1000.0)


@given(st.sampled_from(sorted(UNITS)))
def test_a_rate_adds_up_to_a_base_unit(name: str) -> None:
    total = added_up(name)
    rates = {unit(rate).dimension for rate in RATE_OF.values()}
    assert (total is not None) == (unit(name).dimension in rates)
    assert total is None or unit(total).to_base == 1.0


def test_a_unit_that_nobody_knows_is_named() -> None:
    with pytest.raises(UsageError, match='no unit named "furlong"; known: '):
        unit("furlong")


def test_every_carrier_is_booked_in_a_unit_that_has_a_rate() -> None:
    for carrier_unit in CARRIERS.values():
        assert carrier_unit in LEDGER_EXPONENT
        assert unit(RATE_OF[carrier_unit])
