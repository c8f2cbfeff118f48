"""Ratios: known once read, and only if they make sense."""

import math

import pytest

from zerometer.core.errors import UsageError
from zerometer.core.points import Point
from zerometer.drivers.ratios import Ratios

CT = Point(name="ct", function=3, address=0, type="u16", group="ratio")
PT = Point(name="pt", function=3, address=1, type="u16", group="ratio")
POWER = Point(
    name="power", function=3, address=2, type="i16", scale=0.5, times=("ct", "pt")
)
PLAIN = Point(name="voltage", function=3, address=3, type="u16", scale=0.1)
POINTS = [POWER, CT, PLAIN, PT]


def test_ratios_multiply_once_all_ratios_are_known() -> None:
    ratios = Ratios("m", POINTS)
    assert [ratios.is_ratio(i) for i in range(4)] == [False, True, False, True]
    assert [ratios.depends(i) for i in range(4)] == [True, False, False, False]
    assert math.isnan(ratios.times(0))
    assert ratios.times(2) == 1.0
    assert ratios.update((1, 2), (120.0, 7.0))
    assert ratios.unknown((1, 3)) == ["pt"]
    assert math.isnan(ratios.times(0))
    assert ratios.update((3,), (10.0,))
    assert ratios.times(0) == 1200.0
    assert not ratios.update((3,), (10.0,))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_a_ratio_without_sense_is_unknown(value: float) -> None:
    ratios = Ratios("m", POINTS)
    ratios.update((1, 3), (120.0, 10.0))
    assert ratios.update((1,), (value,))
    assert ratios.unknown((0, 1, 2, 3)) == ["ct"]
    assert math.isnan(ratios.times(0))


def test_another_meter_may_have_other_ratios() -> None:
    ratios = Ratios("m", POINTS)
    ratios.update((1, 3), (120.0, 10.0))
    ratios.forget()
    assert math.isnan(ratios.times(0))


def test_a_ratio_that_is_not_polled_is_our_fault() -> None:
    with pytest.raises(UsageError, match=r'meter m: point power: .* "pt", which'):
        Ratios("m", [POWER, CT])


@pytest.mark.parametrize(
    ("stated", "told"), [(120.0, None), (120.4, None), (121.0, 120.0), (80.0, 120.0)]
)
def test_a_ratio_is_another_one_if_its_register_could_tell(
    stated: float, told: float | None
) -> None:
    ratios = Ratios("m", POINTS)
    assert ratios.otherwise("ct", stated) is None
    ratios.update((1, 3), (120.0, 10.0))
    assert ratios.otherwise("ct", stated) == told
    assert ratios.otherwise("elsewhere", stated) is None
