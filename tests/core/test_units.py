"""Units: one table, conversions within a dimension."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.errors import UsageError
from zerometer.core.site import CARRIERS
from zerometer.core.units import LEDGER_EXPONENT, RATE_OF, UNITS, factor, unit


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


def test_a_unit_that_nobody_knows_is_named() -> None:
    with pytest.raises(UsageError, match='no unit named "furlong"; known: '):
        unit("furlong")


def test_every_carrier_is_booked_in_a_unit_that_has_a_rate() -> None:
    for carrier_unit in CARRIERS.values():
        assert carrier_unit in LEDGER_EXPONENT
        assert unit(RATE_OF[carrier_unit])
