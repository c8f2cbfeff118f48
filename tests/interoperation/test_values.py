"""Meters whose registers others wrote, through the whole chain of a bus."""

import itertools
import math
from collections.abc import Sequence

import pytest
from harness.buses import Watched, running_bus, unit_plan
from harness.far_ends import ENCODED, Contents, FarEnd, Side, Value

from zerometer.core.meter_map import ReadLimits
from zerometer.core.points import REGISTERS_OF, Point, Quality, RegisterType

#: Exact in each type, so that nothing has to be rounded to be compared.
NUMBERS: dict[RegisterType, tuple[float, ...]] = {
    "u16": (0, 1, 65_535),
    "i16": (-32_768, -1, 32_767),
    "u32": (1, 16_909_060, 4_294_967_295),
    "i32": (-2_147_483_648, -2, 2_147_483_647),
    "u64": (1, 72_623_859_790_382_856, 18_446_744_073_709_551_615),
    "i64": (-9_223_372_036_854_775_808, -3, 1_234_567_890_123),
    "f32": (0.15625, -118.625, 3.4028234663852886e38),
    "f64": (0.1, -1e300, 50.000_000_1),
}


def values_of(side: Side) -> tuple[Value, ...]:
    """Every type and order that *side* writes, one value behind the other."""
    values: list[Value] = []
    address = 0
    for kind, orders in ENCODED[side].items():
        for order, number in itertools.product(orders, NUMBERS[kind]):
            values.append(Value(kind, order, address, number))
            address += REGISTERS_OF[kind]
    return tuple(values)


def newest(watched: Watched, meter: str, count: int) -> list[float]:
    """Return the newest value of each of *count* points of *meter*."""
    seen = dict.fromkeys(range(count), math.nan)
    for reading in watched.of(meter):
        seen.update(zip(reading.points, reading.values, strict=True))
    return list(seen.values())


def words(addresses: Sequence[int], function: int = 3) -> list[Point]:
    return [
        Point(name=f"p{address}", function=function, address=address, type="u16")
        for address in addresses
    ]


def test_what_the_other_side_encodes_is_what_a_reading_says(far: FarEnd) -> None:
    values = values_of(far.side)
    size = max(value.address for value in values) + 4
    points = [
        Point(
            name=f"p{value.address}",
            function=3,
            address=value.address,
            type=value.kind,
            order=value.order,
        )
        for value in values
    ]
    contents = Contents(tables={3: [0] * size}, values=values)
    plan = unit_plan("m", 1, points)
    with far.serving(contents), running_bus(far.bus, [plan]) as (_, watched):
        watched.wait(lambda: len(watched.readings) >= 6)
    assert newest(watched, "m", len(points)) == [float(value.value) for value in values]
    assert {quality for r in watched.readings for quality in r.qualities} == {
        Quality.MEASURED
    }
    assert not watched.notices


def test_all_four_tables_are_read(far: FarEnd) -> None:
    """So densely that blocks of the largest size that is allowed are the best."""
    tables = {
        1: [place % 3 % 2 for place in range(2000)],
        2: [place % 5 % 2 for place in range(2000)],
        3: [3 * place for place in range(300)],
        4: [65_535 - place for place in range(300)],
    }
    points = [
        Point(name=f"f{function}a{address}", function=function, address=address,
              type="u16")
        for function, table in tables.items()
        for address in {*range(0, len(table), 7), len(table) - 1}
    ]  # fmt: skip
    plan = unit_plan("m", 1, points, period_ms=1000)
    with (
        far.serving(Contents(tables=tables)),
        running_bus(far.bus, [plan]) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 8)
    assert newest(watched, "m", len(points)) == [
        tables[point.function][point.address] for point in points
    ]
    assert loop.statistics().transactions == len(watched.readings)
    read = [point for reading in watched.readings[:8] for point in reading.points]
    assert sorted(read) == list(range(len(points)))


@pytest.mark.parametrize("code", [2, 3])
def test_a_hole_is_found_and_avoided(far: FarEnd, code: int) -> None:
    """Reads that cover register 5 are refused; behind register 9 there is nothing."""
    contents = Contents(tables={3: list(range(100, 110))}, refused={5: code})
    plan = unit_plan("m", 1, words([0, 1, 4, 5, 6, 8, 9, 10]))
    with far.serving(contents), running_bus(far.bus, [plan]) as (loop, watched):
        watched.wait(lambda: {5, 10} <= refused_in(watched))
        known = len(watched.readings)
        refusals = loop.statistics().errors.get("exception", 0)
        watched.wait(lambda: len(watched.readings) >= known + 20)
        assert loop.statistics().errors.get("exception", 0) - refusals <= 12
    seen = {
        point: value
        for reading in watched.readings[known:]
        for point, value in zip(reading.points, reading.values, strict=True)
        if not math.isnan(value)
    }
    assert seen == {0: 100, 1: 101, 2: 104, 4: 106, 5: 108, 6: 109}
    assert {notice.kind for notice in watched.notices} == {"exception"}


def refused_in(watched: Watched) -> set[int]:
    """Return the registers that were reported as refused."""
    return {
        address
        for notice in watched.said("exception")
        for address in range(20)
        if f"registers {address} to {address} " in notice.text
    }


@pytest.mark.parametrize("code", [1, 4, 6])
def test_other_refusals_take_no_other_value_away(far: FarEnd, code: int) -> None:
    contents = Contents(tables={3: list(range(100, 300))}, refused={150: code})
    plan = unit_plan("m", 1, words([0, 150]))
    with far.serving(contents), running_bus(far.bus, [plan]) as (_, watched):
        watched.wait(lambda: bool(watched.said("exception")))
        count = len(watched.readings)
        watched.wait(lambda: len(watched.readings) >= count + 4)
    values = newest(watched, "m", 2)
    assert values[0] == 100
    assert math.isnan(values[1])


def test_a_unit_that_is_absent_stops_nobody(far: FarEnd) -> None:
    contents = Contents(units=(1, 3), tables={3: [10, 11]})
    plans = [unit_plan(f"m{unit}", unit, words([0, 1])) for unit in (1, 2, 3)]
    with (
        far.serving(contents),
        running_bus(far.bus, plans, timeout_ms=50) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.of("m2")) >= 2)
        count = len(watched.of("m3"))
        watched.wait(lambda: len(watched.of("m3")) >= count + 3)
        assert loop.statistics().errors.get("timeout", 0) >= 1
    for meter, quality in (
        ("m1", Quality.MEASURED),
        ("m2", Quality.MISSING),
        ("m3", Quality.MEASURED),
    ):
        assert {q for r in watched.of(meter) for q in r.qualities} == {quality}


def test_slow_replies_are_never_taken_for_others(far: FarEnd) -> None:
    """Register 9 comes later than the time-out; all registers differ."""
    contents = Contents(
        units=(1, 2), tables={3: list(range(1000, 1020))}, delays_ms={9: 90}
    )
    alone = ReadLimits(bridge_gaps=False)
    plans = [
        unit_plan("slow", 1, words([3, 9]), limits=alone),
        unit_plan("other", 2, words([3, 4])),
    ]
    with (
        far.serving(contents),
        running_bus(far.bus, plans, timeout_ms=40) as (loop, watched),
    ):
        watched.wait(lambda: loop.statistics().errors.get("timeout", 0) >= 2)
        count = loop.statistics().units[1].good
        watched.wait(lambda: loop.statistics().units[1].good >= count + 5, 8.0)
    right = {"slow": [1003, 1009], "other": [1003, 1004]}
    for reading in watched.readings:
        for point, value, quality in zip(
            reading.points, reading.values, reading.qualities, strict=True
        ):
            if quality == Quality.MISSING:
                assert math.isnan(value)
            else:
                assert value == right[reading.meter][point]
    assert {value for reading in watched.of("slow") for value in reading.values} >= {
        1003
    }
