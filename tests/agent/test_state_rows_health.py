"""How a gateway is, told in few rows."""

from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest

from zerometer.agent.journal import JournalInfo
from zerometer.agent.journal.model import UplinkInfo
from zerometer.agent.state_rows import health
from zerometer.agent.state_rows.health import Health, temperature
from zerometer.agent.state_rows.tables import TABLES
from zerometer.drivers.statistics import BusStatistics, UnitStatistics

UNIT = UnitStatistics(
    meter="line", unit=7, trusted=True, serial="", good=90, errors={}, last_good_ns=1,
    turnaround_ns=1, latency_ns=1, timeout_ns=1, lateness_ns=0, skipped=0, retries=0,
    refused=(), reads=1, max_registers=125, down=False,
)  # fmt: skip
BUS = BusStatistics(
    bus="rs485", alive=True, port_open=True, transactions=100, readings=90,
    busy_ns=250, elapsed_ns=1000, lateness_ns=0, lateness_max_ns=0, overloaded=False,
    skipped=0, wakes=1, discarded_bytes=0, errors={"timeout": 7, "garbage": 3},
    units=(UNIT,),
)  # fmt: skip
INFO = JournalInfo(
    bytes=1000, free_bytes=5000, commits=3,
    uplinks={"a": UplinkInfo(pending=4), "b": UplinkInfo(pending=9)},
)  # fmt: skip


def test_meters_are_told_when_their_state_is_another_one() -> None:
    buses = [BUS]
    told = Health(lambda: buses, lambda: INFO)
    first = told.rows()
    assert ("health/meters", ("line", "up")) in first
    assert ("health/buses", ("rs485", "open", 100, 10, 0.25)) in first
    for table, row in first:
        assert len(row) == len(TABLES[table])
    assert [table for table, _ in told.rows()] == ["health/buses", "health/gateway"]
    buses[0] = replace(BUS, units=(replace(UNIT, down=True),))
    assert ("health/meters", ("line", "down")) in told.rows()
    buses[0] = replace(BUS, units=(replace(UNIT, trusted=False),))
    assert ("health/meters", ("line", "untrusted")) in told.rows()


def test_the_backlog_is_that_of_the_uplink_that_has_most() -> None:
    ((_, row),) = Health(list, lambda: INFO).rows()
    assert row[:4] == (1000, 5000.0, 9, 3)


def test_a_processor_may_tell_its_temperature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thermal = tmp_path / "temp"
    monkeypatch.setattr(health, "THERMAL", thermal)
    assert isnan(temperature())
    thermal.write_text("48312\n")
    assert temperature() == 48.312
    thermal.write_text("?")
    assert isnan(temperature())
