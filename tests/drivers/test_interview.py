"""Interviews: in which order things are asked, and what comes of them."""

from dataclasses import replace

from harness.conversations import block, found, words

from zerometer.core.identity import Check, Expected, Identity, Register, Variant
from zerometer.core.meter_map import MeterMap
from zerometer.core.points import Point
from zerometer.drivers.interview import (
    FIRST_AGAIN_NS,
    LONGEST_AGAIN_NS,
    PATIENCE,
    Findings,
    Interview,
)

POWER = Point(name="power", function=3, address=10, type="u16")
ENERGY = Point(name="energy", function=3, address=2, type="u32", models=(203, 204))


def number(address: int) -> Register:
    return Register(function=3, address=address, kind="u16", count=1)


PLAIN = MeterMap(
    id="test",
    vendor="Test",
    model="T",
    category="electricity",
    confidence="low",
    points=(POWER, replace(ENERGY, models=())),
)
MAP = replace(
    PLAIN,
    identity=Identity(
        model=Expected(register=number(0), values=(71,)), serial=number(1)
    ),
    checks=(
        Check(expected=Expected(register=number(2), values=(7,)), note="set H"),
        Check(expected=Expected(register=number(3), values=(1,)), note="set B"),
    ),
    variants=(
        Variant(
            name="new",
            when=Expected(register=number(4), values=(2,)),
            points={"power": replace(POWER, address=30)},
        ),
    ),
)
SUNSPEC = replace(PLAIN, points=(POWER, ENERGY), sunspec=(40_000, 0))


def interview(
    meter_map: MeterMap = MAP, *, serial: str = "", known: str = ""
) -> Interview:
    return Interview(meter_map, meter_map.points, serial, known)


def troubles(findings: Findings) -> dict[tuple[str, str], str]:
    return {(kind, detail): text for kind, detail, text in findings.troubles()}


def test_meters_of_maps_that_say_nothing_are_asked_nothing() -> None:
    assert not Interview.wanted(PLAIN)
    assert Interview.wanted(SUNSPEC)
    for name in ("identity", "checks", "variants"):
        assert Interview.wanted(replace(PLAIN, **{name: getattr(MAP, name)}))


def test_the_right_meter_is_trusted() -> None:
    one = interview()
    findings = found(one, block(0, [71, 815, 7, 1, 0]))
    assert findings.trusted
    assert findings.points == MAP.points
    assert not findings.absent
    assert not findings.happened
    assert set(troubles(findings).values()) == {""}
    assert one.serial == "815"


def test_another_model_is_not_and_is_asked_nothing_else() -> None:
    one = interview()
    one.answer(b"\0\5")
    assert one.findings
    assert not one.findings.trusted
    assert list(troubles(one.findings)) == [("identity", "identity")]
    assert "says 5, expected 71" in one.findings.identity


def test_wrong_settings_and_a_variant() -> None:
    findings = found(interview(), block(0, [71, 815, 1, 1, 2]))
    assert findings.trusted
    assert [point.address for point in findings.points] == [30, 2]
    assert troubles(findings)["setup", "setting 0"].endswith("set H")
    assert troubles(findings)["setup", "setting 1"] == ""


def test_another_serial_number_is_told_once() -> None:
    one = interview(known="814")
    findings = found(one, block(0, [71, 815, 7, 1, 0]))
    assert findings.trusted
    assert "serial number 814, now 815" in findings.happened
    one.restart()
    assert not found(one, block(0, [71, 815, 7, 1, 0])).happened


def test_two_serial_numbers_by_turns_are_twins() -> None:
    one = interview()
    said = []
    for serial in (815, 816, 816, 815, 815):
        one.restart()
        findings = found(one, block(0, [71, serial, 7, 1, 0]))
        said.append((bool(findings.happened), findings.twins))
    assert said == [
        (False, False), (True, False), (False, False), (True, True), (False, False),
    ]  # fmt: skip


def test_a_serial_number_that_nobody_filled_in_changes_nothing() -> None:
    one = interview(known="815")
    assert not found(one, block(0, [71, 0, 7, 1, 0])).happened
    assert one.serial == "815"


def test_the_site_file_may_say_which_meter_it_must_be() -> None:
    assert found(interview(serial="0815"), block(0, [71, 815, 7, 1, 0])).trusted
    findings = found(interview(serial="0815"), block(0, [71, 816, 7, 1, 0]))
    assert not findings.trusted
    assert "serial number 816, expected 0815" in findings.identity
    unknown = found(interview(serial="0815"), block(0, [71, 0, 7, 1, 0]))
    assert unknown.trusted
    assert "cannot be checked" in unknown.identity


def test_a_wrong_meter_is_asked_again_less_and_less_often() -> None:
    one = interview()
    spacings = []
    for _ in range(9):
        one.answer(b"\0\5")
        one.postpone(1000)
        spacings.append(one.again_ns - 1000)
    assert spacings[:3] == [FIRST_AGAIN_NS, 2 * FIRST_AGAIN_NS, 4 * FIRST_AGAIN_NS]
    assert spacings[-1] == LONGEST_AGAIN_NS
    found(one, block(0, [71, 815, 7, 1, 0]))
    one.postpone(1000)
    assert one.again_ns == 1000 + FIRST_AGAIN_NS, "it was right in between"


def test_points_of_a_sunspec_device() -> None:
    values = [*words("SunS", 2), 1, 66, *[0] * 66, 204, 105, *[0] * 105, 0xFFFF, 0]
    values[52:68] = words("S-77", 16)
    one = interview(SUNSPEC)
    findings = found(one, block(40_000, values))
    assert findings.trusted
    assert [point.address for point in findings.points] == [10, 40_072]
    assert one.serial == "S-77"


def test_points_whose_model_a_sunspec_device_has_not() -> None:
    findings = found(
        interview(SUNSPEC), block(0, [*words("SunS", 2), 103, 0, 65_535, 0])
    )
    assert findings.trusted
    assert findings.points == SUNSPEC.points
    assert findings.absent == {1}
    assert troubles(findings)["absent", "absent"] == (
        "the device has no SunSpec model with energy: not read"
    )


def test_a_device_that_is_silent_everywhere_is_told_from_one_that_is_not() -> None:
    one = interview(SUNSPEC)
    faults = [one.silence(), one.silence(), one.silence()]
    one.answer(b"")
    faults += [one.silence(), one.silence()]
    assert faults == [False, True, True, False, True]


def test_who_is_silent_at_one_register_only_has_it_not() -> None:
    one = interview(replace(MAP, identity=Identity(serial=number(1))))
    question = one.question
    for _ in range(PATIENCE - 1):
        assert one.silence(), "who is silent may be dead"
        assert one.silence()
        one.heard = True  # another request was answered
    assert not one.silence()
    assert one.question != question
    one.restart()
    one.heard = True
    assert not one.silence(), "the next time that is known"


def test_who_was_silent_and_answers_then_has_it() -> None:
    one = interview()
    for _ in range(PATIENCE + 1):
        assert one.silence()
        one.answer(b"\0\x47")
        one.restart()


def test_what_is_no_sunspec_device() -> None:
    findings = found(interview(SUNSPEC), block(0, [1, 2]))
    assert not findings.trusted
    assert findings.identity.startswith("no SunSpec device: ")
    assert "40000, 0" in findings.identity
