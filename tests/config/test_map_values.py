"""What a map says of values that are more than one register."""

from pathlib import Path

import pytest

from zerometer.config.map_library import MapLibrary, shipped_map
from zerometer.config.problems import Problems
from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import Part, Point, SignBit

TOP = """format = 1
id = "ours"
vendor = "Ours"
model = "Values"
category = "electricity"
confidence = "low"
"""


def load(tmp_path: Path, text: str) -> dict[str, Point]:
    (tmp_path / "ours.toml").write_text(TOP + text, encoding="utf-8")
    problems = Problems()
    found = MapLibrary(problems, tmp_path).find("ours")
    problems.check()
    assert problems.warnings == ()
    assert found is not None
    return {point.name: point for point in found.points}


def test_parts_take_over_type_and_order_but_not_the_scale(tmp_path: Path) -> None:
    points = load(
        tmp_path,
        """
[invalid]
i16 = [0x7FFF]
[defaults]
function = 3
type = "u32"
order = "CDAB"
[points.energy.total]
address = 0
scale = 0.1
unit = "kWh"
plus = [{ address = 4, type = "i16" }, { address = 6, scale = -2 }]
""",
    )
    assert points["total"].plus == (
        Part(address=4, type="i16", order="CDAB", invalid=(0x7FFF,)),
        Part(address=6, type="u32", order="CDAB", scale=-2.0),
    )
    assert points["total"].modulus is None
    assert points["total"].resolution == 0.1
    assert points["total"].places == ((0, 2), (4, 1), (6, 2))
    assert points["total"].moved(10).places == ((10, 2), (14, 1), (16, 2))


def test_bits_of_one_register_may_be_shared_out(tmp_path: Path) -> None:
    points = load(
        tmp_path,
        """
[defaults]
function = 3
type = "u16"
[points.power.active_power]
address = 1
unit = "W"
times = ["power_scale"]
sign = { address = 0, bit = 3 }
[points.energy]
pulses = { address = 2, bits = [0, 11], unit = "pulses" }
[points.ratio]
power_scale = { address = 0, bits = [8, 15], offset = -4, as = "pow10" }
current_scale = { address = 0, bits = [0, 2], codes = { 1 = 1, 2 = 0.5 } }
""",
    )
    assert points["pulses"].modulus == 4096.0
    assert points["active_power"].sign == SignBit(address=0, bit=3)
    assert points["active_power"].resolution is None
    assert points["power_scale"].form == "pow10"
    assert points["current_scale"].codes == ((1.0, 1.0), (2.0, 0.5))


def test_digits_roll_over_where_they_end(tmp_path: Path) -> None:
    points = load(
        tmp_path,
        """
[points.energy]
total = { address = 0, function = 3, type = "bcd32", scale = 0.01, unit = "kWh" }
""",
    )
    assert points["total"].modulus == 1e6


def test_a_meter_is_known_by_its_other_names() -> None:
    library = MapLibrary(Problems())
    assert library.sold_as("siemens-sentron-pac4200") == ("siemens-pac2200",)
    assert library.sold_as("siemens-pac2200") == ()


def test_reading_rules_of_shipped_maps() -> None:
    assert shipped_map("huawei-sun2000-meter").limits == ReadLimits(
        max_registers=64, min_delay_ms=50, connect_delay_ms=1000
    )
    assert shipped_map("socomec-diris-b30").limits.blocks == (
        (18_432, 18_523),
        (19_840, 19_905),
    )
    assert shipped_map("vpinstruments-vpflowscope").limits.registers_per_address == 2
    assert shipped_map("sunspec-meter").sunspec == (40_000, 50_000, 0)


@pytest.mark.parametrize("map_id", ["sunspec-inverter", "sunspec-inverter-float"])
def test_an_inverter_is_negative_while_it_feeds_in(map_id: str) -> None:
    power = shipped_map(map_id).point("active_power")
    assert power is not None
    assert power.scale == -1.0
