"""Rows in memory, as segments, and as the tables of a batch."""

from array import array
from math import isnan, nan

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.batch import Column, Table
from zerometer.agent.gather import Field, OpenBatch
from zerometer.core.errors import JournalError

POWER = (Field("power", "kW", -3),)
COUNTER = (Field("energy", "kWh", None), Field("energy.index", "kWh", None))
EVENT = (Field("kind", "", None, "text"),)
WINDOW = (Field("covered", "s", -3, "integer"),)
TABLES = {"power": POWER, "energy": COUNTER, "events": EVENT, "window": WINDOW}


def the_table(batch: OpenBatch) -> Table:
    """Return the only table of *batch*."""
    (table,) = batch.tables()
    return table


def gathered(*values: float, exponent: int | None = -3) -> Column:
    """Return the column that some values become."""
    batch = OpenBatch()
    for time_ms, value in enumerate(values):
        batch.add("t", (Field("x", "kW", exponent),), time_ms, (value,))
    return the_table(batch).columns[1]


def test_floats_become_integers_of_their_decimal_place() -> None:
    column = gathered(1.5, nan, -0.0004, 2.0)
    assert (column.name, column.unit, column.exponent) == ("x", "kW", -3)
    assert list(column.values) == [1500, 1500, 0, 2000]
    assert column.nulls == b"\0\1\0\0"


@pytest.mark.parametrize("giant", [1e300, -1e300, 1e19])
def test_a_column_with_a_giant_stays_floats(giant: float) -> None:
    column = gathered(1.5, giant, nan)
    assert (column.exponent, column.values.typecode) == (0, "d")
    assert list(column.values)[:2] == [1.5, giant]
    assert column.nulls == b"\0\0\1"


def test_floats_without_a_decimal_place_stay_as_they_are() -> None:
    column = gathered(0.5, nan, 1.0 + 2**-23, exponent=None)
    assert (column.exponent, column.values.typecode) == (0, "d")
    assert column.values[2] == 1.0 + 2**-23
    assert column.nulls == b"\0\1\0"


def test_rows_of_other_points_make_another_table_of_the_name() -> None:
    batch = OpenBatch()
    batch.add("r/a/power", POWER, 1, (1.0,))
    batch.add("r/b/power", POWER, 2, (2.0,))
    batch.add("r/a/power", COUNTER, 3, (3.0, 4.0))
    batch.add("r/a/power", POWER, 4, (5.0,))
    shown = [(t.name, [list(c.values) for c in t.columns]) for t in batch.tables()]
    assert shown == [
        ("r/a/power", [[1, 4], [1000, 5000]]),
        ("r/a/power", [[3], [3.0], [4.0]]),
        ("r/b/power", [[2], [2000]]),
    ]
    restored = OpenBatch()
    restored.restore(batch.segment() or b"")
    assert restored.tables() == batch.tables()


def test_texts_and_integers_stay_what_they_are() -> None:
    batch = OpenBatch()
    batch.add("events", EVENT, 7, ("up",))
    batch.add("window", WINDOW, 7, (60_000,))
    events, window = batch.tables()
    assert events.columns[1].values == ["up"]
    assert window.columns[1] == Column("covered", "s", -3, array("q", [60_000]))


def test_samples_are_the_values_that_are_there() -> None:
    batch = OpenBatch()
    assert not batch
    batch.add("energy", COUNTER, 1, (nan, nan))
    assert (bool(batch), batch.samples) == (True, 0)
    batch.add("energy", COUNTER, 2, (1.0, nan))
    batch.add("events", EVENT, 0, ("up",))
    assert batch.samples == 2
    assert batch.span_ms() == (0, 2)


def test_the_age_counts_from_the_first_question_and_never_runs_back() -> None:
    batch = OpenBatch()
    assert batch.age_ms(1000) == 0
    assert batch.age_ms(1900) == 900
    assert batch.age_ms(500) == 0
    assert batch.age_ms(700) == 200


def test_the_age_survives_a_restart() -> None:
    batch = OpenBatch()
    batch.age_ms(1000)
    batch.add("power", POWER, 1, (1.0,))
    segments = [batch.segment()]
    batch.add("power", POWER, 2, (1.0,))
    segments.append(batch.segment())
    restored = OpenBatch()
    for segment in segments:
        assert segment is not None
        restored.restore(segment)
    assert restored.age_ms(4000) == 3000


def test_a_column_that_became_another_does_not_fit() -> None:
    batch = OpenBatch()
    batch.add("power", POWER, 1, (1.0,))
    assert batch.fits("power", POWER)
    assert batch.fits("energy", COUNTER)
    assert batch.fits("power", COUNTER)
    assert not batch.fits("power", (Field("power", "kW", -1),))


def test_a_segment_of_a_later_version_is_refused_by_name() -> None:
    with pytest.raises(JournalError, match="segment format 9; this version reads 2"):
        OpenBatch().restore(msgpack.packb([9, "anything"]))


values = {
    # What cannot be counted in steps is kept as it is, with all else in its column.
    "float": st.floats(-1e12, 1e12) | st.just(nan),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "text": st.text(max_size=3),
}


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int, list[float | int | str]] | str]:
    """Return rows of any table, commits and restarts, in any order."""
    found: list[tuple[str, int, list[float | int | str]] | str] = []
    for _ in range(draw(st.integers(0, 25))):
        name = draw(st.sampled_from([*TABLES, *TABLES, "commit", "restart"]))
        if name in TABLES:
            row = [draw(values[field.kind]) for field in TABLES[name]]
            found.append((name, draw(st.integers(0, 2**50)), row))
        else:
            found.append(name)
    return found


def shown(batch: OpenBatch) -> dict[str, list[object]]:
    """Return the tables by name as values that compare: NaN is None."""
    return {
        table.name: [
            (column.name, column.unit, column.exponent, column.nulls or b"",
             [None if value != value else value for value in column.values])  # noqa: PLR0124
            for column in table.columns
        ]
        for table in batch.tables()
    }  # fmt: skip


@given(steps())
def test_segments_bring_back_the_same_tables(
    script: list[tuple[str, int, list[float | int | str]] | str],
) -> None:
    """Whatever is committed before a restart, and nothing else, is there after it."""
    whole, committed = OpenBatch(), OpenBatch()
    batch, segments, since = OpenBatch(), [], []
    for step in script:
        if isinstance(step, str):
            if step == "commit":
                segments += [s] if (s := batch.segment()) is not None else []
                for name, time_ms, row in since:
                    committed.add(name, TABLES[name], time_ms, row)
            else:
                batch = OpenBatch()
                for segment in segments:
                    batch.restore(segment)
                assert shown(batch) == shown(committed)
                assert batch.samples == committed.samples
                assert batch.segment() is None
            since = []
        else:
            name, time_ms, row = step
            since.append(step)
            batch.add(name, TABLES[name], time_ms, row)
            whole.add(name, TABLES[name], time_ms, row)
    if "restart" not in script:
        assert shown(batch) == shown(whole)
        present = sum(
            not (isinstance(value, float) and isnan(value))
            for step in script if not isinstance(step, str) for value in step[2]
        )  # fmt: skip
        assert batch.samples == whole.samples == present
