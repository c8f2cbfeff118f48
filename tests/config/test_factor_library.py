"""The shipped emission factors."""

from zerometer.config.factor_library import OF_FUEL, lookup, shipped
from zerometer.core.site import CARRIERS, Factor


def test_a_factor_by_name() -> None:
    assert lookup("cn-grid/2023/national") == Factor(
        value=0.5306, unit="kg/kWh", id="cn-grid/2023/national"
    )
    assert lookup("cn-grid/2023/nation") is None


def test_all_of_the_2023_grid_is_there() -> None:
    names = shipped()
    assert len([n for n in names if n.startswith("cn-grid/2023/province/")]) == 30
    assert len([n for n in names if n.startswith("cn-grid/2023/region/")]) == 7
    assert "cn-grid/2023/national-excl-traded-nonfossil" in names
    assert "cn-grid/2023/national-fossil" in names


def test_every_factor_has_an_origin_and_holds() -> None:
    units = {f"kg/{unit}" for unit in CARRIERS.values()}
    for name, series in shipped().items():
        assert series.factor.id == name
        assert series.factor.unit in units
        assert 0 < series.factor.value < 3
        assert series.source
        assert series.title_zh
        assert series.title_en
        assert series.confidence in ("high", "medium", "low")
        assert 2000 < series.year < 2100


def test_regions_lie_within_their_provinces() -> None:
    east = ["shanghai", "jiangsu", "zhejiang", "anhui", "fujian"]
    values = [shipped()[f"cn-grid/2023/province/{p}"].factor.value for p in east]
    region = shipped()["cn-grid/2023/region/east-china"].factor.value
    assert min(values) < region < max(values)


def test_the_factor_of_gas_follows_from_its_parts() -> None:
    gas = lookup(OF_FUEL["natural_gas"])
    assert gas is not None
    # Heating value, carbon content, oxidation, and the masses of CO2 and carbon.
    expected = 389.31e-4 * 0.0153 * 0.99 * 44 / 12 * 1000
    assert abs(gas.value - expected) < 1e-4
