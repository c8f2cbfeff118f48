"""Meters of one unit answer side by side."""

import struct

from harness.simulation import constant

from zerometer.config.map_library import shipped_map
from zerometer.drivers.simulator.channels import Channels, joined
from zerometer.drivers.simulator.meters import SimulatedMeter

HOUR = 3_600_000_000_000


def power(unit: Channels, address: int) -> float:
    reply = unit.answer(struct.pack(">BHH", 3, address, 2), HOUR)
    (value,) = struct.unpack(">f", reply[2:])
    return float(value)


def test_each_channel_answers_for_its_registers() -> None:
    several = shipped_map("janitza-umg801")
    one, two = (
        SimulatedMeter(f"m{n}", several.on_channel(n), constant(n * 10.0))
        for n in (1, 2)
    )
    alone = SimulatedMeter("alone", several, constant(1.0))
    units = joined([(1, one), (2, alone), (1, two)])
    assert units[2] is alone
    unit = units[1]
    assert isinstance(unit, Channels)
    assert power(unit, 19_026) == 10_000.0
    assert power(unit, 19_226) == 20_000.0
    assert unit.answer(struct.pack(">BHH", 3, 100, 2), HOUR) == b"\x83\x02"
