"""The walk over a SunSpec device's models: found, bounded, and what stands where."""

from harness.conversations import Registers, block, held, words
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import Part, Point, SignBit
from zerometer.drivers.questions import Question
from zerometer.drivers.sunspec import MAX_MODELS, Models, placed, serial_number, walk

MARK = words("SunS", 2)
BASES = [40_000, 50_000, 0]


def device(
    base: int, *models: tuple[int, int], end: bool = True
) -> dict[tuple[int, int], int]:
    """Registers of a device whose *models* are numbers and lengths."""
    values = list(MARK)
    for number, length in models:
        values += [number, length, *[0] * length]
    return block(base, values + ([0xFFFF, 0] if end else []))


def models_of(registers: Registers, *, silent: bool = False) -> Models | None:
    return held(walk(list(BASES)), registers, silent=silent)[0]


def test_the_list_is_followed_to_its_end() -> None:
    found, asked = held(
        walk([40_000]), device(40_000, (1, 66), (203, 105), (64_110, 3))
    )
    assert found == {1: 40_002, 203: 40_070, 64_110: 40_177}
    assert [q.address for q in asked] == [40_000, 40_002, 40_070, 40_177, 40_182]
    assert {q.count for q in asked} == {2}


def test_the_first_of_models_that_are_there_twice() -> None:
    found = models_of(device(40_000, (1, 66), (203, 10), (203, 20)))
    assert found == {1: 40_002, 203: 40_070}


def test_each_base_is_tried_whether_others_refuse_or_keep_silent() -> None:
    for base in BASES:
        for silent in (False, True):
            found = models_of(device(base, (1, 66)), silent=silent)
            assert found == {1: base + 2}


def test_the_right_base_comes_first_the_next_time() -> None:
    bases = list(BASES)
    held(walk(bases), device(0, (1, 66)))
    _, asked = held(walk(bases), device(0, (1, 66)))
    assert asked[0] == Question(3, 0, 2, (40_000, 50_000))


def test_another_device_is_none() -> None:
    registers = block(40_000, [0x5375, 0x6E54]) | block(0, [1, 2, 3])
    assert models_of(registers) is None
    assert models_of(registers, silent=True) is None


def test_a_unit_that_never_says_anything_is_asked_round_and_round() -> None:
    bases = list(BASES)
    dialogue = walk(bases)
    addresses = [next(dialogue).address]
    addresses += [dialogue.send(None).address for _ in range(6)]
    assert addresses == [40_000, 50_000, 0, 40_000, 50_000, 0, 40_000]


def test_a_list_without_an_end_ends_where_it_is_refused() -> None:
    assert models_of(device(40_000, (1, 66), (203, 105), end=False)) == {
        1: 40_002,
        203: 40_070,
    }


def test_a_list_that_never_ends_is_left() -> None:
    registers = block(40_000, MARK + [7, 0] * 5000)
    _, asked = held(walk([40_000]), registers)
    assert len(asked) == MAX_MODELS + 1


def test_a_list_that_leads_beyond_all_registers_is_left() -> None:
    registers = device(40_000, (1, 66), end=False) | block(40_070, [203, 65_000])
    assert models_of(registers) == {1: 40_002, 203: 40_070}


@given(st.lists(st.integers(0, 65_535), max_size=80))
def test_no_list_is_walked_forever(values: list[int]) -> None:
    found, asked = held(walk([0]), block(0, MARK + values))
    assert len(asked) <= MAX_MODELS + 1
    assert all(question.address <= 65_534 for question in asked)
    assert found is not None
    assert all(address < len(values) + 2 for address in found.values())


def test_the_serial_number_is_that_of_the_common_model() -> None:
    registers = device(40_000, (1, 66)) | block(40_052, words("A-0815", 16))
    models = models_of(registers)
    assert models
    assert held(serial_number(models, ReadLimits()), registers)[0] == "A-0815"
    short = held(serial_number(models, ReadLimits(max_registers=10)), registers)
    assert short[0] == "A-0815"
    assert [question.count for question in short[1]] == [10, 6]
    assert held(serial_number({203: 40_002}, ReadLimits()), registers) == ("", [])


def test_points_are_placed_where_their_model_is() -> None:
    point = Point(
        name="energy",
        function=3,
        address=10,
        type="u16",
        plus=(Part(address=12, type="u16"),),
        sign=SignBit(address=14, bit=3),
        models=(201, 202, 203),
    )
    there = placed(point, {1: 40_002, 203: 40_070})
    assert there
    assert (there.address, there.plus[0].address) == (40_080, 40_082)
    assert there.sign == SignBit(address=40_084, bit=3)
    assert placed(point, {1: 40_002, 103: 40_070}) is None
    plain = Point(name="p", function=3, address=10, type="u16")
    assert placed(plain, {}) is plain


def test_a_model_that_has_no_room_is_not_asked_where_no_address_is() -> None:
    models = {1: 65_500, 103: 65_530}
    serial, asked = held(serial_number(models, ReadLimits()), {})
    assert (serial, asked) == ("", [])
    last = Point(name="p", function=3, address=4, type="u32", models=(103,))
    there = placed(last, models)
    assert there is not None
    assert there.address == 65_534
    assert placed(last.moved(1), models) is None
