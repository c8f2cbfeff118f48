"""Identity, settings and variants of a meter map, as types."""

from pathlib import Path

from zerometer.config.document import read_document
from zerometer.config.map_file import parse_map
from zerometer.config.problems import Problems
from zerometer.core.identity import Check, Expected, Identity, Register
from zerometer.core.meter_map import MeterMap

HEAD = """
format = 1
id = "ours"
vendor = "Works"
model = "M1"
category = "electricity"
confidence = "low"
[defaults]
function = 4
[points.power]
active_power = { address = 0, type = "i16", unit = "W" }
[points.energy]
press = { address = 2, type = "u32", scale = 0.01, unit = "kWh" }
"""


def parsed(tmp_path: Path, text: str) -> MeterMap:
    file = tmp_path / "ours.toml"
    file.write_text(HEAD + text, encoding="utf-8")
    problems = Problems()
    document = read_document(file, problems)
    assert document is not None
    result = parse_map(document, problems)
    problems.check()
    return result


def number(address: int, function: int = 4) -> Register:
    return Register(function=function, address=address, kind="u16", count=1)


def test_a_map_need_not_say_how_its_meters_are_met(tmp_path: Path) -> None:
    plain = parsed(tmp_path, "")
    assert plain.identity is None
    assert plain.checks == plain.variants == ()


def test_identity_and_settings(tmp_path: Path) -> None:
    read = parsed(
        tmp_path,
        """
        [identity]
        address = 49
        function = 3
        type = "string"
        registers = 20
        values = ["iEM3"]
        match = "prefix"
        optional = true
        serial = { address = 129, type = "u32", order = "CDAB" }
        [[check]]
        address = 11
        type = "u16"
        values = [7, 8]
        note = " set application H "
        """,
    )
    text = Register(function=3, address=49, kind="string", count=20)
    serial = Register(function=4, address=129, kind="u32", count=2, order="CDAB")
    assert read.identity == Identity(
        model=Expected(register=text, values=("iEM3",), match="prefix"),
        optional=True,
        serial=serial,
    )
    right = Expected(register=number(11), values=(7, 8))
    assert read.checks == (Check(expected=right, note="set application H"),)


def test_a_serial_number_alone(tmp_path: Path) -> None:
    read = parsed(tmp_path, '[identity]\nserial = { address = 9, type = "u16" }')
    assert read.identity == Identity(serial=number(9))


def test_a_variant_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    read = parsed(
        tmp_path,
        """
        [variant.v2]
        when = { address = 90, type = "u16", values = [2] }
        points.active_power = { address = 30, function = 3, type = "i32", scale = 0.1 }
        points.press = { address = 32, order = "CDAB" }
        """,
    )
    (variant,) = read.variants
    assert variant.name == "v2"
    assert variant.when == Expected(register=number(90), values=(2,))
    power, press = variant.points["active_power"], variant.points["press"]
    assert (power.function, power.address, power.type) == (3, 30, "i32")
    assert (power.scale, power.unit) == (0.1, "W")
    assert (press.function, press.address, press.order) == (4, 32, "CDAB")
    assert (press.type, press.scale, press.modulus) == ("u32", 0.01, 2**32 * 0.01)
