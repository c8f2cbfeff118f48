"""The shipped emission factors."""

from collections import Counter

import pytest

from zerometer.config.factor_library import (
    FIT_AS_DEFAULT,
    OF_FUEL,
    shipped,
    warming_potential,
)
from zerometer.core.factor import FactorRow, fault_of
from zerometer.core.site import CARRIERS, Factor

COUNTS = {
    "cn-fuel": 23,
    "cn-grid": 40 + 39 + 40,
    "cn-grid-footprint": 2,
    "cn-heat": 1,
    "gwp": 68,
    "ipcc-2006": 10,
    "tce": 27,
}


def test_a_factor_by_name() -> None:
    assert shipped()["cn-grid/2023/national"].factor == Factor(
        value=0.5306, unit="kg/kWh", id="cn-grid/2023/national"
    )


def test_as_many_are_there_as_should_be() -> None:
    """No name twice: that one would be missing in its family."""
    assert Counter(name.partition("/")[0] for name in shipped()) == COUNTS


@pytest.mark.parametrize("year", [2021, 2022, 2023])
def test_all_of_the_grid_of_a_year_is_there(year: int) -> None:
    names = shipped()
    for kind, count in (("province", 30), ("region", 7)):
        of_kind = [n for n in names if n.startswith(f"cn-grid/{year}/{kind}/")]
        assert len(of_kind) == count
    assert f"cn-grid/{year}/national-excl-traded-nonfossil" in names
    # That of 2022 is not known.
    assert (f"cn-grid/{year}/national-fossil" in names) == (year != 2022)


def test_every_factor_has_an_origin_and_holds() -> None:
    units = {f"kg/{unit}" for unit in CARRIERS.values()}
    for name, series in shipped().items():
        assert series.factor.id == name
        assert series.source
        assert series.title_zh
        assert series.title_en
        assert series.confidence in ("high", "medium", "low")
        assert series.year is None or 2000 < series.year < 2100
        if name.startswith("tce/"):
            assert series.factor.unit.startswith("kgce/")
            assert 0 < series.factor.value < 2
            continue
        assert series.factor.unit in units
        row = FactorRow(
            series=name, t0_ns=0, t1_ns=1,
            value=series.factor.value, unit=series.factor.unit,
        )  # fmt: skip
        assert fault_of(row) == ""
        assert series.factor.value > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cn-grid/2023/national-excl-traded-nonfossil", 0.6096),
        ("cn-grid/2023/national-fossil", 0.8273),
        ("cn-grid/2023/province/yunnan", 0.1333),
        ("cn-grid/2022/national", 0.5366),
        ("cn-grid/2022/province/jiangxi", 0.5752),
        ("cn-grid/2021/region/southwest-china", 0.2113),
        ("cn-grid-footprint/2024/national", 0.5777),
        ("cn-heat/purchased", 110.0),
        ("cn-fuel/diesel", 3.0959),
        ("cn-fuel/coke-oven-gas", 0.76362),
        ("ipcc-2006/bituminous", 2.4407),
        ("gwp/ar5/hfc-134a", 1300.0),
        ("gwp/ar6/sf6", 25200.0),
        ("gwp/ar6/r410a", 2255.5),
        ("tce/electricity-calorific", 0.1229),
    ],
)
def test_some_values(name: str, value: float) -> None:
    assert shipped()[name].factor.value == value


@pytest.mark.parametrize("year", [2021, 2022, 2023])
def test_regions_lie_within_their_provinces(year: int) -> None:
    east = ["shanghai", "jiangsu", "zhejiang", "anhui", "fujian"]
    values = [shipped()[f"cn-grid/{year}/province/{p}"].factor.value for p in east]
    region = shipped()[f"cn-grid/{year}/region/east-china"].factor.value
    assert min(values) < region < max(values)


def test_only_footprints_are_of_the_life_cycle() -> None:
    lifecycle = {n for n, s in shipped().items() if s.basis == "lifecycle"}
    assert lifecycle == {f"cn-grid-footprint/{year}/national" for year in (2023, 2024)}


def test_what_stands_in_for_a_fuel_is_fit_for_it() -> None:
    for carrier, name in OF_FUEL.items():
        series = shipped()[name]
        assert series.factor.unit == f"kg/{CARRIERS[carrier]}"
        assert series.verified
        assert series.confidence in FIT_AS_DEFAULT


def test_what_is_said_to_be_unverified_is_marked() -> None:
    for series in shipped().values():
        doubt = any(
            word in series.source.lower()
            for word in ("unverified", "not checked", "check before")
        )
        assert series.verified != doubt


def test_a_fuel_follows_from_its_parts() -> None:
    fuels = [s for s in shipped().values() if s.combustion]
    assert len(fuels) == COUNTS["cn-fuel"] + COUNTS["ipcc-2006"]
    for series in fuels:
        assert series.combustion is not None
        expected = series.combustion.kg_per_unit
        # Tables round to four decimals; that of IPCC also the carbon content.
        rounding = 2e-4 if series.factor.id.startswith("ipcc") else 0.51e-4
        assert series.factor.value == pytest.approx(expected, abs=rounding, rel=0)


def test_natural_gas_to_the_last_figure() -> None:
    gas = shipped()[OF_FUEL["natural_gas"]]
    assert gas.combustion is not None
    by_hand = 389.31e-4 * 0.0153 * 0.99 * 44 / 12 * 1000
    assert gas.combustion.kg_per_unit == pytest.approx(by_hand, rel=1e-12)


def test_blends_follow_from_their_gases() -> None:
    for report in ("ar5", "ar6"):

        def gwp(gas: str, report: str = report) -> float:
            return shipped()[f"gwp/{report}/{gas}"].factor.value

        expected = 0.23 * gwp("hfc-32") + 0.25 * gwp("hfc-125") + 0.52 * gwp("hfc-134a")
        assert gwp("r407c") == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(
    ("gas", "name"),
    [
        ("HFC-134a", "hfc-134a"),
        ("R134a", "hfc-134a"),
        ("r-22", "hcfc-22"),
        ("R410A", "r410a"),
        ("R 32", "hfc-32"),
        ("SF6", "sf6"),
        ("HFC-43-10mee", "hfc-43-10mee"),
    ],
)
def test_a_gas_by_any_of_its_names(gas: str, name: str) -> None:
    found = warming_potential(gas, "ar6")
    assert found is not None
    assert found.id == f"gwp/ar6/{name}"


@pytest.mark.parametrize("gas", ["", "R", "R999", "steam"])
def test_a_gas_that_is_not_known(gas: str) -> None:
    assert warming_potential(gas, "ar5") is None
