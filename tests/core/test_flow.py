"""Carbon flow: the kernel is the reference, and its books balance."""

from array import array
from math import fsum, inf, isfinite, nan

import pytest
from harness.drawn_graphs import Case, cases
from harness.flow_graphs import Solver, arguments, tables_of, weigh
from hypothesis import given
from hypothesis import strategies as st
from reference import flow as reference

from zerometer.core._flow import CLOSED, NO_FLOW, SHORT, FlowGraph
from zerometer.core.errors import UsageError

NEAR = {"rel": 1e-9, "abs": 1e-9}


def flat(rows: list[list[float]]) -> list[float]:
    return [float(value) for row in rows for value in row]


@given(cases())
def test_kernel_is_the_reference(case: Case) -> None:
    solver, plain = Solver(case.tables), reference.Flow(case.tables)
    expected = [plain.tick(tick) for tick in case.ticks]
    met = solver.solve(*case.ticks)
    totals = solver.totals
    for name in ("amounts", "discharged", "carried"):
        wanted = [
            fsum(column)
            for column in zip(*(flat(getattr(e, name)) for e in expected), strict=True)
        ]
        assert flat(getattr(totals, name)) == pytest.approx(wanted, **NEAR)
    for name in ("entered", "quantities", "throughput", "short", "closed", "flows"):
        wanted = [
            fsum(column)
            for column in zip(*(getattr(e, name) for e in expected), strict=True)
        ]
        assert getattr(totals, name) == pytest.approx(wanted, **NEAR)
    last = expected[-1]
    assert flat(solver.shares) == pytest.approx(flat(last.shares), **NEAR)
    for condition, flowed, short, closed in zip(
        solver.conditions, last.throughput, last.short, last.closed, strict=True
    ):
        none = not (flowed or closed)
        assert condition == NO_FLOW * none + SHORT * short + CLOSED * closed
    assert met & CLOSED == CLOSED * any(any(e.closed) for e in expected)
    for i, (energy, contents) in enumerate(
        zip(plain.energy, plain.contents, strict=True)
    ):
        held = solver.tank(i)
        assert held[0] == pytest.approx(float(energy), **NEAR)
        assert held[1] == pytest.approx([float(c) for c in contents], **NEAR)


@given(cases(bonus=False))
def test_nothing_is_negative_without_a_bonus(case: Case) -> None:
    solver = Solver(case.tables)
    solver.solve(*case.ticks)
    assert min(flat(solver.totals.amounts) + flat(solver.totals.carried)) >= 0


@given(cases())
def test_what_enters_is_what_the_places_get(case: Case) -> None:
    solver = Solver(case.tables)
    solver.solve(*case.ticks)
    totals = solver.totals
    got = [fsum(column) for column in zip(*totals.amounts, strict=True)]
    given_back = totals.discharged or [[0.0] * case.tables.origins]
    entered = [
        fsum([own, *column])
        for own, column in zip(
            totals.entered, zip(*given_back, strict=True), strict=True
        )
    ]
    # What bonuses add and take off leaves rounding of their own size.
    largest = max((max(tick, default=0) for tick in case.ticks), default=0)
    noise = 1e-13 * largest if len(case.tables.bonuses) else 1e-15
    assert got == pytest.approx(entered, rel=1e-12, abs=noise)


@given(cases())
def test_what_a_dead_band_holds_back_is_not_lost(case: Case) -> None:
    solver = Solver(case.tables)
    solver.solve(*case.ticks)
    flowed = [fsum(column) for column in zip(*case.ticks, strict=True)]
    waits = solver.graph.state()[-len(flowed) :] if flowed else []
    given = {flow for _, _, flow in reference.rows(case.tables.gives, 3)}
    for flow, (all_of_it, booked, waiting) in enumerate(
        zip(flowed, solver.totals.flows, waits, strict=True)
    ):
        assert waiting < max(case.tables.dead_bands[flow], 1e-18)
        if flow not in given:  # of a give, a part may be unmeasured instead
            assert booked + waiting == pytest.approx(all_of_it, rel=1e-12)


@given(cases(), st.sampled_from([2.0**-10, 8.0, 1000.0]))
def test_scaling_all_flows_changes_no_factor(case: Case, by: float) -> None:
    case.tables.dead_bands[:] = array("d", bytes(8 * len(case.tables.dead_bands)))
    plain, scaled = Solver(case.tables), Solver(case.tables)
    plain.solve(*case.ticks)
    scaled.solve(*([quantity * by for quantity in tick] for tick in case.ticks))
    # A share is of a unit of origin in a unit of pool: it has no scale.
    assert flat(scaled.shares) == pytest.approx(flat(plain.shares), **NEAR)


@given(cases())
def test_blocks_of_ticks_are_as_tick_after_tick(case: Case) -> None:
    together, apart = Solver(case.tables), Solver(case.tables)
    together.solve(*case.ticks)
    for tick in case.ticks:
        apart.solve(tick)
    assert (together.sums, together.carries) == (apart.sums, apart.carries)
    assert together.graph.state() == apart.graph.state()
    assert together.make_up == apart.make_up


@given(cases(tanks=False, bonus=False), st.data())
def test_a_higher_factor_lowers_no_result(case: Case, data: st.DataObject) -> None:
    solver = Solver(case.tables)
    solver.solve(*case.ticks)
    factors = [data.draw(st.floats(0, 2)) for _ in range(case.tables.origins)]
    raised = [factor + data.draw(st.floats(0, 1)) for factor in factors]
    for row in [*solver.totals.amounts, *solver.shares]:
        assert weigh(row, raised) >= weigh(row, factors)


@given(
    st.integers(2, 6).flatmap(
        lambda n: st.lists(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.floats(0.1, 50)),
            max_size=12,
        ).map(lambda lines: (n, lines))
    ),
    st.lists(st.floats(0, 100), min_size=6, max_size=6),
)
def test_without_losses_a_factor_is_a_mean(
    network: tuple[int, list[tuple[int, int, float]]], generation: list[float]
) -> None:
    n, lines = network
    solver = Solver(
        tables_of(
            flows=n + len(lines),
            origins=2 * n,
            places=n + len(lines),
            remainders=list(range(n)),
            unmeasured=list(range(n, 2 * n)),
            inflows=[(i, i, i) for i in range(n)],
            takes=[(i, a, n + i) for i, (a, _, _) in enumerate(lines)],
            gives=[(i, b, n + i) for i, (_, b, _) in enumerate(lines)],
            idle=[n + i for i in range(len(lines))],
        )
    )
    solver.solve(generation[:n] + [sent for _, _, sent in lines])
    for row, condition in zip(solver.shares, solver.conditions, strict=True):
        whole = 0 if condition & (NO_FLOW | CLOSED) else 1
        assert sum(row) == pytest.approx(whole, rel=1e-9)


@given(cases())
def test_a_state_goes_on_where_it_stopped(case: Case) -> None:
    whole, first, second = (Solver(case.tables) for _ in range(3))
    whole.solve(*case.ticks)
    first.solve(*case.ticks[:1])
    second.graph.restore(first.graph.state())
    second.solve(*case.ticks[1:])
    assert second.graph.state() == whole.graph.state()


def small(**changes: object) -> FlowGraph:
    """A pool with a source, a sink, a process and a tank, changed as told."""
    tables = tables_of(
        flows=5, origins=3, places=4, remainders=[0], unmeasured=[1],
        inflows=[(0, 0, 0)], outflows=[(0, 1, 1)], takes=[(0, 0, 2)], gives=[(0, 0, 2)],
        idle=[2], tanks=[(0, 3, 3, 4, 2)], efficiencies=[0.9],
    )  # fmt: skip
    return FlowGraph(**{**arguments(tables), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inflows": array("i", [0, 0])}, 'inflows - not an "i" array of rows of 3'),
        ({"burns": array("q", [0, 0, 0])}, 'burns - not an "i" array'),
        ({"takes": array("i", [0, 0, 5])}, r"takes, row 0, column 2 - 5 - .* 5 \(fl"),
        ({"takes": array("i", [0, -1, 1])}, "takes, row 0, column 1 - -1"),
        ({"tanks": array("i", [0, 4, 0, 0, 0])}, r"tanks, .* below 4 \(places\)"),
        ({"remainders": array("i", [0, 0])}, "remainders - not one per pool"),
        ({"unmeasured": array("i")}, "unmeasured - not one per pool"),
        ({"losses": array("i")}, "losses - not one per process"),
        ({"losses": array("i", [4])}, r"losses, .* - 4 - .* below 4 \(places\)"),
        ({"bonuses": array("i", [0, 0, 0, 3])}, r"bonuses, .* 3 \(origins\)"),
        ({"weights": array("d")}, 'weights - not a "d" array of 1'),
        ({"weights": array("d", [inf])}, "weights, 0 - inf - finite"),
        ({"efficiencies": array("d", [1.1])}, "efficiencies, 0 - 1.1 - .* 0 to 1.0"),
        ({"dead_bands": array("d", [nan] * 5)}, "dead_bands, 0 - nan"),
        ({"dead_bands": array("f", [0] * 5)}, "dead_bands - not a"),
    ],
)
def test_tables_that_do_not_fit_are_named(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        small(**changes)


def test_wrong_arrays_and_quantities_are_named() -> None:
    solver = Solver(tables_of(
        flows=2, origins=1, places=1, remainders=[0], unmeasured=[0]
    ))  # fmt: skip
    for quantity in (-1.0, nan, inf, 1.1e18):
        with pytest.raises(UsageError, match=r"tick 1, flow 0 - .* - 0 to 1e"):
            solver.solve([1, 1], [quantity, 1])
    assert solver.totals.throughput == [0]
    with pytest.raises(UsageError, match="flows - length 3 - 2"):
        solver.solve([1, 1, 1])
    graph, sums = small(), array("d", [0.0])
    with pytest.raises(UsageError, match="sums - length 1 - "):
        graph.solve(array("d"), array("q"), sums, sums, sums, bytearray())


def test_a_graph_of_nothing_has_nothing_to_solve() -> None:
    solver = Solver(tables_of(
        flows=0, origins=0, places=0, remainders=[], unmeasured=[]
    ))  # fmt: skip
    assert solver.graph.width == 0
    assert solver.solve([], []) == 0


def test_a_state_is_refused_unless_it_fits() -> None:
    good = small().state()
    assert len(good) == (1 + 3) + 5
    for state, message in [
        (good[1:], "state - length 8 - 9"),
        (array("d", [-1.0, *good[1:]]), "state, 0 - -1.0 - 0 or more"),
        (array("d", [*good[:-1], -1.0]), "state, 8 - -1.0 - 0 or more"),
        (array("d", [good[0], nan, *good[2:]]), "state, 1 - nan"),
    ]:
        with pytest.raises(UsageError, match=message):
            small().restore(state)
    # What a tank owes to a bonus is negative.
    small().restore(array("d", [good[0], -1.0, *good[2:]]))


def chain(pools: int) -> FlowGraph:
    """A ring of pools, each feeding the next one."""
    return FlowGraph(
        **arguments(
            tables_of(
                flows=1, origins=1, places=1, remainders=[0] * pools,
                unmeasured=[0] * pools, idle=[0] * pools,
                takes=[(i, i, 0) for i in range(pools)],
                gives=[(i, (i + 1) % pools, 0) for i in range(pools)],
            )
        )  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_loop_has_a_largest_size() -> None:
    chain(128)
    with pytest.raises(UsageError, match="pools in one loop - 129 - at most 128"):
        chain(129)


def test_flows_too_small_to_matter_end_in_a_closed_pool() -> None:
    """Where a pool's way out underflows, its burden is booked, not divided by 0."""
    pools, great, small_flow = 30, 1e18, 1e-18
    # Each pool sends much back and next to nothing on; only the last has an exit.
    links = [(i, i + 1, small_flow) for i in range(pools - 1)]
    links += [(i + 1, i, great) for i in range(pools - 1)]
    solver = Solver(
        tables_of(
            flows=2 * len(links) + 2, origins=2, places=3, remainders=[0] * pools,
            unmeasured=[1] * pools, idle=[1] * len(links),
            inflows=[(pools - 1, 0, 0)], outflows=[(pools - 1, 2, 1)],
            takes=[(i, a, 2 + 2 * i) for i, (a, _, _) in enumerate(links)],
            gives=[(i, b, 3 + 2 * i) for i, (_, b, _) in enumerate(links)],
        )
    )  # fmt: skip
    flows = [1.0, 1.0]
    for _, _, quantity in links:
        flows += [quantity, quantity]
    solver.solve(flows)
    totals = solver.totals
    assert fsum(flat(totals.amounts)) == pytest.approx(fsum(totals.entered))
    assert all(map(isfinite, flat(solver.shares)))
