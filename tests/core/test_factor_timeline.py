"""The choice of revision: highest status, then the newest, at every moment."""

from dataclasses import replace
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from reference import factor as reference
from reference.factor import GRAIN_NS

from zerometer.core.factor import STATUSES, FactorRow
from zerometer.core.factor_timeline import Timeline

LENGTH = 40
ROW = FactorRow(series="s", t0_ns=0, t1_ns=10 * GRAIN_NS, value=0.5)


@st.composite
def some_rows(draw: st.DrawFn) -> list[FactorRow]:
    """Return rows of one series that overlap in any way."""
    rows = []
    for revision in range(1, 1 + draw(st.integers(0, 12))):
        start = draw(st.integers(0, LENGTH - 1))
        rows.append(
            FactorRow(
                series="s",
                t0_ns=start * GRAIN_NS,
                t1_ns=draw(st.integers(start + 1, LENGTH)) * GRAIN_NS,
                value=draw(st.floats(0.0, 2.0)),
                status=draw(st.sampled_from(STATUSES)),
                published_ns=draw(st.integers(0, 3)),
                fetched_ns=draw(st.integers(0, 3)),
                revision=revision,
            )
        )
    return rows


def timeline(*rows: FactorRow) -> Timeline:
    made = Timeline()
    for row in rows:
        made.add(row)
    return made


@given(some_rows(), st.integers(0, LENGTH - 1), st.integers(1, LENGTH))
def test_the_timeline_chooses_as_the_reference(
    rows: list[FactorRow], start: int, length: int
) -> None:
    start_ns, end_ns = start * GRAIN_NS, (start + length) * GRAIN_NS
    found = timeline(*rows).mean(start_ns, end_ns)
    expected = reference.mean(rows, start_ns, end_ns)
    if found is None or expected is None:
        assert found is expected
        return
    assert found[1] == expected[1]
    assert abs(Fraction(found[0]) - expected[0]) <= Fraction(1, 10**14)


@given(some_rows(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    rows: list[FactorRow], order: Random
) -> None:
    shuffled = rows.copy()
    order.shuffle(shuffled)
    one, other = (
        [(s.start_ns, s.end_ns, s.row) for s in timeline(*some).stretches()]
        for some in (rows, shuffled)
    )
    for minute in range(LENGTH):
        time_ns = minute * GRAIN_NS
        found = [
            [row for start, end, row in line if start <= time_ns < end]
            for line in (one, other)
        ]
        assert found[0] == found[1]
        assert len(found[0]) <= 1


@given(some_rows(), st.integers(0, LENGTH))
def test_what_is_forgotten_is_only_the_past(rows: list[FactorRow], at: int) -> None:
    whole, cut = timeline(*rows), timeline(*rows)
    cut.forget(at * GRAIN_NS)
    for minute in range(at, LENGTH):
        times = minute * GRAIN_NS, (minute + 1) * GRAIN_NS
        assert cut.mean(*times) == whole.mean(*times)
    assert all(stretch.end_ns > at * GRAIN_NS for stretch in cut.stretches())


def test_a_status_beats_a_later_one_of_lower_status() -> None:
    measured = replace(ROW, value=0.5, published_ns=1, revision=1)
    forecast = replace(ROW, value=0.7, status="forecast", published_ns=9, revision=2)
    assert timeline(measured, forecast).mean(0, GRAIN_NS) == (0.5, 1)


def test_within_a_status_the_newest_publication_holds() -> None:
    old = replace(ROW, value=0.5, published_ns=5, revision=1)
    new = replace(ROW, value=0.6, published_ns=6, revision=2)
    late = replace(ROW, value=0.7, published_ns=4, fetched_ns=99, revision=3)
    assert timeline(old, new, late).mean(0, GRAIN_NS) == (0.6, 2)


def test_a_value_that_holds_all_the_time_stays_as_it_was_stated() -> None:
    assert timeline(replace(ROW, value=0.1)).mean(0, 3 * GRAIN_NS) == (0.1, 0)


def test_finer_rows_are_weighted_by_their_time() -> None:
    fine = replace(ROW, value=0.2, t1_ns=5 * GRAIN_NS, revision=1)
    rest = replace(ROW, value=0.5, t0_ns=5 * GRAIN_NS, t1_ns=15 * GRAIN_NS, revision=2)
    assert timeline(fine, rest).mean(0, 15 * GRAIN_NS) == (6.0 / 15, 2)


def test_what_is_not_known_is_not_zero() -> None:
    assert timeline(ROW).mean(10 * GRAIN_NS, 20 * GRAIN_NS) is None
    assert timeline(ROW).mean(5 * GRAIN_NS, 20 * GRAIN_NS) == (0.5, 0)
