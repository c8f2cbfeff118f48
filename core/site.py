"""A site as typed values: buses, meters, and the graph of its energy.

The graph: a *pool* is where one carrier mixes (a busbar, an air ring). A
*source* flows into a pool, a *sink* out of one, a *process* takes from pools
and gives to pools, a *storage* does both over time. Each flow is measured by a
counter of a meter, shaped by its power.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from zerometer.core.meter_map import MeterMap
from zerometer.core.points import LineSettings, PolledPoint

View = Literal["physical", "location", "market", "gb32150", "upstream", "pcf"]
#: The views of a site that names none; a factor of zero is not the same as none.
VIEWS: tuple[View, ...] = ("physical", "location")
#: All views that there are. ``upstream`` and ``pcf`` need factors of their own.
ALL_VIEWS: tuple[View, ...] = (
    "physical", "location", "market", "gb32150", "upstream", "pcf",
)  # fmt: skip

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
    "refrigerant": "kg",
    "co2": "kg",
    "product": "pcs",
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
    ``map`` and ``points`` are those of this channel. A meter without a ``bus`` is
    read by nobody: its values come from a file, an interface or a replay.
    ``max_rate`` is the fastest that each of its counters can count, by point, in the
    counter's unit an hour. ``uncertainty_percent`` is the half width of the interval
    that holds 95 % of its errors; None: as its class says.
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
    max_rate: Mapping[str, float] = field(default_factory=dict)
    uncertainty_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A flow as a meter sees it.

    ``counter`` gives the total; ``power``, when there is one, gives the shape:
    its positive part when ``sign`` is 1, the negated negative part when -1.
    ``times`` turns the counter's unit into the unit of the flow (for example
    Nm3 of gas into GJ of heat, or Wh into kWh), ``power_times`` the power's
    unit into the flow's unit per hour.

    Without a counter (""), the flow stands on its power alone; the counter's unit is
    then the base unit of what the power sums up to (kWh, Nm3, kg ...).
    """

    meter: str
    counter: str
    power: str | None = None
    sign: Literal[1, -1] = 1
    times: float = 1.0
    power_times: float = 1.0

    @property
    def point(self) -> str:
        """The point that says how much it is: the counter, else the power."""
        return self.counter or self.power or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """A virtual meter: a sum of measures, each with its sign.

    What comes out negative is no flow: it counts as 0 and is told.
    """

    id: str
    terms: tuple[tuple[Literal[1, -1], Measure], ...]


#: How a flow of the graph is known.
Measured = Measure | Combination


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """An emission factor: kg of CO2 (equivalent) per unit, and its origin.

    ``id`` is the same for two flows whose factors err together: the name of the
    shipped factor or of the series, or the place where the site file states a
    number. With a ``series``, the value of the moment is that of the series, and
    ``value`` is what counts while it has none. ``uncertainty_percent`` is the half
    width of the interval that holds 95 %.
    """

    value: float
    unit: str
    id: str = ""
    series: str = ""
    uncertainty_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A place where one carrier mixes; ``unit`` is that of its carrier.

    When ``balanced``, all its flows are measured, and their measures are made to
    agree by least squares. ``nominal`` is its nominal rate in units an hour, of
    which less than a thousandth counts as none; 0: not known.
    """

    id: str
    carrier: str
    unit: str
    balanced: bool = False
    nominal: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """Where an emission belongs in an inventory.

    ``scope`` is 1, 2 or 3, and 0 for what is in none; ``ghg`` is the GHG Protocol's
    category (such as ``stationary-combustion`` or ``3.3``), ``iso`` that of ISO
    14064-1:2018, 1 to 6, and 0 for none.
    """

    scope: int
    ghg: str
    iso: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A flow into a pool from outside; a factor per view.

    ``kind`` is ``bought``, or ``own`` for what the site makes of nothing it buys
    (sun, wind). ``carbon_free_share`` is which part of it is free of carbon by its
    supplier's mix, 0 to 1, for the 24/7 score.
    """

    id: str
    pool: str
    measure: Measured
    factors: dict[View, Factor]
    kind: Literal["bought", "own"] = "bought"
    carbon_free_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuel:
    """What a process burns: a direct emission.

    ``biogenic`` carbon is counted apart.
    """

    carrier: str
    unit: str
    measure: Measured
    factors: dict[View, Factor]
    biogenic: bool = False


AllocationMethod = Literal[
    "energy", "efficiency", "alternative", "defra", "exergy", "power_bonus", "main"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """How a process with several outputs divides its burden over them.

    ``weights``: share of the burden per unit, by pool; with the method ``main``, 0
    for what comes beside what the process is for. With ``bonus``, kg per unit
    by pool and nothing else, these outputs get just so much, and the others
    (by ``weights``) the rest, which may be negative.
    """

    method: AllocationMethod
    weights: Mapping[str, float]
    bonus: Mapping[str, float] = field(default_factory=dict)


ProcessKind = Literal[
    "generic", "feeder", "transformer", "boiler", "chp", "compressor", "chiller"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Takes from pools and fuels, gives to pools; its burden goes to what it gives.

    ``losses`` of a feeder or transformer, which gives what it takes, are a ``sink``
    of their own or ``gross``: carried to what it gives. Of any other process they
    are gross. ``allocation`` says how several outputs share, by view; a view that
    it lacks has them share by energy content.
    """

    id: str
    takes: Mapping[str, Measured]
    gives: Mapping[str, Measured]
    fuels: tuple[Fuel, ...] = ()
    kind: ProcessKind = "generic"
    losses: Literal["sink", "gross"] = "gross"
    allocation: Mapping[View, Allocation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOfCharge:
    """A gauge that says when a storage is full or empty, both in its own unit."""

    meter: str
    point: str
    empty: float
    full: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Takes from one pool and gives back later; efficiencies in and out, 0 to 1.

    ``standby`` losses, found when it is known to be full or empty, stay in what is
    given back (``carry``) or are a ``sink`` of their own. ``capacity`` is what it
    can give when full, in the pool's unit; 0: not known.
    """

    id: str
    pool: str
    charge: Measured
    discharge: Measured
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    standby: Literal["carry", "sink"] = "carry"
    capacity: float = 0.0
    state_of_charge: StateOfCharge | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A flow out of a pool; without a measure, it is the pool's remainder.

    ``factor``, of an export, is what a unit of it takes off a net balance (view
    ``gb32150``), kg. ``product`` is what it makes, if one thing only.
    """

    id: str
    pool: str
    measure: Measured | None
    kind: Literal[
        "load", "line", "machine", "shared", "export", "loss", "remainder"
    ] = "load"
    product: str = ""
    factor: Factor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedService:
    """A sink that several products share, by what a driver counts for each.

    ``drivers``: a measure per product (hours, kWh of its line, Nm3 of air).
    """

    sink: str
    drivers: Mapping[str, Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What the site makes; ``good`` counts its good units, in ``unit``."""

    id: str
    name: str
    unit: str
    good: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """Where the values of a factor series come from, again and again.

    ``form``: a watched ``csv`` (``path``), JSON over HTTP as of ``electricity-maps``
    or ``uk-carbon-intensity`` (``url``, ``zone``), or an ``mqtt`` topic (``url`` with
    the topic as its path). ``token_file`` holds the provider's token.
    """

    id: str
    series: str
    form: Literal["csv", "electricity-maps", "uk-carbon-intensity", "mqtt"]
    path: str = ""
    url: str = ""
    zone: str = ""
    token_file: str = ""
    period_ns: int = 900_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A factor series by the clock: kg per unit by month (12) and hour (24)."""

    series: str
    unit: str
    values: tuple[tuple[float, ...], ...]


#: What leaves a gateway, by worth: windows of 15 minutes with events; windows of a
#: minute; health and configuration; raw detail.
STREAMS = ("ledger", "minutes", "state", "readings")

#: Schemes of those who are shown the latest values and take no batches.
LIVE_ONLY = ("sparkplug", "sparkplugs")


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkSettings:
    """Where batches go, which of them, and by what both sides know each other.

    Secrets stand in files, never here: ``token_file`` a bearer token,
    ``password_file`` the password of ``user``. ``ca``, ``cert`` and ``key`` are PEM
    files: whom to believe (empty: the system's), and who we are. ``streams`` are
    sent and no others. ``max_bytes_per_s`` bounds them; 0: no bound. ``live_ns`` is
    the time between latest values, which no journal keeps; 0: none.
    """

    id: str
    url: str
    token_file: str = ""
    timeout_s: float = 10.0
    user: str = ""
    password_file: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""
    streams: tuple[str, ...] = STREAMS
    max_bytes_per_s: int = 0
    live_ns: int = 0

    @property
    def takes_batches(self) -> bool:
        """Whether it is more than somewhere to show latest values."""
        return self.url.partition(":")[0] not in LIVE_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSettings:
    """Where batches are kept, how often they are made durable and sealed.

    One that has ``seal_samples`` (about half as many bytes) is sealed at once, one
    that has half of them with the next commit. The journal keeps within ``max_bytes``
    and leaves ``min_free_bytes`` of its disk to others. What every uplink has
    acknowledged goes after ``keep_*_ns``, if not earlier for want of room. ``raw``:
    values are forwarded as they were read, to the last bit, instead of in steps of
    their points' resolution. ``sign`` is a file with the key by which batches are
    signed, or empty.
    """

    path: str = "/var/lib/zerometer"
    max_bytes: int = 4_000_000_000
    min_free_bytes: int = 256_000_000
    keep_ledger_ns: int = 184 * 86_400_000_000_000
    keep_minutes_ns: int = 62 * 86_400_000_000_000
    keep_readings_ns: int = 31 * 86_400_000_000_000
    commit_ns: int = 60_000_000_000
    seal_ns: int = 900_000_000_000
    seal_samples: int = 131_072
    raw: bool = False
    sign: str = ""


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
    products: tuple[Product, ...] = ()
    shared: tuple[SharedService, ...] = ()
    feeds: tuple[FeedSettings, ...] = ()
    profiles: tuple[Profile, ...] = ()
    #: What is accounted for, beside energy.
    views: tuple[View, ...] = VIEWS
    #: Over which times certificates are matched with what was bought.
    matching: Literal["15min", "hour", "month", "year"] = "month"
    #: Which edition of global warming potentials counts for gases, over 100 years.
    gwp: Literal["AR5", "AR6"] = "AR6"
    #: A file of dated events; empty: none.
    events: str = ""
    #: Where batches go, and where latest values are shown; some are both.
    uplinks: tuple[UplinkSettings, ...] = ()
    live: tuple[UplinkSettings, ...] = ()
    journal: JournalSettings = field(default_factory=JournalSettings)
    page: PageSettings = field(default_factory=PageSettings)

    def meter(self, meter_id: str) -> Meter:
        """Return the meter called *meter_id*; KeyError when there is none."""
        for meter in self.meters:
            if meter.id == meter_id:
                return meter
        raise KeyError(meter_id)
