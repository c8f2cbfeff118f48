"""Simulated meters are the right ones, and set up as they should be."""

import struct
from dataclasses import replace
from typing import Any

import pytest
from harness.conversations import MOST
from harness.simulation import constant, meter_map
from hypothesis import given
from hypothesis import strategies as st

from zerometer.config.map_library import MapLibrary, shipped_map
from zerometer.config.problems import Problems
from zerometer.core.identity import Check, Expected, Identity, Register
from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.core.points import Point
from zerometer.drivers.interview import Findings, Interview
from zerometer.drivers.simulator.meters import SimulatedMeter

POINT = Point(name="p", function=3, address=9, type="u16")


def register(address: int, kind: Any, count: int, order: Any = "ABCD") -> Register:
    return Register(function=3, address=address, kind=kind, count=count, order=order)


def met(shown: MeterMap, serial: str, stated: str = "") -> tuple[Interview, Findings]:
    """Hold an interview with a simulated meter."""
    meter = SimulatedMeter("m", shown, constant(1.0), serial=serial)
    interview = Interview(shown, shown.points, stated, "")
    for _ in range(MOST):
        asked = interview.question
        reply = meter.answer(
            struct.pack(">BHH", asked.function, asked.address, asked.count), 0
        )
        interview.answer(b"" if reply[0] & 0x80 else reply[2:])
        if interview.findings:
            return interview, interview.findings
    raise AssertionError(interview.question)


@given(
    st.sampled_from(["u16", "u32", "u64", "string"]),
    st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
    st.booleans(),
    st.integers(0, 60_000),
)
def test_a_simulated_meter_is_trusted(
    kind: str, order: str, even: bool, address: int
) -> None:
    count = {"u16": 1, "u32": 2, "u64": 4, "string": 5}[kind]
    value = "iEM3" if kind == "string" else 71
    model = Expected(register=register(address, kind, count, order), values=(value,))
    setting = Expected(register=register(address + 20, "u16", 1), values=(7, 8))
    shown = replace(
        meter_map(POINT, limits=ReadLimits(even_only=even)),
        identity=Identity(
            model=model, serial=register(address + 10, kind, count, order)
        ),
        checks=(Check(expected=setting, note="set it"),),
    )
    interview, findings = met(shown, "4711", stated="4711")
    assert findings.trusted
    assert findings.settings == [""]
    assert interview.serial == "4711"


def test_a_name_makes_a_number() -> None:
    shown = replace(meter_map(POINT), identity=Identity(serial=register(0, "u16", 1)))
    one, other = met(shown, "press-1")[0], met(shown, "press-2")[0]
    assert one.serial.isdecimal()
    assert one.serial != other.serial


@pytest.mark.parametrize("map_id", MapLibrary(Problems()).names())
def test_shipped_maps_trust_their_own_meters(map_id: str) -> None:
    shown = shipped_map(map_id)
    if Interview.wanted(shown):
        findings = met(shown, "4711", stated="4711")[1]
        assert findings.trusted
        assert not any(text for kind, _, text in findings.troubles() if kind == "setup")
