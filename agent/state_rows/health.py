"""How the gateway is, as rows: little, and seldom."""

from collections.abc import Callable, Sequence
from math import nan
from pathlib import Path

from zerometer.agent.journal import JournalInfo
from zerometer.agent.state_rows.tables import Row
from zerometer.drivers.statistics import BusStatistics

#: Where Linux tells the temperature of the processor, in thousandths of a degree.
THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")


class Health:
    """Makes rows of how buses, meters and the journal are."""

    def __init__(
        self,
        buses: Callable[[], Sequence[BusStatistics]],
        journal: Callable[[], JournalInfo],
    ) -> None:
        self._buses = buses
        self._journal = journal
        self._told: dict[str, str] = {}

    def rows(self) -> list[Row]:
        """Return what is to be told now; of meters, those whose state is another."""
        buses = self._buses()
        rows: list[Row] = [("health/buses", _bus(bus)) for bus in buses]
        states = {unit.meter: unit.state for bus in buses for unit in bus.units}
        for meter, state in states.items():
            if self._told.get(meter) != state:
                rows.append(("health/meters", (meter, state)))
        self._told = states
        return [*rows, ("health/gateway", _gateway(self._journal()))]


def _bus(bus: BusStatistics) -> tuple[str | int | float, ...]:
    state = "open" if bus.port_open else "closed"
    errors = sum(bus.errors.values())
    return bus.bus, state, bus.transactions, errors, bus.utilisation


def _gateway(info: JournalInfo) -> tuple[int | float, ...]:
    backlog = max((uplink.pending for uplink in info.uplinks.values()), default=0)
    free = float(info.free_bytes)
    return info.bytes, free, backlog, info.commits, temperature()


def temperature() -> float:
    """Return that of the processor in degC; NaN where nothing tells it."""
    try:
        return int(THERMAL.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return nan
