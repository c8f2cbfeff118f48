"""Counters, flows and ledger: compiled and plain side by side, and budgets."""

import random
from array import array

import pytest
from harness.flow_graphs import Solver, tables_of
from pytest_benchmark.fixture import BenchmarkFixture
from reference import counter as plain_counter
from reference import flow as plain_flow
from reference import window as plain_window

from zerometer.core._counter import CounterBank
from zerometer.core._window import add_rows, apportion
from zerometer.core.flow_tables import FlowTables

#: Budgets, median seconds.
LOOP_OF_128_S = 5e-3
SITE_TICK_S = 0.2e-3

COUNTERS = 100
SECOND_NS = 1_000_000_000


def counter_rows(reading: int) -> "array[float]":
    return array("d", (1000.0 * i + reading * 0.1 for i in range(COUNTERS)))


def test_counters(benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"{COUNTERS} counters of one reading"
    bank = CounterBank(COUNTERS)
    for i in range(COUNTERS):
        bank.configure(i, 0.01, 1e6, 1.0)
    zeros, flags = bytes(8 * COUNTERS), bytearray(COUNTERS)
    gains, steps = array("d", zeros), array("d", zeros)
    since, qualities = array("q", zeros), bytes(COUNTERS)
    readings = iter(range(10**9))

    def read() -> None:
        """Take a column of as many values of one counter."""
        first = COUNTERS * next(readings)
        times = array("q", range(first * SECOND_NS, (first + COUNTERS) * SECOND_NS,
                                 SECOND_NS))  # fmt: skip
        values = array("d", (n * 0.1 for n in range(first, first + COUNTERS)))
        bank.column(0, times, values, qualities, gains, steps, since, flags)

    benchmark(read)
    assert gains[7] == pytest.approx(0.1)


def test_counters_reference(benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"{COUNTERS} counters of one reading"
    counters = [plain_counter.Counter(0.01, 1e6, 1.0) for _ in range(COUNTERS)]
    readings = iter(range(10**9))

    def read() -> None:
        n = next(readings)
        for counter, value in zip(counters, counter_rows(n), strict=True):
            counter.update(value, 0, n * SECOND_NS)

    benchmark(read)


def loop(pools: int) -> tuple[FlowTables, list[float]]:
    """A ring in which each pool also feeds others at random; 12 sources."""
    drawn = random.Random(pools)
    links = [(i, (i + 1) % pools) for i in range(pools)]
    links += [(drawn.randrange(pools), drawn.randrange(pools)) for _ in links * 3]
    tables = tables_of(
        flows=12 + len(links),
        origins=12 + pools,
        places=pools + len(links),
        remainders=list(range(pools)),
        unmeasured=[12 + i for i in range(pools)],
        inflows=[(drawn.randrange(pools), i, i) for i in range(12)],
        takes=[(i, a, 12 + i) for i, (a, _) in enumerate(links)],
        gives=[(i, b, 12 + i) for i, (_, b) in enumerate(links)],
        idle=[pools + i for i in range(len(links))],
    )
    return tables, [drawn.uniform(0.1, 10) for _ in range(12 + len(links))]


def site() -> tuple[FlowTables, list[float]]:
    """A large factory: 120 flows, 40 pools, 12 sources, 2 batteries.

    Ten busbars in a ring, each with loads of its own, a compressor and feeders to
    two halls that only use.
    """
    drawn = random.Random(40)
    feeders = [(i, (i + 1) % 10) for i in range(10)]
    feeders += [(i % 10, 10 + i) for i in range(30)]
    takes = [(i, a, 12 + i) for i, (a, _) in enumerate(feeders)]
    gives = [(i, b, 12 + i) for i, (_, b) in enumerate(feeders)]
    loads = [(drawn.randrange(40), 40 + i, 52 + i) for i in range(64)]
    tables = tables_of(
        flows=120,
        origins=54,
        places=40 + 64 + 40 + 2,
        remainders=list(range(40)),
        unmeasured=[12 + i for i in range(40)],
        inflows=[(i % 10, i, i) for i in range(12)],
        outflows=loads,
        takes=takes,
        gives=gives,
        idle=[104 + i for i in range(40)],
        tanks=[(0, 144, 116, 117, 52), (5, 145, 118, 119, 53)],
        efficiencies=[0.9, 0.9],
    )
    flows = [drawn.uniform(50, 100) for _ in range(12)]
    return tables, flows + [drawn.uniform(0.1, 10) for _ in range(108)]


def test_flow_of_a_loop_of_128(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "a tick of 128 pools in one loop"
    tables, flows = loop(128)
    solver = Solver(tables)
    benchmark(solver.solve, flows)
    totals = solver.totals
    assert sum(map(sum, totals.amounts)) == pytest.approx(sum(totals.entered))
    if benchmark.stats is not None:
        assert benchmark.stats.stats.median < LOOP_OF_128_S


def test_flow_of_a_site(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "60 ticks of 120 flows, 40 pools, 12 sources"
    tables, flows = site()
    solver = Solver(tables)
    benchmark(solver.solve, *([flows] * 60))
    totals = solver.totals
    given = sum(map(sum, totals.discharged))
    assert sum(map(sum, totals.amounts)) == pytest.approx(sum(totals.entered) + given)
    if benchmark.stats is not None:
        assert benchmark.stats.stats.median < 60 * SITE_TICK_S


def test_flow_of_a_site_reference(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "one such tick in fractions"
    tables, flows = site()
    plain = plain_flow.Flow(tables)
    benchmark.pedantic(plain.tick, (flows,), rounds=1)


#: In quarters, so that they sum to a whole exactly, again and again.
PARTS = [random.Random(i).randrange(10**9) + i % 4 / 4 for i in range(152)]


def test_apportionment(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "152 parts of a ledger total"
    parts, total = array("d", PARTS), int(sum(PARTS))
    residuals, out = (
        array("d", bytes(8 * len(PARTS))),
        array("q", bytes(8 * len(PARTS))),
    )
    benchmark(apportion, parts, total, residuals, out)
    assert sum(out) == total


def test_apportionment_reference(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "152 parts of a ledger total"
    total, none = int(sum(PARTS)), [0.0] * len(PARTS)
    units, _ = benchmark(plain_window.apportion, PARTS, total, none)
    assert sum(units) == total


def test_sums(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "60 rows of 152 columns added"
    sums, carries = array("d", bytes(8 * len(PARTS))), array("d", bytes(8 * len(PARTS)))
    benchmark(add_rows, sums, carries, array("d", PARTS * 60))


def test_sums_reference(benchmark: BenchmarkFixture) -> None:
    benchmark.group = "60 rows of 152 columns added"
    benchmark(plain_window.column_sums, len(PARTS), PARTS * 60)
