"""What can be read from a meter: points, maps, line settings, readings."""

from array import array
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

RegisterType = Literal["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]
WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Group = Literal["power", "energy", "electrical", "state", "ratio"]
Kind = Literal["gauge", "counter"]
Ratio = Literal["primary", "register", "secondary"]

#: Registers that a value of each type takes.
REGISTERS_OF: dict[str, int] = {
    "u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4, "i64": 4, "f64": 4,
}  # fmt: skip


class Quality(IntEnum):
    """How a value came to be; the numbers go over the wire."""

    MEASURED = 0
    CALCULATED = 1
    INTERPOLATED = 2
    SUBSTITUTED = 3
    MANUAL = 4
    REJECTED = 5
    MISSING = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a meter and where it stands in its registers.

    A reading is ``raw * scale * product(ratio registers) + offset`` in ``unit``.
    ``address`` is the zero-based address of the protocol data unit; ``function``
    is 1 to 4. ``ratio`` says whether CT and PT are already in the value
    (``primary``), multiplied by registers of the meter named in ``times``
    (``register``), or left to the site file (``secondary``). ``modulus`` is
    where a counter rolls over, in ``unit`` before ratios. ``resolution`` is the
    smallest step worth forwarding, in ``unit``. ``invalid`` are raw integers
    that mean "no value".
    """

    name: str
    function: int
    address: int
    type: RegisterType
    order: WordOrder = "ABCD"
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    group: Group = "electrical"
    kind: Kind = "gauge"
    ratio: Ratio = "primary"
    times: tuple[str, ...] = ()
    modulus: float | None = None
    resolution: float | None = None
    invalid: tuple[int, ...] = ()
    cross_checked: bool = False

    @property
    def registers(self) -> int:
        """Registers that the value takes."""
        return REGISTERS_OF[self.type]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """How bytes travel on a serial line."""

    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1

    @property
    def character_bits(self) -> int:
        """Bits on the wire for one byte: start, eight data, parity, stop."""
        return 9 + (self.parity != "N") + self.stop_bits

    @property
    def character_ns(self) -> int:
        """Time that one byte takes on the wire."""
        return self.character_bits * 1_000_000_000 // self.baud

    @property
    def silence_ns(self) -> int:
        """Silence that separates two frames (t3.5).

        Modbus over serial line V1.02, 2.5.1.1: 3.5 characters, fixed at
        1.75 ms above 19200 baud.
        """
        if self.baud > 19_200:
            return 1_750_000
        return 7 * self.character_ns // 2


#: A network of which nothing else is known: its bytes cost next to nothing.
NETWORK_LINE = LineSettings(baud=10_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """What a meter allows in one request."""

    max_registers: int = 125
    bridge_gaps: bool = True
    even_only: bool = False
    single: tuple[int, ...] = ()
    min_delay_ms: int = 0
    timeout_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterMap:
    """A meter model: its points, its reading rules, and where we know them from."""

    id: str
    vendor: str
    model: str
    category: str
    confidence: Literal["high", "medium", "low"]
    points: tuple[Point, ...]
    line: LineSettings = field(default_factory=LineSettings)
    limits: ReadLimits = field(default_factory=ReadLimits)
    sources: tuple[str, ...] = ()
    notes: str = ""

    def point(self, name: str) -> Point | None:
        """Return the point called *name*, or None."""
        return next((p for p in self.points if p.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledPoint:
    """A point that a site reads, and how often."""

    point: Point
    period_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBlock:
    """One request: *count* registers from *address*, and the points in them.

    ``points`` are indices into the meter's polled points.
    """

    function: int
    address: int
    count: int
    points: tuple[int, ...]


@dataclass(slots=True)
class Reading:
    """What one transaction brought from one meter.

    ``points`` are indices into the meter's polled points; ``values`` (in each
    point's unit; NaN where missing) and ``qualities`` (Quality numbers) run
    beside them. ``time_ns`` is the boot-time clock at the end of reception, or,
    for a failed transaction, at its failure.
    """

    meter: str
    time_ns: int
    points: tuple[int, ...]
    values: "array[float]"
    qualities: bytes
