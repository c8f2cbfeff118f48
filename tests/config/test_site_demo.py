"""The site of the demo, as it comes out of its file."""

from pathlib import Path

import zerometer.config
from zerometer.config.site import load_site
from zerometer.core.site import Measure, Site

DEMO = Path(zerometer.config.__file__).parent / "sites" / "demo.toml"


def demo() -> Site:
    loaded = load_site(DEMO)
    assert loaded.warnings == ()
    return loaded.site


def test_the_demo_site_loads_without_a_warning() -> None:
    site = demo()
    assert site.id == "demo-factory"
    assert len(site.meters) == 7
    assert len(site.revision) == 16


def test_paths_are_taken_from_the_folder_of_the_file() -> None:
    site = demo()
    assert site.buses[0].port == str(DEMO.parent / "rs485-a")
    assert site.journal.path == str(DEMO.parent / "journal")


def test_ratio_registers_are_polled_with_what_needs_them() -> None:
    points = {p.point.name: p.period_ns for p in demo().meter("incomer").points}
    assert points == {
        "active_power": 1_000_000_000,
        "active_energy_import": 5_000_000_000,
        "active_energy_export": 5_000_000_000,
        "pt_ratio": 600_000_000_000,
        "ct_ratio": 600_000_000_000,
    }


def test_a_derived_counter_replaces_the_pulses() -> None:
    (polled,) = demo().meter("gas-main").points
    point = polled.point
    assert (point.name, point.unit, point.address) == ("volume", "Nm3", 52)
    assert (point.scale, point.resolution) == (0.001, 0.001)
    assert point.modulus == 2**32 * 0.001


def test_measures_convert_into_the_unit_of_the_pool() -> None:
    compressors, boiler = demo().processes
    assert compressors.takes["lv"] == Measure(
        meter="compressor",
        counter="active_energy_import",
        power="active_power",
        times=1.0,
        power_times=0.001,
    )
    assert compressors.gives["air"].times == 8.5
    assert compressors.gives["air"].power_times == 0.0085
    assert boiler.gives["heat"] == Measure(
        meter="gas-main", counter="volume", times=0.0331
    )


def test_a_storage_charges_by_import_and_discharges_by_export() -> None:
    (battery,) = demo().storages
    assert battery.charge.counter == "active_energy_import"
    assert (battery.discharge.counter, battery.discharge.sign) == (
        "active_energy_export",
        -1,
    )


def test_one_stated_view_serves_both() -> None:
    grid, pv = demo().sources
    assert grid.factors["physical"] == grid.factors["location"]
    assert grid.factors["location"].value == 0.55
    assert grid.factors["location"].id == "cn-grid/2023/region/east-china"
    assert pv.factors["location"].value == 0.0


def test_gas_has_the_shipped_factor() -> None:
    (fuel,) = demo().processes[1].fuels
    assert fuel.factors["location"].value == 2.16219
    assert fuel.factors["location"].unit == "kg/Nm3"
