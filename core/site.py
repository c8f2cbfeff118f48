"""A site as typed values: buses, meters, and the graph of its energy.

The graph: a *pool* is where one carrier mixes (a busbar, an air ring). A
*source* flows into a pool, a *sink* out of one, a *process* takes from pools
and gives to pools, a *storage* does both over time. Each flow is measured by a
counter of a meter, shaped by its power.
"""

from dataclasses import dataclass, field
from typing import Literal

from zerometer.core.meter_map import MeterMap
from zerometer.core.points import LineSettings, PolledPoint

View = Literal["physical", "location"]
#: The views that are accounted for; a factor of zero is not the same as none.
VIEWS: tuple[View, ...] = ("physical", "location")

#: Carriers and the unit in which each is pooled and booked.
CARRIERS: dict[str, str] = {
    "electricity": "kWh",
    "heat": "GJ",
    "steam": "GJ",
    "cooling": "GJ",
    "compressed_air": "Nm3",
    "natural_gas": "Nm3",
    "hydrogen": "Nm3",
    "biogas": "Nm3",
    "water": "m3",
    "diesel": "kg",
}


#: How a bus is spoken: on a serial port, the same over TCP, or as Modbus TCP.
Protocol = Literal["rtu", "rtu+tcp", "tcp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """A line with meters on it.

    ``port`` is a device's path, or the address as a URL; ``host`` and ``tcp_port``
    are its parts. ``line`` is, for a network, the line behind its other end.
    ``rs485`` says who switches the transmitter of a serial port: with ``kernel``
    its driver must, with ``auto`` it does if it can, with ``off`` it is not asked.
    """

    id: str
    port: str
    protocol: Protocol = "rtu"
    host: str = ""
    tcp_port: int = 0
    line: LineSettings = field(default_factory=LineSettings)
    timeout_ms: int = 500
    rs485: Literal["auto", "kernel", "off"] = "auto"

    @property
    def units(self) -> tuple[int, int]:
        """The smallest and the largest unit that a meter on it can have.

        Modbus over serial line V1.02, 2.2: 0 is the broadcast, from 248 on reserved;
        over TCP both name a device that is its own gateway (messaging
        implementation guide V1.0b, 4.4.2.1).
        """
        return (0, 255) if self.protocol == "tcp" else (1, 247)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A meter of the site; ``id`` is its stable identity, ``name`` may change.

    ``channel`` is 0, but for one of several loads of one unit, counted from 1: then
    ``map`` and ``points`` are those of this channel.
    """

    id: str
    bus: str
    unit: int
    channel: int = 0
    map: MeterMap
    points: tuple[PolledPoint, ...]
    name: str = ""
    ct: tuple[float, float] | None = None
    pt: tuple[float, float] | None = None
    serial: str = ""
    accuracy_class: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A flow as a meter sees it.

    ``counter`` gives the total; ``power``, when there is one, gives the shape:
    its positive part when ``sign`` is 1, the negated negative part when -1.
    ``times`` turns the counter's unit into the unit of the flow (for example
    Nm3 of gas into GJ of heat, or Wh into kWh), ``power_times`` the power's
    unit into the flow's unit per hour.
    """

    meter: str
    counter: str
    power: str | None = None
    sign: Literal[1, -1] = 1
    times: float = 1.0
    power_times: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """An emission factor: kg of CO2 (equivalent) per unit, and its origin.

    ``series`` is the name of a shipped factor, or empty for a number that the
    site file states.
    """

    value: float
    unit: str
    series: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A place where one carrier mixes; ``unit`` is that of its carrier."""

    id: str
    carrier: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A flow into a pool from outside; a factor per view."""

    id: str
    pool: str
    measure: Measure
    factors: dict[View, Factor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuel:
    """What a process burns: a direct emission."""

    carrier: str
    unit: str
    measure: Measure
    factors: dict[View, Factor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Takes from pools and fuels, gives to pools; its burden goes to what it gives.

    With several outputs the burden is divided by their energy content.
    """

    id: str
    takes: dict[str, Measure]
    gives: dict[str, Measure]
    fuels: tuple[Fuel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Takes from one pool and gives back later; efficiencies in and out, 0 to 1."""

    id: str
    pool: str
    charge: Measure
    discharge: Measure
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A flow out of a pool; without a measure, it is the pool's remainder."""

    id: str
    pool: str
    measure: Measure | None
    kind: Literal["load", "export", "loss", "remainder"] = "load"


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkSettings:
    """Where batches go. ``token_file`` holds a bearer token, never the site file."""

    id: str
    url: str
    token_file: str = ""
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSettings:
    """Where batches are kept, how often they are made durable and sealed.

    One that has ``seal_samples`` (about as many bytes) is sealed at once.
    """

    path: str = "/var/lib/zerometer"
    max_bytes: int = 4_000_000_000
    commit_ns: int = 60_000_000_000
    seal_ns: int = 900_000_000_000
    seal_samples: int = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """The local page; ``port`` 0 takes any free port."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8480


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that a site file says, checked."""

    id: str
    name: str
    timezone: str
    revision: str
    tick_ns: int = 1_000_000_000
    buses: tuple[Bus, ...] = ()
    meters: tuple[Meter, ...] = ()
    pools: tuple[Pool, ...] = ()
    sources: tuple[Source, ...] = ()
    processes: tuple[Process, ...] = ()
    storages: tuple[Storage, ...] = ()
    sinks: tuple[Sink, ...] = ()
    uplinks: tuple[UplinkSettings, ...] = ()
    journal: JournalSettings = field(default_factory=JournalSettings)
    page: PageSettings = field(default_factory=PageSettings)

    def meter(self, meter_id: str) -> Meter:
        """Return the meter called *meter_id*; KeyError when there is none."""
        for meter in self.meters:
            if meter.id == meter_id:
                return meter
        raise KeyError(meter_id)
