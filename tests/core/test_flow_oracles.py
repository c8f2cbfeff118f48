"""Carbon flow against worked numbers: losses, loops, storages, ticks."""

from array import array

import pytest
from harness.flow_graphs import Solver, tables_of, weigh

from zerometer.core._flow import CLOSED, NO_FLOW, SHORT

LINES = [(0, 1, 60, 59), (0, 3, 225, 218), (0, 2, 115, 112), (1, 2, 173, 171),
         (2, 3, 83, 82)]  # fmt: skip


def four_bus_network(*, losses_as_sink: bool) -> Solver:
    """Bialek's network: four buses, a line is a process, its loss a sink or not.

    Flows: two generators, two loads, then sent and received of each line.
    """
    lines = list(enumerate(LINES))
    return Solver(
        tables_of(
            flows=4 + 2 * len(LINES),
            origins=3,
            places=8 + len(LINES),
            remainders=[0, 1, 2, 3],
            unmeasured=[2, 2, 2, 2],
            inflows=[(0, 0, 0), (1, 1, 1)],
            outflows=[(2, 4, 2), (3, 5, 3)],
            takes=[(i, line[0], 4 + 2 * i) for i, line in lines],
            gives=[(i, line[1], 5 + 2 * i) for i, line in lines],
            idle=[8 + i for i, _ in lines],
            losses=[6 if losses_as_sink else -1 for _ in lines],
        )
    )


FOUR_BUS_FLOWS = [400.0, 114.0, 200.0, 300.0]
FOUR_BUS_FLOWS += [energy for line in LINES for energy in line[2:]]


@pytest.mark.parametrize(
    ("losses_as_sink", "factors", "carbon", "lost"),
    [
        (False, [0.9, 0.575723, 0.717668, 0.873555], [143.533569, 262.066431], 0.0),
        (True, [0.9, 0.57052, 0.700915, 0.845583], [140.18301, 253.675034], 11.741956),
    ],
)
def test_four_buses_with_losses(
    losses_as_sink: bool, factors: list[float], carbon: list[float], lost: float
) -> None:
    solver = four_bus_network(losses_as_sink=losses_as_sink)
    assert solver.solve(FOUR_BUS_FLOWS) == 0
    assert solver.factors([0.9, 0.4, 0]) == pytest.approx(factors, abs=1e-6)
    booked = [weigh(row, [0.9, 0.4, 0]) for row in solver.totals.amounts]
    assert booked[4:7] == pytest.approx([*carbon, lost], abs=1e-6)
    assert sum(booked) == pytest.approx(405.6, rel=1e-14)
    assert solver.totals.quantities[6] == (14 if losses_as_sink else 0)


def test_what_a_feeder_gives_more_than_it_takes_is_unmeasured() -> None:
    # Flows: grid, into the feeder, out of it. Places: rest of both, idle, lost.
    solver = Solver(
        tables_of(
            flows=3, origins=3, places=4, remainders=[0, 1], unmeasured=[1, 2],
            inflows=[(0, 0, 0)], takes=[(0, 0, 1)], gives=[(0, 1, 2)], idle=[2],
            losses=[3],
        )
    )  # fmt: skip
    assert solver.solve([10, 10, 12]) == SHORT
    assert solver.conditions == bytearray([0, SHORT])
    assert solver.totals.amounts == [
        [0, 0, 0], [pytest.approx(10), 0, pytest.approx(2)], [0, 0, 0], [0, 0, 0]
    ]  # fmt: skip
    assert solver.totals.flows == [10, 10, pytest.approx(10)]


def test_a_feeder_that_gives_nothing_loses_what_it_takes() -> None:
    # A transformer without load. Places: rest of both, idle, lost.
    solver = Solver(
        tables_of(
            flows=3, origins=3, places=4, remainders=[0, 1], unmeasured=[1, 2],
            inflows=[(0, 0, 0)], takes=[(0, 0, 1)], gives=[(0, 1, 2)], idle=[2],
            losses=[3],
        )
    )  # fmt: skip
    assert solver.solve([10, 4, 0]) == NO_FLOW
    assert solver.totals.amounts == [[6, 0, 0], [0, 0, 0], [0, 0, 0], [4, 0, 0]]
    assert solver.totals.quantities == [6, 0, 0, 4]


def test_a_bonus_is_taken_off_the_other_output() -> None:
    # Gas makes 350 of power and 450 of heat; power gets what the grid's would have.
    solver = Solver(
        tables_of(
            flows=3, origins=3, places=3, remainders=[0, 1], unmeasured=[2, 2],
            burns=[(0, 0, 0)], gives=[(0, 0, 1), (0, 1, 2)], weights=[0.0, 1.0],
            bonuses=[(0, 0, 1, 1)], idle=[2],
        )
    )  # fmt: skip
    assert solver.solve([1000, 350, 450]) == 0
    for bonus, heat_kg in ((0.5306, 16.29), (0.6096, -11.36)):
        kg = [weigh(row, [0.202, bonus, 0]) for row in solver.totals.amounts]
        assert kg == pytest.approx([350 * bonus, heat_kg, 0])
        carried = [weigh(row, [0.202, bonus, 0]) for row in solver.totals.carried]
        assert carried == pytest.approx([350 * bonus, heat_kg])
    assert solver.totals.entered == [1000, 0, 0]
    # Without heat, what the power does not get is the plant's own.
    assert solver.solve([1000, 350, 0]) == NO_FLOW
    assert solver.totals.amounts[2] == [1000, -350, 0]


def test_ticks_are_not_a_netted_window() -> None:
    tables = tables_of(
        flows=4, origins=3, places=3, remainders=[2], unmeasured=[2],
        inflows=[(0, 0, 0), (0, 1, 1)], outflows=[(0, 0, 2), (0, 1, 3)],
    )  # fmt: skip
    ticks = Solver(tables)
    ticks.solve([100, 0, 100, 0], [0, 100, 0, 100])
    booked = [weigh(row, [0.0, 0.6, 9.9]) for row in ticks.totals.amounts]
    assert booked == [0.0, 60.0, 0.0]
    netted = Solver(tables)
    netted.solve([100, 100, 100, 100])
    booked = [weigh(row, [0.0, 0.6, 9.9]) for row in netted.totals.amounts]
    assert booked == pytest.approx([30.0, 30.0, 0.0])


def battery(efficiency: float) -> Solver:
    """A pool with three sources and a battery.

    Flows: three sources, charge, discharge. Places: battery, use.
    """
    return Solver(
        tables_of(
            flows=5, origins=5, places=2, remainders=[1], unmeasured=[4],
            inflows=[(0, 0, 0), (0, 1, 1), (0, 2, 2)],
            tanks=[(0, 0, 3, 4, 3)], efficiencies=[efficiency],
        )
    )  # fmt: skip


FACTORS = [0.0, 0.6, 0.5, 100.0, 1000.0]


def test_a_battery_mixes_what_it_is_given() -> None:
    solver = battery(1.0)
    discharged = []
    for tick in (
        [10, 0, 0, 10, 0],
        [0, 10, 0, 10, 0],
        [0, 0, 0, 0, 8],
        [0, 0, 4, 4, 0],
        [0, 0, 0, 0, 16],
    ):
        before = weigh(solver.totals.discharged[0], FACTORS)
        assert solver.solve(tick) == 0
        discharged.append(weigh(solver.totals.discharged[0], FACTORS) - before)
    assert discharged[2::2] == pytest.approx([2.4, 5.6], abs=1e-12)
    assert solver.tank(0) == (0.0, [0.0] * 5)
    assert weigh(solver.totals.amounts[1], FACTORS) == pytest.approx(8.0)


def test_losses_of_a_battery_stay_in_what_it_gives() -> None:
    solver = battery(0.95 * 0.95)
    solver.solve([10, 0, 0, 10, 0], [0, 10, 0, 10, 0], [0, 0, 0, 0, 9.025])
    assert solver.factors(FACTORS) == pytest.approx([0.33241], abs=1e-5)
    assert weigh(solver.totals.discharged[0], FACTORS) == pytest.approx(3.0)
    energy, contents = solver.tank(0)
    # Energy to be had; the tank's own is that divided by the way out, 9.5 kWh.
    assert energy / 0.95 == pytest.approx(9.5)
    assert weigh(contents, FACTORS) == pytest.approx(3.0)


def test_what_a_battery_cannot_have_is_of_unknown_origin() -> None:
    solver = battery(1.0)
    solver.solve([2, 0, 0, 2, 0], [0, 0, 0, 0, 5])
    assert solver.totals.entered == pytest.approx([2, 0, 0, 3, 0])
    assert solver.totals.amounts[1] == pytest.approx([2, 0, 0, 3, 0])


def test_a_battery_gives_what_it_held_before_the_tick() -> None:
    solver = battery(1.0)
    solver.solve([0, 10, 0, 10, 0])
    solver.solve([10, 0, 0, 5, 5])
    # 5 of the grid's come out and mix with 10 of the sun's; a third goes back in.
    energy, contents = solver.tank(0)
    assert energy == pytest.approx(10.0)
    assert contents == pytest.approx([10 / 3, 5 + 5 / 3, 0, 0, 0])


def test_a_boiler_hands_on_its_fuel_and_its_power() -> None:
    # Flows: grid, power taken, gas, heat given. Places: power rest, heat rest, idle.
    solver = Solver(
        tables_of(
            flows=4, origins=3, places=3, remainders=[0, 1], unmeasured=[2, 2],
            inflows=[(0, 0, 0)], takes=[(0, 0, 1)], burns=[(0, 1, 2)],
            gives=[(0, 1, 3)], idle=[2],
        )
    )  # fmt: skip
    solver.solve([10, 1, 50, 1.6])
    assert solver.totals.amounts == [[9, 0, 0], [1, 50, 0], [0, 0, 0]]
    assert solver.shares[1] == pytest.approx([1 / 1.6, 50 / 1.6, 0])
    assert solver.solve([10, 1, 5, 0]) == NO_FLOW
    assert solver.conditions == bytearray([0, NO_FLOW])
    assert solver.totals.amounts[2] == [1, 5, 0]


def test_joint_outputs_share_by_weight() -> None:
    # A plant burns gas and gives power and heat; heat counts half.
    solver = Solver(
        tables_of(
            flows=3, origins=2, places=3, remainders=[0, 1], unmeasured=[1, 1],
            burns=[(0, 0, 0)], gives=[(0, 0, 1), (0, 1, 2)], weights=[1.0, 0.5],
            idle=[2],
        )
    )  # fmt: skip
    solver.solve([1000, 350, 450])
    assert solver.factors([0.202, 0]) == pytest.approx([0.3513, 0.17565], abs=1e-5)


def test_more_out_than_in_is_unmeasured() -> None:
    solver = Solver(
        tables_of(
            flows=2, origins=2, places=2, remainders=[0], unmeasured=[1],
            inflows=[(0, 0, 0)], outflows=[(0, 1, 1)],
        )
    )  # fmt: skip
    assert solver.solve([6, 10], [10, 6], [6, 10]) == SHORT
    totals = solver.totals
    assert totals.entered == [22, 8]
    assert totals.amounts[0] == [4, 0]
    assert totals.amounts[1] == pytest.approx([18, 8])
    assert totals.quantities == [4, 26]
    assert totals.throughput == [30]
    assert totals.short == [2]


def test_what_is_below_a_dead_band_waits() -> None:
    solver = Solver(
        tables_of(
            flows=2, origins=2, places=2, remainders=[0], unmeasured=[1],
            inflows=[(0, 0, 0)], outflows=[(0, 1, 1)], dead_band=0.5,
        )
    )  # fmt: skip
    assert solver.solve([0.49, 0.49]) == NO_FLOW
    assert solver.totals.entered == [0, 0]
    assert solver.solve([0.25, 0.01]) == 0
    assert solver.totals.quantities == pytest.approx([0.24, 0.5])
    assert solver.solve([0.25, 0.0]) == NO_FLOW
    assert solver.graph.state() == array("d", [0.25, 0.0])


def ring() -> Solver:
    """Two pools that feed each other, with one source and one sink.

    Flows: source, first to second (out, in), second to first (out, in), sink.
    """
    return Solver(
        tables_of(
            flows=6, origins=2, places=5, remainders=[0, 1], unmeasured=[1, 1],
            inflows=[(0, 0, 0)], takes=[(0, 0, 1), (1, 1, 3)],
            gives=[(0, 1, 2), (1, 0, 4)], idle=[3, 4], outflows=[(1, 2, 5)],
        )
    )  # fmt: skip


def test_a_loop_with_a_way_out_is_solved() -> None:
    solver = ring()
    # Of 100 that leave the second pool, 90 return: 10 enter, 10 are used.
    assert solver.solve([10, 100, 100, 90, 90, 10]) == 0
    assert solver.shares == [pytest.approx([1, 0]), pytest.approx([1, 0])]
    assert solver.totals.amounts[2] == pytest.approx([10, 0])


def test_a_loop_without_a_way_out_keeps_its_burden() -> None:
    solver = ring()
    assert solver.solve([10, 100, 90, 90, 90, 0]) == CLOSED
    assert solver.conditions == bytearray([CLOSED, CLOSED])
    assert solver.totals.amounts[1] == [10, 0]
    assert solver.totals.quantities == [0] * 5
    assert solver.totals.closed == [1, 1]
    assert solver.shares == [[0, 0], [0, 0]]


def test_what_leads_to_a_loop_without_a_way_out_is_known() -> None:
    # The second pool could feed the first, but now feeds only itself.
    solver = Solver(
        tables_of(
            flows=5, origins=2, places=4, remainders=[0, 1], unmeasured=[1, 1],
            inflows=[(0, 0, 0)], takes=[(0, 0, 1), (1, 1, 2)],
            gives=[(0, 1, 1), (1, 0, 3), (1, 1, 4)], idle=[2, 3],
        )
    )  # fmt: skip
    assert solver.solve([4, 8, 24, 0, 16]) == SHORT | CLOSED
    assert solver.conditions == bytearray([SHORT, CLOSED])
    assert solver.shares == [[0.5, 0.5], [0, 0]]
    assert solver.totals.amounts[1] == [4, 4]


def test_a_nearly_closed_loop_loses_nothing() -> None:
    solver = ring()
    solver.solve([1e-9, 1e9, 1e9, 1e9, 1e9, 1e-9])
    booked = sum(map(sum, solver.totals.amounts))
    assert booked == pytest.approx(sum(solver.totals.entered), rel=1e-13)
