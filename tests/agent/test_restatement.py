"""Restatement: the books after revisions are those of an agent that knew better."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from harness.restating import START_NS, Books, Quarter, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zerometer.agent.restatement import QUARTERS_PER_TICK
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.factor import FactorRow
from zerometer.core.holdings import Holdings
from zerometer.core.series_book import HORIZON_NS

#: Rounding of a cell: a unit of each of the two ways, which sum up differently.
UNITS = 3


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path / "journal")
    yield made
    made.close()


def from_scratch(quarters: Sequence[Quarter], known: Sequence[FactorRow]) -> Books:
    """Return the books of an agent that knew all factors from the start."""
    made = Books(None, known)
    made.live(quarters)
    made.end()
    return made


def assert_same(books: Books, other: Books, quarters: int) -> None:
    for quarter in range(quarters):
        found, expected = books.emissions(quarter), other.emissions(quarter)
        assert found.keys() == expected.keys()
        for name, units in expected.items():
            assert found[name] == pytest.approx(units, abs=UNITS), (quarter, name)
    assert books.held_kg() == pytest.approx(other.held_kg(), rel=1e-9, abs=1e-9)


def balanced(books: Books, quarter: int) -> bool:
    cells = books.emissions(quarter)
    network = books.accounting.network
    return all(
        sum(cells[f"{o.name}:emissions:{view}"] for o in network.origins)
        == sum(cells[f"{p.name}:emissions:{view}"] for p in network.places)
        for view in network.views
    )


CHARGE = Quarter(grid_kw=80, battery_kw=40)
DISCHARGE = Quarter(grid_kw=10, battery_kw=-20)
EVEN = Quarter()


def test_a_revision_restates_its_quarter_only_where_nothing_is_stored(
    books: Books,
) -> None:
    books.live([EVEN] * 4)
    books.end()
    before = books.emissions(1)
    books.revise(rows([(1, 0.7)]))
    books.settle()
    (run,) = books.runs
    assert (run.rows, run.start_ns) == (1, START_NS + QUARTER_NS)
    assert run.delta_kg["physical"] == pytest.approx(15 * 0.2, rel=1e-9)
    assert run.delta_kg["location"] == pytest.approx(0.0, abs=1e-9)
    first, second = books.windows[START_NS + QUARTER_NS]
    assert second.revision == first.revision + 1
    assert second.covered_ns == first.covered_ns
    assert books.emissions(1) != before
    assert balanced(books, 1)
    for quarter in (0, 2, 3):
        assert len(books.windows[START_NS + quarter * QUARTER_NS]) == 1


def test_a_revision_goes_forward_through_the_battery(books: Books) -> None:
    quarters = [CHARGE, EVEN, DISCHARGE, EVEN, EVEN]
    books.live(quarters)
    books.end()
    books.revise(rows([(0, 0.9)]))
    books.settle()
    assert [len(books.windows[START_NS + q * QUARTER_NS]) for q in range(5)] == [
        2,
        1,
        2,
        1,
        1,
    ]
    assert_same(books, from_scratch(quarters, rows([(0, 0.9)])), 5)
    assert all(balanced(books, quarter) for quarter in range(5))


def test_quarters_after_an_emptied_battery_stay_as_they_are(books: Books) -> None:
    small = Quarter(grid_kw=60, battery_kw=4)
    drained = Quarter(grid_kw=20, battery_kw=-40)
    quarters = [small, drained, EVEN, small, drained]
    books.live(quarters)
    books.end()
    books.revise(rows([(0, 0.9)]))
    books.settle()
    rows_of = [len(books.windows[START_NS + q * QUARTER_NS]) for q in range(5)]
    assert rows_of == [2, 2, 1, 1, 1]


def test_what_is_held_now_follows(books: Books) -> None:
    quarters = [CHARGE] * 3
    books.live(quarters)
    books.end()
    before = books.held_kg()
    books.revise(rows([(1, 0.1)]))
    books.settle()
    expected = from_scratch(quarters, rows([(1, 0.1)])).held_kg()
    assert before != pytest.approx(expected)
    assert books.held_kg() == pytest.approx(expected, rel=1e-9)


def test_what_storages_held_in_another_quarter_is_not_taken_up(books: Books) -> None:
    """After a step back of the clock, the last quarter is not the one before now."""
    books.live([CHARGE] * 2)
    before = books.held_kg()
    network = books.accounting.network
    assert not books.accounting.attribution.reopen(Holdings.none(network))
    assert books.held_kg() == before


def test_the_worked_numbers_of_a_revision(books: Books) -> None:
    """100, 300 and 50 kWh at 0.4, 0.6, 0.5, then 0.4, 0.55, 0.52: 245, then 231 kg."""
    energies = [100.0, 300.0, 50.0]
    books.book.load(rows(enumerate([0.4, 0.6, 0.5])))
    books.live([Quarter(grid_kw=4 * kwh) for kwh in energies])
    books.end()

    def grid_kg() -> float:
        name = "source.grid:emissions:physical"
        return sum(books.emissions(q)[name] for q in range(3)) / 1e6

    assert grid_kg() == pytest.approx(245.0, abs=1e-5)
    books.revise(rows(enumerate([0.4, 0.55, 0.52]), revision=2))
    books.settle()
    assert grid_kg() == pytest.approx(231.0, abs=1e-5)
    (run,) = books.runs
    assert run.delta_kg["physical"] == pytest.approx(-14.0, rel=1e-9)
    assert (run.rows, run.revision) == (2, 2)


def test_less_than_epsilon_restates_nothing(books: Books) -> None:
    books.live([EVEN] * 2)
    books.end()
    books.book.load(rows([(0, 0.5)]))
    books.revise(rows([(0, 0.5 + 0.0004)], revision=2))
    assert books.idle


def test_a_revision_can_be_revised(books: Books) -> None:
    quarters = [CHARGE, DISCHARGE, EVEN]
    books.live(quarters)
    books.end()
    books.revise(rows([(0, 0.9)]))
    books.settle()
    books.revise(rows([(0, 0.3)], revision=2))
    books.settle()
    assert_same(books, from_scratch(quarters, rows([(0, 0.3)])), 3)
    revisions = [w.revision for w in books.windows[START_NS]]
    assert revisions == [0, 1, 2]


def test_the_quarter_that_runs_is_restated_when_it_ends(books: Books) -> None:
    quarters = [CHARGE, DISCHARGE, EVEN]
    books.live(quarters[:1])
    for _ in range(7):
        books.minute(DISCHARGE)
    books.revise(rows([(0, 0.9), (1, 0.2)]))
    books.settle()
    for _ in range(8):
        books.minute(DISCHARGE)
    books.live(quarters[2:])
    books.end()
    books.settle()
    assert_same(books, from_scratch(quarters, rows([(0, 0.9), (1, 0.2)])), 3)
    first, second = books.runs
    assert (first.rows, first.start_ns) == (1, START_NS)
    assert (second.rows, second.start_ns) == (1, START_NS + QUARTER_NS)


def test_work_goes_on_after_a_restart(books: Books) -> None:
    quarters = [CHARGE, EVEN, DISCHARGE, CHARGE] * 6
    books.live(quarters)
    books.end()
    books.commit()
    books.revise(rows([(0, 0.9), (9, 0.2)]))
    done = 0
    while not books.idle:
        done += books.step()
        if done >= 3:
            books.restart()
            done = 0
    assert_same(books, from_scratch(quarters, rows([(0, 0.9), (9, 0.2)])), 24)
    (run,) = books.runs
    assert run.rows == sum(len(w) - 1 for w in books.windows.values())


def test_metering_goes_on_meanwhile(books: Books) -> None:
    quarters = [CHARGE, EVEN, DISCHARGE] * 8
    books.live(quarters)
    books.commit()
    books.revise(rows([(0, 0.9)]))
    more = [DISCHARGE, CHARGE, EVEN]
    books.live(more, meanwhile=True)
    books.end()
    books.settle()
    everything = [*quarters, *more]
    assert_same(books, from_scratch(everything, rows([(0, 0.9)])), len(everything))
    assert sum(run.rows for run in books.runs[1:]) <= len(more)


def test_a_step_is_bounded(books: Books) -> None:
    quarters = [Quarter(grid_kw=60, battery_kw=2)] * 20
    books.live(quarters)
    books.end()
    books.revise(rows([(0, 0.9)]))
    brought = []
    while not books.idle:
        brought.append(books.step())
    assert max(brought) <= QUARTERS_PER_TICK
    assert sum(brought) == 1  # what is held changes, but nobody gets it


def test_nothing_before_the_horizon_is_restated(books: Books) -> None:
    books.live([EVEN] * 2)
    books.end()
    assert books.restatement is not None
    late = START_NS + 2 * QUARTER_NS + HORIZON_NS
    assert books.book.add(rows([(0, 0.9)]), late) == []
    assert books.restatement.kept_from_ns == START_NS + 2 * QUARTER_NS - HORIZON_NS


QUARTERS = st.lists(
    st.builds(
        Quarter,
        grid_kw=st.integers(0, 90).map(float),
        pv_kw=st.integers(0, 40).map(float),
        battery_kw=st.integers(-40, 40).map(float),
    ),
    min_size=2,
    max_size=7,
)
NEWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 20).map(lambda n: n / 20)), max_size=4
)


@given(quarters=QUARTERS, news=st.lists(NEWS, min_size=1, max_size=3), data=st.data())
@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@pytest.mark.timeout(120)
def test_restatement_is_recomputation_from_scratch(
    tmp_path_factory: pytest.TempPathFactory,
    quarters: list[Quarter],
    news: list[list[tuple[int, float]]],
    data: st.DataObject,
) -> None:
    books = Books(tmp_path_factory.mktemp("journal"))
    try:
        books.live(quarters)
        books.end()
        for revision, values in enumerate(news, 1):
            books.revise(rows(values, revision))
            for _ in range(data.draw(st.integers(0, 5))):
                books.step()
            if data.draw(st.booleans()):
                books.restart()
        books.settle()
        said = [row for n, v in enumerate(news, 1) for row in rows(v, n)]
        assert_same(books, from_scratch(quarters, said), len(quarters))
        assert all(balanced(books, q) for q in range(len(quarters)))
    finally:
        books.close()
