"""The picture of an agent whose bus has no port."""

from typing import Any

from harness.gateway import Gateway
from harness.uplinks import uplink_to

from zerometer.agent.page.stream import encode
from zerometer.agent.snapshot import Snapshot
from zerometer.agent.unit_plans import unit_plans
from zerometer.core.errors import LineError
from zerometer.core.site import UplinkSettings
from zerometer.drivers.bus import BusLoop

Json = dict[str, Any]


def no_line() -> Any:
    raise LineError("port is missing")


def snapshot_of(gateway: Gateway, uplink: str = "up") -> Json:
    """Return what an agent would show."""
    site = gateway.site
    settings = UplinkSettings(id=uplink, url="http://127.0.0.1:9/v1/batches")
    bus = BusLoop(
        "bus",
        no_line,
        site.buses[0].line,
        unit_plans(site, site.buses[0]),
        lambda reading: None,
        lambda notice: None,
        10**8,
    )
    snapshot = Snapshot(
        pipeline=gateway.pipeline,
        buses=[bus],
        journal=gateway.journal,
        uplinks=[uplink_to(settings, gateway.journal)],
        clock=gateway.clock,
        events=gateway.events,
    ).take()
    encode(snapshot)  # JSON, and no NaN in it
    return snapshot
