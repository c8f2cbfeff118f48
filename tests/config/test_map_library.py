"""Every shipped meter map holds."""

from pathlib import Path

import pytest

from zerometer.config.map_library import SHIPPED, MapLibrary, shipped_map
from zerometer.config.problems import FileError, Problems

MAPS = MapLibrary(Problems()).names()


def test_the_shipped_maps_are_those_promised() -> None:
    assert set(MAPS) >= {
        "acrel-adl400",
        "carlo-gavazzi-em24",
        "chint-dtsu666",
        "eastron-sdm630",
        "isma-sfar-4di",
    }


@pytest.mark.parametrize("map_id", MAPS)
def test_a_shipped_map_has_no_problem_and_no_warning(map_id: str) -> None:
    problems = Problems()
    found = MapLibrary(problems).find(map_id)
    problems.check()
    assert found is not None
    assert found.sources
    assert problems.warnings == ()


@pytest.mark.parametrize("map_id", MAPS)
def test_counters_and_gauges_stand_in_their_groups(map_id: str) -> None:
    shipped = shipped_map(map_id)
    fractions = {p.name for p in shipped.points if p.form == "pow10" or p.codes}
    for point in shipped.points:
        assert (point.kind == "counter") == (point.group == "energy"), point.name
        free = point.group in ("state", "ratio") or not fractions.isdisjoint(
            point.times
        )
        assert point.resolution is not None or free, point.name


def test_a_map_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        shipped_map("eastron-sdm631")


def test_the_ratios_of_the_acrel_multiply_its_values() -> None:
    acrel = shipped_map("acrel-adl400")
    energy = acrel.point("active_energy_import")
    assert energy is not None
    assert energy.ratio == "register"
    assert energy.times == ("pt_ratio", "ct_ratio")
    assert energy.modulus == 2**32 * 0.01
    ratio = acrel.point("ct_ratio")
    assert ratio is not None
    assert (ratio.address, ratio.group) == (142, "ratio")


def test_the_form_to_copy_is_a_map_that_holds(tmp_path: Path) -> None:
    form = (SHIPPED / "_blueprint.toml").read_text(encoding="utf-8")
    (tmp_path / "vendor-model.toml").write_text(form, encoding="utf-8")
    problems = Problems()
    assert MapLibrary(problems, tmp_path).find("vendor-model") is not None
    problems.check()
    assert problems.warnings == ()


def test_an_own_map_is_used_instead_of_a_shipped_one(tmp_path: Path) -> None:
    text = (SHIPPED / "eastron-sdm630.toml").read_text(encoding="utf-8")
    own = text.replace('model = "SDM630"', 'model = "SDM630 of ours"')
    (tmp_path / "eastron-sdm630.toml").write_text(own, encoding="utf-8")
    found = MapLibrary(Problems(), tmp_path).find("eastron-sdm630")
    assert found is not None
    assert found.model == "SDM630 of ours"


def test_a_wrong_map_is_refused_once_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('format = 1\nid = "good"\n', encoding="utf-8")
    problems = Problems()
    library = MapLibrary(problems, tmp_path)
    library.find("bad")
    library.find("bad")
    with pytest.raises(FileError) as caught:
        problems.check()
    assert f'{path}:2:6: map: id: "good" is not the name of its file, "bad"' in str(
        caught.value
    )
