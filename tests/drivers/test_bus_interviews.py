"""BusLoop and what it asks before it trusts: models, settings, serial numbers."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.buses import FAST, MS, Watched, running_bus, unit_plan
from harness.conversations import RegisterUnit, block

from zerometer.core.identity import Check, Expected, Identity, Register, Variant
from zerometer.core.planner import Hole
from zerometer.core.points import Point, Quality, Reading
from zerometer.drivers import interview, port
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.simulator import faults
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.simulator.terminal import Terminal
from zerometer.drivers.unit_plan import UnitPlan

POWER = Point(name="power", function=3, address=10, type="u16", group="power")
ENERGY = Point(
    name="energy", function=3, address=20, type="u16", group="energy", kind="counter"
)


def number(address: int) -> Register:
    return Register(function=3, address=address, kind="u16", count=1)


IDENTITY = Identity(
    model=Expected(register=number(100), values=(71, 72)), serial=number(101)
)


def plan(meter: str = "m", unit: int = 1, **changes: object) -> UnitPlan:
    """A meter with POWER and ENERGY whose map is changed so."""
    plain = unit_plan(meter, unit, [POWER, ENERGY], period_ms=20)
    changed = replace(plain.map, **{"identity": IDENTITY, **changes})
    return replace(plain, map=changed)


def meter(
    model: int = 71, serial: int = 815, energy: int = 500, **more: int
) -> RegisterUnit:
    """A meter that tells this; *more* are settings by their address, as in a102=7."""
    registers = block(10, [42] * 10 + [energy]) | block(100, [model, serial])
    settings = {(3, int(name[1:])): value for name, value in more.items()}
    return RegisterUnit(registers | settings)


def measured(reading: Reading) -> bool:
    return set(reading.qualities) == {Quality.MEASURED}


def test_the_right_meter_is_asked_once_and_read_for_ever() -> None:
    unit = meter(model=72)
    with (
        SimulatedLine(FAST, {1: unit}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan()]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 20)
    assert all(map(measured, watched.readings))
    assert unit.asked[:2] == [(3, 100, 1), (3, 101, 1)]
    assert set(unit.asked[2:]) == {(3, 10, 11)}
    assert not watched.notices


def test_another_model_is_never_trusted_until_the_right_one_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interview, "FIRST_AGAIN_NS", 60 * MS)
    wrong = meter(model=340)
    with (
        SimulatedLine(FAST, {1: wrong}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan()]) as (loop, watched),
    ):
        watched.wait(lambda: len(wrong.asked) >= 3)
        seen = list(watched.readings)
        line.replace(1, meter())
        watched.wait(lambda: measured(watched.readings[-1]))
        assert not loop.statistics().units[0].down
    assert len(seen) > 4, "that values are missing is told in each cycle"
    assert {q for reading in seen for q in reading.qualities} == {Quality.MISSING}
    assert {index for reading in seen for index in reading.points} == {0, 1}
    assert set(wrong.asked) == {(3, 100, 1)}
    (notice,) = watched.notices
    assert notice.kind == "identity"
    assert notice.text.startswith(
        "bus rs485-a, meter m (unit 1): register 100 (function 3) says 340, expected "
        "71 or 72: "
    )


def test_a_wrong_meter_costs_its_neighbours_nothing() -> None:
    neighbour = unit_plan("n", 2, [POWER], period_ms=20)
    with (
        SimulatedLine(FAST, {1: meter(model=1), 2: meter()}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan(), neighbour]) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.of("n")) >= 30)
        assert loop.statistics().skipped <= 2
    assert all(map(measured, watched.of("n")))


def test_what_the_meter_should_be_set_to_is_told_once() -> None:
    checks = (
        Check(expected=Expected(register=number(102), values=(7,)), note="set H"),
        Check(expected=Expected(register=number(103), values=(1,)), note="set B"),
    )
    with (
        SimulatedLine(FAST, {1: meter(a102=3, a103=1)}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan(checks=checks)]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 5)
    assert all(map(measured, watched.readings))
    (notice,) = watched.notices
    assert notice.kind == "setup"
    assert notice.text.endswith("register 102 (function 3) says 3, expected 7: set H")


def test_a_variant_is_read_where_its_points_are() -> None:
    new = Variant(
        name="new",
        when=Expected(register=number(102), values=(2,)),
        points={"power": replace(POWER, address=100, scale=0.1)},
    )
    with (
        SimulatedLine(FAST, {1: meter(a102=2)}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan(variants=(new,))]) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 4)
    values = {
        index: value
        for reading in watched.readings
        for index, value in zip(reading.points, reading.values, strict=True)
    }
    assert values == pytest.approx({0: 7.1, 1: 500})
    assert all(map(measured, watched.readings))


def away_and_back(
    monkeypatch: pytest.MonkeyPatch, unit_plan: UnitPlan, other: RegisterUnit
) -> Watched:
    """A meter goes down; *other* is there when it comes back."""
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 20 * MS)
    monkeypatch.setattr("zerometer.drivers.health.DOWN_AFTER_NS", 60 * MS)
    monkeypatch.setattr("zerometer.drivers.health.FIRST_SPACING_NS", 40 * MS)
    with (
        SimulatedLine(FAST, {1: meter()}, turnaround_ns=MS) as line,
        running_bus(line.port, [unit_plan], timeout_ms=40) as (_, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 2)
        line.give(1, faults.dead)
        watched.wait(lambda: bool(watched.said("down")))
        line.replace(1, other)
        line.give(1)
        watched.wait(lambda: bool(watched.said("up")))
        count = len(watched.readings)
        watched.wait(lambda: len(watched.readings) >= count + 4)
    return watched


def test_a_meter_that_comes_back_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = meter(serial=816, energy=900)
    watched = away_and_back(monkeypatch, plan(), other)
    assert (3, 101, 1) in other.asked
    (notice,) = watched.said("identity")
    assert "serial number 815, now 816" in notice.text
    assert measured(watched.readings[-1])


def test_a_serial_number_is_remembered_over_restarts() -> None:
    with SimulatedLine(FAST, {1: meter()}, turnaround_ns=MS) as line:
        with running_bus(line.port, [plan()]) as (loop, watched):
            watched.wait(lambda: len(watched.readings) >= 2)
            memories = loop.memories()
        line.replace(1, meter(serial=816))
        with running_bus(line.port, [plan()], memories=memories) as (loop, later):
            later.wait(lambda: len(later.readings) >= 2)
    assert not watched.notices
    (notice,) = later.notices
    assert "serial number 815, now 816" in notice.text
    assert loop.memories()["m"].serial == "816"


@pytest.mark.parametrize("serial", [815, 816])
def test_what_was_learnt_of_a_meter_is_forgotten_with_it(serial: int) -> None:
    """The old one had nothing between its values, and no energy."""
    hole = Hole(3, 11, 20)
    known = UnitMemory(serial="815", holes=(hole,), refused=("energy",))
    unit = meter(serial=serial)
    with (
        SimulatedLine(FAST, {1: unit}, turnaround_ns=MS) as line,
        running_bus(line.port, [plan()], memories={"m": known}) as (loop, watched),
    ):
        watched.wait(lambda: len(watched.readings) >= 6)
        memory = loop.memories()["m"]
    if serial == 815:
        assert memory.holes == (hole,)
        assert memory.refused == ("energy",)
        assert set(unit.asked[2:]) == {(3, 10, 1)}
    else:
        assert (memory.holes, memory.refused) == ((), ())
        assert set(unit.asked[2:]) == {(3, 10, 11)}


def test_another_meter_is_not_trusted_if_the_site_file_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = meter(serial=816)
    watched = away_and_back(monkeypatch, replace(plan(), serial="0815"), other)
    assert "serial number 816, expected 0815" in watched.said("identity")[-1].text
    assert (3, 10, 11) not in other.asked
    assert not measured(watched.readings[-1])


def test_a_counter_that_fell_meanwhile_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also of meters that have nothing to identify themselves by."""
    silent = replace(plan(identity=None), serial="0815")
    watched = away_and_back(monkeypatch, silent, meter(energy=499))
    (notice,) = watched.said("identity")
    assert "counter energy fell from 500 to 499 while the meter was away" in notice.text
    assert measured(watched.readings[-1])


def test_after_the_port_was_away_all_are_asked_again(tmp_path: Path) -> None:
    units = {1: meter(), 2: meter(serial=9)}
    line = SimulatedLine(FAST, units, turnaround_ns=MS, end=Terminal(tmp_path / "port"))
    plans = [plan("m", 1), plan("n", 2)]
    with line, running_bus(str(tmp_path / "port"), plans) as (_, watched):
        watched.wait(lambda: bool(watched.of("m") and watched.of("n")))
        line.stop()
        watched.wait(lambda: bool(watched.said("port-lost")))
        line.replace(2, meter(model=340))
        asked = len(units[1].asked)
        line.start()
        watched.wait(lambda: bool(watched.said("identity")))
        watched.wait(lambda: measured(watched.of("m")[-1]))
    assert units[1].asked[asked : asked + 1] == [(3, 100, 1)]
    (notice,) = watched.said("identity")
    assert notice.meter == "n"
    assert not measured(watched.of("n")[-1])


def test_a_silent_meter_goes_the_way_of_all_silent_meters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 20 * MS)
    monkeypatch.setattr("zerometer.drivers.health.DOWN_AFTER_NS", 60 * MS)
    monkeypatch.setattr("zerometer.drivers.health.FIRST_SPACING_NS", 40 * MS)
    with SimulatedLine(FAST, {1: meter()}, turnaround_ns=MS) as line:
        line.give(1, faults.dead)
        with running_bus(line.port, [plan()], timeout_ms=40) as (_, watched):
            watched.wait(lambda: bool(watched.said("down")))
            assert not any(map(measured, watched.readings))
            line.give(1)
            watched.wait(lambda: measured(watched.readings[-1]))
    assert [notice.kind for notice in watched.notices] == ["timeout", "down", "up"]


def test_a_meter_that_is_silent_where_it_has_no_serial_number_is_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 20 * MS)

    def silent(reply: faults.Reply) -> faults.Reply | None:
        return None if reply.request[3] == 101 else reply

    with SimulatedLine(FAST, {1: meter()}, turnaround_ns=MS) as line:
        line.give(1, silent)
        with running_bus(line.port, [plan()], timeout_ms=40) as (loop, watched):
            watched.wait(lambda: any(map(measured, watched.readings)))
            assert loop.statistics().errors["timeout"] >= 3
    assert [notice.kind for notice in watched.notices] == ["timeout"]


def test_a_meter_that_asks_for_patience_is_asked_again() -> None:
    with SimulatedLine(FAST, {1: meter()}, turnaround_ns=MS) as line:
        line.give(1, faults.exception(6))
        with running_bus(line.port, [plan()]) as (_, watched):
            watched.wait(lambda: len(watched.readings) >= 3)
            assert not any(map(measured, watched.readings))
            line.give(1)
            watched.wait(lambda: measured(watched.readings[-1]))
    assert [notice.kind for notice in watched.notices] == ["exception"]


def test_twins_that_answer_by_turns_are_told() -> None:
    alone = unit_plan("m", 1, [ENERGY], period_ms=10)
    with SimulatedLine(FAST, {1: meter()}, turnaround_ns=MS) as line:
        line.give(1, faults.by_turns(meter(energy=60)))
        with running_bus(line.port, [alone]) as (_, watched):
            watched.wait(lambda: len(watched.readings) >= 30)
            line.give(1)
            watched.wait(lambda: len(watched.readings) >= 60)
    (notice,) = watched.notices
    assert notice.kind == "twins"
    assert notice.text.startswith(
        "bus rs485-a, meter m (unit 1): counter energy jumps to and fro"
    )


def test_twins_that_answer_at_once_are_guessed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port, "ASSUMED_LATENESS_NS", 10 * MS)
    monkeypatch.setattr("zerometer.drivers.notices.REPEAT_NS", 100 * MS)
    alone = unit_plan("m", 1, [ENERGY], period_ms=10)
    collision = faults.colliding(meter(energy=60))
    with SimulatedLine(FAST, {1: meter()}, turnaround_ns=MS) as line:
        line.give(1, faults.sometimes(collision, 0.5, seed=3))
        with running_bus(line.port, [alone], timeout_ms=40) as (_, watched):
            watched.wait(
                lambda: any("two meters" in n.text for n in watched.said("garbage"))
            )
