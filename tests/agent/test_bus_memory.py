"""What buses learnt, over restarts: kept, forgotten with its map, never in the way."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from harness.running_agent import Running, quick_site, run_agent
from harness.sites import small_site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zerometer.agent.bus_memory import NAME, WRITE_SPACING_NS, BusMemory
from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import Hole
from zerometer.core.site import Meter
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.simulator.factory import build

METERS = small_site().meters
FIRST, SECOND = METERS[0].id, METERS[1].id
LEARNT = {
    FIRST: UnitMemory(
        turnaround_ns=21_000_000,
        max_registers=20,
        holes=(Hole(3, 5, 7), Hole(4, 65_000, 65_536)),
        refused=("当前功率",),
        serial="0042",
    ),
    SECOND: UnitMemory(),
}


def test_what_was_written_is_known_again(tmp_path: Path) -> None:
    BusMemory(tmp_path, METERS).write(LEARNT)
    again = BusMemory(tmp_path, METERS)
    assert again.memories == LEARNT
    assert again.notice == ""
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def changed(meter: Meter) -> list[Meter]:
    limits = ReadLimits(max_registers=7)
    return [
        replace(meter, id="another"),
        replace(meter, unit=meter.unit + 100),
        replace(meter, bus="another"),
        replace(meter, map=replace(meter.map, limits=limits)),
        replace(meter, map=replace(meter.map, points=meter.map.points[1:])),
    ]


@pytest.mark.parametrize("meter", changed(METERS[0]))
def test_a_meter_that_became_another_one_is_forgotten(
    tmp_path: Path, meter: Meter
) -> None:
    BusMemory(tmp_path, METERS).write(LEARNT)
    again = BusMemory(tmp_path, [meter, *METERS[1:]])
    assert again.memories == {SECOND: LEARNT[SECOND]}
    assert again.notice == ""


def test_nothing_known_is_no_trouble(tmp_path: Path) -> None:
    memory = BusMemory(tmp_path, METERS)
    assert (memory.memories, memory.notice) == ({}, "")


def test_a_newer_file_is_told_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"format": 2, "meters": 7}')
    memory = BusMemory(tmp_path, METERS)
    assert memory.memories == {}
    assert "format 2, this version reads 1" in memory.notice
    memory.write(LEARNT)
    assert BusMemory(tmp_path, METERS).memories == LEARNT


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | json_values.map(lambda v: json.dumps(v).encode()))
def test_a_damaged_file_is_told_and_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    memory = BusMemory(tmp_path, METERS)
    assert memory.memories == {}
    assert str(tmp_path / NAME) in memory.notice


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.sampled_from(["key", "turnaround_ns", "max_registers", "holes",
                           "refused", "serial"]),
    value=json_values,
)  # fmt: skip
def test_one_damaged_field_is_no_crash(
    tmp_path: Path, field: str, value: object
) -> None:
    BusMemory(tmp_path, METERS).write(LEARNT)
    content = json.loads((tmp_path / NAME).read_text())
    content["meters"][0][field] = value
    (tmp_path / NAME).write_text(json.dumps(content))
    for memory in BusMemory(tmp_path, METERS).memories.values():
        assert 0 <= memory.turnaround_ns <= 10**10
        assert all(hole.start < hole.end for hole in memory.holes)
        assert all(isinstance(name, str) for name in memory.refused)


def test_it_is_written_when_it_changed_and_once_a_minute(tmp_path: Path) -> None:
    memory = BusMemory(tmp_path, METERS)
    file = tmp_path / NAME
    memory.keep(lambda: LEARNT, 0)
    assert file.exists()
    file.unlink()
    other = {**LEARNT, SECOND: UnitMemory(turnaround_ns=7)}
    memory.keep(lambda: other, WRITE_SPACING_NS - 1)
    assert not file.exists(), "too soon"
    near = replace(LEARNT[FIRST], turnaround_ns=22_000_000)
    memory.keep(lambda: {**LEARNT, FIRST: near}, WRITE_SPACING_NS)
    assert not file.exists(), "nothing to speak of"
    memory.keep(lambda: other, 2 * WRITE_SPACING_NS)
    assert BusMemory(tmp_path, METERS).memories == other


def test_where_nothing_can_be_written_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "zerometer")
    (tmp_path / f"{NAME}.new").mkdir()
    BusMemory(tmp_path, METERS).write(LEARNT)
    assert "not written" in caplog.text
    assert not (tmp_path / NAME).exists()


def test_an_agent_goes_on_with_what_it_learnt(tmp_path: Path) -> None:
    site = quick_site(tmp_path)
    seen = []

    async def scenario(agent: Running) -> None:
        (bus,) = agent.daemon._buses
        seen.append(bus.memories())
        await agent.until(lambda: agent.meter("gas")["quality"] == "measured")

    with build(site, turnaround_ns=2_000_000):
        run_agent(site, scenario)
        kept = BusMemory(Path(site.journal.path), site.meters).memories
        run_agent(site, scenario)
    assert {memory.turnaround_ns > 0 for memory in kept.values()} == {True}
    unknown, known = (seen[0]["gas"], seen[1]["gas"])
    assert unknown.turnaround_ns != known.turnaround_ns
    assert known.holes == kept["gas"].holes
