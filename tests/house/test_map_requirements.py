"""What register maps of real meters require of a decoder, and where it is tested.

The list comes from a survey of 146 maps of factory meters; the numbers are its own.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONFIG = "tests/config/test_map_values.py"
DECODE = "tests/core/test_decode.py"
FORMS = "tests/core/test_decode_forms.py"
PLANNER = "tests/core/test_planner.py"
MAPS = "tests/drivers/test_simulator_maps.py"
BUS = "tests/drivers/test_bus_maps.py"

#: Number, what is required, and the tests that show it.
TESTED = [
    ("R01", "integers with a decimal scale", DECODE, "test_plan_of_a_block_of_points"),
    ("R02", "floats, high word first", DECODE, "test_float_of_a_meter"),
    ("R03", "a function per point", PLANNER, "test_no_partition_is_faster"),
    ("R04", "marks of no value", DECODE, "test_marker_may_be_given_signed_or_unsigned"),
    ("R05", "kilo and mega units", MAPS, "test_a_shipped_map_round_trips"),
    ("R06", "low word first", DECODE, "test_orders_of_two_registers"),
    (
        "R07",
        "model and serial number",
        "tests/core/test_identity.py",
        "test_one_of_the_values_is_as_expected",
    ),
    (
        "R08",
        "registers in one request",
        PLANNER,
        "test_every_point_is_read_once_within_the_limits",
    ),
    (
        "R09",
        "requests within blocks",
        PLANNER,
        "test_what_belongs_together_is_read_together",
    ),
    ("R10", "64-bit integers", DECODE, "test_orders_of_four_registers"),
    (
        "R11",
        "any unit identifier",
        "tests/core/test_peer.py",
        "test_peer_reads_our_requests",
    ),
    (
        "R12",
        "delays and time-outs",
        BUS,
        "test_a_unit_is_left_alone_after_its_port_was_opened",
    ),
    (
        "R13",
        "other addresses by firmware",
        "tests/config/test_map_identity.py",
        "test_a_variant_changes_what_it_names_and_nothing_else",
    ),
    (
        "R14",
        "exponents in registers",
        BUS,
        "test_powers_of_ten_and_signs_of_a_panel_meter",
    ),
    ("R15", "SunSpec models", MAPS, "test_a_shipped_map_round_trips"),
    ("R17", "codes of units", FORMS, "test_codes_of_units"),
    (
        "R18",
        "one map of several brands",
        CONFIG,
        "test_a_meter_is_known_by_its_other_names",
    ),
    ("R19", "sums and distant words", FORMS, "test_a_high_word_that_is_not_adjacent"),
    ("R19", "import less export", FORMS, "test_import_minus_export"),
    (
        "R20",
        "ratios in registers",
        "tests/drivers/test_ratios.py",
        "test_ratios_multiply_once_all_ratios_are_known",
    ),
    (
        "R21",
        "even addresses",
        PLANNER,
        "test_every_point_is_read_once_within_the_limits",
    ),
    ("R23", "signs elsewhere", FORMS, "test_a_sign_in_another_register"),
    ("R24", "integer and fraction", FORMS, "test_an_integer_and_a_fraction"),
    (
        "R25",
        "a setting of the meter that is wrong",
        "tests/drivers/test_bus_interviews.py",
        "test_what_the_meter_should_be_set_to_is_told_once",
    ),
    ("R26", "channels", BUS, "test_two_channels_of_one_unit_are_two_meters"),
    (
        "R28",
        "registers that are read alone",
        PLANNER,
        "test_no_partition_is_faster_when_addresses_stand_alone",
    ),
    (
        "R29",
        "power factor of four quadrants",
        FORMS,
        "test_a_power_factor_of_four_quadrants",
    ),
    (
        "R30",
        "raw offsets",
        FORMS,
        "test_an_offset_of_the_raw_number_is_one_of_the_value",
    ),
    ("R31", "magnitudes", FORMS, "test_a_magnitude"),
    ("R32", "all bytes reversed", DECODE, "test_orders_of_two_registers"),
    ("R33", "64-bit floats", DECODE, "test_values_are_those_of_the_reference"),
    ("R34", "exponents within", FORMS, "test_types_of_digits_and_of_exponents"),
    ("R35", "a number at each address", BUS, "test_addresses_that_hold_whole_numbers"),
    (
        "R36",
        "nothing is ever written",
        "tests/core/test_frame.py",
        "test_nothing_but_a_read_request_can_be_built",
    ),
]

#: What is a rule for whoever writes a map; the reference of maps states it.
STATED = {
    "R16": "count registers from 1",
    "R22": "loses its last kWh",
    "R27": "the same value twice",
    "R37": "registers are whatever somebody configured",
}


@pytest.mark.parametrize(("number", "_what", "file", "test"), TESTED)
def test_a_requirement_has_its_test(
    number: str, _what: str, file: str, test: str
) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {test}\(", text, re.M), number


@pytest.mark.parametrize(("number", "words"), STATED.items())
def test_a_rule_for_maps_is_in_their_reference(number: str, words: str) -> None:
    text = (ROOT / "docs" / "meter-map.md").read_text(encoding="utf-8")
    assert words in text, number


def test_nothing_is_missing() -> None:
    numbers = {row[0] for row in TESTED} | STATED.keys()
    assert numbers == {f"R{number:02d}" for number in range(1, 38)}
