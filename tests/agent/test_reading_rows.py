"""Readings as rows: tables, columns and their decimal places."""

from dataclasses import replace
from math import isnan, nan

import pytest
from harness.sites import (
    EXPORT,
    IMPORT,
    POWER,
    VOLUME,
    meter,
    reading,
    small_site,
)

from zerometer.agent.gather import Field
from zerometer.agent.reading_rows import ReadingRows, exponent_of
from zerometer.core.points import Point

VOLTAGE = Point(
    name="voltage", function=4, address=0, type="u16", scale=0.1, unit="V"
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "exponent"),
    [
        ({}, -1),
        ({"scale": 1.0}, 0),
        ({"scale": -0.001}, -3),
        ({"scale": 10.0}, 1),
        ({"scale": 0.1, "resolution": 0.5}, -1),
        # Ratios of transformers: the first decimal place would round 0.12 to 0.1.
        ({"scale": 0.001 * 120}, -2),
        ({"scale": 0.25}, -2),
        ({"scale": 1.2}, -1),
        ({"scale": 160.0}, 1),
        ({"scale": 0.001 * 100 / 3}, -5),
        ({"offset": -273.15}, -2),
        ({"scale": 1e-25}, None),
        ({"type": "f32"}, None),
        ({"type": "f32", "resolution": 1.0}, 0),
        ({"type": "f64", "resolution": 0.01}, -2),
    ],
)
def test_the_exponent_holds_every_value(
    changes: dict[str, object], exponent: int | None
) -> None:
    assert exponent_of(replace(VOLTAGE, **changes)) == exponent  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("point", "exponent"), [(IMPORT, None), (VOLUME, -2), (POWER, 0)]
)
def test_counters_in_floats_stay_floats(point: Point, exponent: int | None) -> None:
    assert exponent_of(point) == exponent


def rows_of(indices: dict[str, float]) -> ReadingRows:
    """Return what makes rows for the small site, with these stitched indices."""
    return ReadingRows(small_site().meters, lambda meter, point: indices[point])


def test_a_reading_is_a_row_per_group_and_counters_come_twice() -> None:
    site = small_site()
    made = rows_of({"active_energy_import": 7.5, "active_energy_export": nan})
    brought = {"active_energy_import": 1007.5, "active_energy_export": nan}
    (row,) = made.rows(reading(site, "line", 0, **brought))
    table, fields, values = row
    assert table == "readings/line/energy"
    assert [field.name for field in fields] == [
        "active_energy_import", "active_energy_import.index",
        "active_energy_export", "active_energy_export.index",
    ]  # fmt: skip
    assert fields[0] == Field("active_energy_import", "kWh", None)
    assert values[:2] == [1007.5, 7.5]
    assert all(map(isnan, values[2:]))


def test_a_missing_counter_has_no_index_in_its_row() -> None:
    site = small_site()
    made = rows_of({"active_energy_import": 7.5})
    (row,) = made.rows(reading(site, "line", 0, active_energy_import=nan))
    assert all(map(isnan, row[2]))


def test_a_reading_of_several_groups_is_a_row_in_each() -> None:
    both = meter("line", 1, POWER, EXPORT, VOLTAGE)
    made = ReadingRows([both], lambda meter, point: 0.0)
    site = replace(small_site(), meters=(both,))
    brought = reading(site, "line", 0, active_power=5.0, voltage=230.1)
    assert [(table, row) for table, _, row in made.rows(brought)] == [
        ("readings/line/power", [5.0]),
        ("readings/line/electrical", [230.1]),
    ]
