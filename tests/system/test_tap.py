"""What an agent writes to its buses, of each kind and with faults: only requests."""

import json
import time
from collections import defaultdict
from pathlib import Path

import pytest
from harness.plant import Plant
from harness.ports import free_port

SECONDS = 12
METERS = {"incomer", "pv", "battery", "compressor", "line-1", "line-2", "gas-main"}
UNITS = {"rs485-a": {1, 4, 5, 7}, "server": {2, 6}, "gateway": {3}}
#: Everywhere and of each kind; the gateway has no wire to have noise on.
FAULTS = (
    "incomer:late=700ms,10%",
    "compressor:speechless=30",
    "line-1:exception=4@4s+3s",
    "bus=rs485-a:crc-noise=3%",
    "bus=rs485-a:junk-after=2,3%",
    "bus=rs485-a:unplug@8s+1s",
    "pv:garbage=10%",
    "line-2:dead@6s",
    "bus=server:short=4,5%",
    "battery:late=600ms,10%",
    "battery:longest=20",
)


def three_buses() -> dict[str, str]:
    """Return what makes of the demo's bus a serial one and two over the network."""
    buses = "".join(
        f'[[bus]]\nid = "{bus}"\nport = "{scheme}://127.0.0.1:{free_port()}"\n\n'
        for bus, scheme in (("server", "rtu+tcp"), ("gateway", "tcp"))
    )
    moved = {
        rf'bus = "rs485-a"\nunit = {unit}\n': f'bus = "{bus}"\nunit = {unit}\n'
        for bus in ("server", "gateway")
        for unit in UNITS[bus]
    }
    return {r'(?=\[\[meter\]\]\nid = "incomer")': buses} | moved


def units_asked(plant: Plant) -> dict[str, set[int]]:
    """Return the units that were asked on each bus, all of them by whole requests.

    One takes 8 bytes, 12 by Modbus TCP, where the unit stands behind a header.
    """
    asked = defaultdict(set)
    for line in plant.tapped.read_text().splitlines():
        row = json.loads(line)
        size, unit_at = (12, 6) if row["bus"] == "gateway" else (8, 0)
        data = bytes.fromhex(row["bytes"])
        assert len(data) % size == 0, row
        asked[row["bus"]] |= set(data[unit_at::size])
    return asked


@pytest.mark.system
@pytest.mark.timeout(90)
def test_nothing_but_read_requests_leaves_an_agent(tmp_path: Path) -> None:
    options = [f"--fault={fault}" for fault in FAULTS]
    with Plant(tmp_path, replace=three_buses(), options=options) as plant:
        agent = plant.agent()
        agent.line()
        time.sleep(SECONDS)
        agent.stop()
        plant.finish()  # looks at all requests
        arrived = dict(plant.rows("SELECT meter, count(*) FROM reading GROUP BY meter"))
    assert units_asked(plant) == UNITS
    assert arrived.keys() == METERS
    assert min(arrived.values()) >= 2, arrived
