"""A site of SunSpec devices, simulated and read by processes, on each kind of bus."""

import re
import time
from pathlib import Path

import pytest
from harness.plant import Plant
from harness.ports import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(60)]

QUICK = {
    r'commit = "5s"': 'commit = "1s"',
    r'seal = "10s"': 'seal = "1s"',
    r'energy = "5s"': 'energy = "1s"',
    r"baud = 9600": "baud = 115200",
    r'map = "eastron-sdm630"': 'map = "sunspec-meter"',
}


@pytest.mark.parametrize("protocol", ["rtu", "rtu+tcp", "tcp"])
def test_what_was_served_is_what_arrives(tmp_path: Path, protocol: str) -> None:
    port = "a" if protocol == "rtu" else f"{protocol}://127.0.0.1:{free_port()}"
    replaced = QUICK | {r'port = "rs485-a"': f'port = "{port}"'}
    with Plant(tmp_path, replace=replaced) as plant:
        agent = plant.agent()
        agent.line()
        time.sleep(6)
        agent.stop()
        log = agent.log.read_text()
        plant.finish()
        text = plant.site.read_text()
        devices = re.findall(r'id = "([\w-]+)"[^\[]*map = "sunspec-meter"', text)
        assert len(devices) >= 2
        for device in devices:
            rows = plant.rows(
                "SELECT t_ms, value FROM reading WHERE point = 'active_energy_import'"
                f" AND meter = '{device}' ORDER BY t_ms"
            )
            assert len(rows) >= 2, (device, log)
            (first_ms, first), (last_ms, last) = rows[0], rows[-1]
            served = plant.served_gain(
                device, "active_energy_import", first_ms, last_ms
            )
            assert last - first == pytest.approx(served, abs=0.011)
    for trouble in ("timeout:", "identity:", "absent:", "garbage:", "exception:"):
        assert trouble not in log, log
