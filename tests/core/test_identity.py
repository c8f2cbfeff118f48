"""Registers that tell a meter: what they say, and whether that is as expected."""

from typing import Any

import pytest

from zerometer.core.decoding import told
from zerometer.core.identity import Expected, Register


def register(kind: Any, count: int, order: Any = "ABCD") -> Register:
    return Register(function=3, address=0, kind=kind, count=count, order=order)


@pytest.mark.parametrize(
    ("register", "data", "value"),
    [
        (register("u16", 1), "0047", 71),
        (register("u16", 1, "BADC"), "4700", 71),
        (register("u32", 2), "01020304", 0x01020304),
        (register("u32", 2, "CDAB"), "03040102", 0x01020304),
        (register("u32", 2, "DCBA"), "04030201", 0x01020304),
        (register("u64", 4), "0000000000000009", 9),
        (register("string", 3), "4232 3120 0000", "B21"),
        (register("string", 4), "0053 004f 0043 004f", "SOCO"),
        (register("string", 2, "BADC"), "3242 2031", "B21"),
        (register("string", 2), "00000000", ""),
    ],
)
def test_values(register: Register, data: str, value: int | str) -> None:
    assert told(register, bytes.fromhex(data)) == value


def test_one_of_the_values_is_as_expected() -> None:
    model = Expected(register=register("u16", 1), values=(71, 72))
    assert model.holds(72)
    assert not model.holds(7)


def test_a_text_is_whole_unless_its_beginning_will_do() -> None:
    text = register("string", 8)
    assert not Expected(register=text, values=("iEM3",)).holds("iEM3255")
    prefix = Expected(register=text, values=("iEM3", "PM"), match="prefix")
    assert prefix.holds("iEM3255")
    assert prefix.holds("PM5310")
    assert not prefix.holds("xiEM3")
