"""What a unit says of itself, and what is made of it."""

from dataclasses import replace
from typing import Any

import pytest
from harness.conversations import block, held, words

from zerometer.core.identity import Check, Expected, Identity, Register, Variant
from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.core.points import Part, Point, SignBit
from zerometer.drivers import identity
from zerometer.drivers.identity import Verdict

ANY = ReadLimits()


def number(address: int, kind: Any = "u16", count: int = 1) -> Register:
    return Register(function=3, address=address, kind=kind, count=count)


def text(address: int, count: int) -> Register:
    return number(address, "string", count)


MODEL = Identity(model=Expected(register=number(11), values=(71, 72)))


def test_the_right_model() -> None:
    verdict, asked = held(identity.examine(MODEL, ANY), block(11, [72]))
    assert verdict == Verdict(True)
    assert [(q.address, q.count, q.elsewhere) for q in asked] == [(11, 1, ())]


@pytest.mark.parametrize(
    ("expected", "values", "said"),
    [
        (MODEL.model, [340], "register 11 (function 3) says 340, expected 71 or 72: "),
        (MODEL.model, [], "register 11 (function 3) is refused: "),
        (
            Expected(register=text(11, 4), values=("iEM3",), match="prefix"),
            words("PM5310", 4),
            'register 11 (function 3) says "PM5310", expected "iEM3" ...: ',
        ),
    ],
)
def test_another_model(expected: Expected, values: list[int], said: str) -> None:
    dialogue = identity.examine(Identity(model=expected), ANY)
    verdict = held(dialogue, block(11, values))[0]
    assert not verdict.right
    assert verdict.text.startswith(said + "not the meter that its map describes")


def test_a_register_that_only_some_have() -> None:
    optional = Identity(model=MODEL.model, optional=True)
    assert held(identity.examine(optional, ANY), {})[0].right
    assert not held(identity.examine(optional, ANY), block(11, [5]))[0].right


def test_a_meter_of_even_addresses_is_asked_for_even_ones() -> None:
    even = ReadLimits(even_only=True)
    verdict, asked = held(identity.examine(MODEL, even), block(10, [5, 71]))
    assert verdict.right
    assert [(q.address, q.count) for q in asked] == [(10, 2)]
    alone = ReadLimits(even_only=True, single=(11,))
    _, asked = held(identity.examine(MODEL, alone), block(10, [5, 71]))
    assert [(q.address, q.count) for q in asked] == [(11, 1)]


@pytest.mark.parametrize(
    ("register", "values", "serial"),
    [
        (number(0, "u32", 2), [1, 2], "65538"),
        (number(0, "u32", 2), [0, 0], ""),
        (number(0, "u32", 2), [0xFFFF, 0xFFFF], ""),
        (text(0, 4), words(" B-7 ", 4), "B-7"),
        (text(0, 4), [0] * 4, ""),
        (text(0, 4), [], ""),
    ],
)
def test_serial_numbers(register: Register, values: list[int], serial: str) -> None:
    dialogue = identity.serial_number(register, ANY)
    assert held(dialogue, block(0, values))[0] == serial


@pytest.mark.parametrize(
    ("stated", "found", "right", "said"),
    [
        ("", "77", True, ""),
        ("0077", "77", True, ""),
        ("ab 12", "AB12", True, ""),
        ("78", "77", False, "is the meter with serial number 77, expected 78"),
        ("78", "", True, "tells no serial number: that it is 78 cannot be checked"),
    ],
)
def test_a_stated_serial_number_must_be_told(
    stated: str, found: str, right: bool, said: str
) -> None:
    verdict = identity.compared(stated, found)
    assert verdict.right == right
    assert verdict.text.startswith(said)
    assert bool(verdict.text) == bool(said)


def test_settings() -> None:
    check = Check(expected=Expected(register=number(9), values=(7,)), note="set H")
    assert held(identity.setting(check, ANY), block(9, [7]))[0] == ""
    assert held(identity.setting(check, ANY), block(9, [1]))[0] == (
        "register 9 (function 3) says 1, expected 7: set H"
    )
    assert held(identity.setting(check, ANY), {})[0] == (
        "register 9 (function 3) is refused: cannot be checked; set H"
    )


POWER = Point(name="power", function=3, address=10, type="i16", unit="W")
ENERGY = Point(name="energy", function=3, address=20, type="u32", kind="counter")


def variant(name: str, value: int, **points: Point) -> Variant:
    when = Expected(register=number(90), values=(value,))
    return Variant(name=name, when=when, points=points)


OLD = variant(
    "old", 1, power=Point(name="power", function=4, address=30, type="i32", scale=10.0)
)
NEW = variant("new", 2, energy=Point(name="energy", function=3, address=40, type="u32"))
MAP = MeterMap(
    id="test",
    vendor="Test",
    model="T",
    category="electricity",
    confidence="low",
    points=(POWER, ENERGY),
    variants=(OLD, NEW),
)


def test_the_register_says_which_variant() -> None:
    assert held(identity.variant_of(MAP), block(90, [1]))[0] is OLD
    assert held(identity.variant_of(MAP), block(90, [2]))[0] is NEW
    assert held(identity.variant_of(MAP), block(90, [3]))[0] is None
    assert held(identity.variant_of(MAP), {})[0] is None


def test_points_become_those_of_the_variant() -> None:
    power, energy = identity.varied((POWER, ENERGY), MAP, OLD)
    assert power == Point(
        name="power", function=4, address=30, type="i32", scale=10.0, unit="W"
    )
    assert energy == ENERGY


def test_all_that_a_point_is_made_of_moves_with_it() -> None:
    whole = replace(
        POWER, plus=(Part(address=12, type="u16"),), sign=SignBit(address=5, bit=1)
    )
    there = whole.moved(100)
    when = variant("far", 1, power=there)
    held_by = replace(MAP, points=(whole,), variants=(when,))
    (found,) = identity.varied((whole,), held_by, when)
    assert found == there
    assert found.plus[0].address == 112


def test_points_that_a_site_made_of_others_go_with_them() -> None:
    made = Point(
        name="water", function=3, address=20, type="u32", scale=0.25, unit="m3"
    )
    (there,) = identity.varied((made,), MAP, NEW)
    assert there == Point(
        name="water", function=3, address=40, type="u32", scale=0.25, unit="m3"
    )
