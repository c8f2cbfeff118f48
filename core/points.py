"""What can be read from a meter: points, the line they come by, readings."""

from array import array
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

RegisterType = Literal[
    "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64",
    "bcd16", "bcd32", "bcd64", "t5", "t6", "t7",
]  # fmt: skip
WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Group = Literal["power", "energy", "electrical", "state", "ratio"]
Kind = Literal["gauge", "counter"]
Ratio = Literal["primary", "register", "secondary"]
Form = Literal["number", "absolute", "4q_fp_pf", "pow10"]

#: Registers that a value of each type takes.
REGISTERS_OF: dict[str, int] = {
    "u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4, "i64": 4, "f64": 4,
    "bcd16": 1, "bcd32": 2, "bcd64": 4, "t5": 2, "t6": 2, "t7": 2,
}  # fmt: skip

#: Types of numbers whose exponent is a part of them.
STEPLESS = ("f32", "f64", "t5", "t6")
#: Distance of neighbouring numbers, where it is not 1.
STEPS = {"t7": 0.0001}


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
class Part:
    """A number in other registers that is added to a point's own.

    ``bits`` are the lowest and the highest bit of it that count, 0 the least
    significant. ``invalid`` are raw integers that mean "no value" at all.
    """

    address: int
    type: RegisterType
    order: WordOrder = "ABCD"
    scale: float = 1.0
    bits: tuple[int, int] | None = None
    invalid: tuple[int, ...] = ()

    @property
    def registers(self) -> int:
        """Registers that the number takes."""
        return REGISTERS_OF[self.type]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignBit:
    """A bit of another register, 0 the lowest; when it is set, a value is negative."""

    address: int
    bit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a meter and where it stands in its registers.

    A reading is ``sum(raw * scale) * product(ratio registers) + offset`` in
    ``unit``; the sum is over the point and its parts in ``plus``, negative where
    the ``sign`` bit is set. ``form`` is what becomes of that: its magnitude
    (``absolute``), a power factor out of four quadrants (``4q_fp_pf``), ten to its
    power (``pow10``). ``codes``, if any, are pairs: a number that is one of the first
    means the second, any other nothing. All is read in one request.

    ``address`` is the zero-based address of the protocol data unit, or, in a point
    of ``models``, counts from the register that holds the number of the first of
    these SunSpec models that the device has; ``function`` is 1 to 4. ``ratio`` says
    whether CT and PT are already in the value (``primary``), multiplied by registers
    of the meter named in ``times`` (``register``), or left to the site file
    (``secondary``). ``modulus`` is where a counter rolls over, in ``unit`` before
    ratios. ``resolution`` is the smallest step worth forwarding, in ``unit``.
    ``bits`` and ``invalid`` are as in a Part. A point that is ``shared`` is the same
    for all channels of the meter.
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
    bits: tuple[int, int] | None = None
    plus: tuple[Part, ...] = ()
    sign: SignBit | None = None
    form: Form = "number"
    codes: tuple[tuple[float, float], ...] = ()
    models: tuple[int, ...] = ()
    shared: bool = False
    invalid: tuple[int, ...] = ()
    cross_checked: bool = False

    @property
    def registers(self) -> int:
        """Registers that its own number takes, without those of ``plus``."""
        return REGISTERS_OF[self.type]

    def moved(self, by: int) -> "Point":
        """Return the point *by* addresses further on, with all that it is made of."""
        if not by:
            return self
        plus = tuple(replace(part, address=part.address + by) for part in self.plus)
        sign = self.sign and replace(self.sign, address=self.sign.address + by)
        return replace(self, address=self.address + by, plus=plus, sign=sign)

    @property
    def step(self) -> float:
        """Distance of neighbouring values, before ratios; 0 if they have none."""
        numbers: tuple[Point | Part, ...] = (self, *self.plus)
        if any(number.type in STEPLESS for number in numbers):
            return 0.0
        return min(STEPS.get(part.type, 1.0) * abs(part.scale) for part in numbers)

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Address and number of registers of all that it is made of."""
        places = [(part.address, part.registers) for part in self.plus]
        if self.sign:
            places.append((self.sign.address, 1))
        return ((self.address, self.registers), *places)


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
NETWORK_LINE = LineSettings(baud=100_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledPoint:
    """A point that a site reads, and how often; 0: as its values show (no bus)."""

    point: Point
    period_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBlock:
    """One request: *count* addresses from *address*, and the points in them.

    ``points`` are indices into the meter's polled points. ``width`` is how many
    registers the reply brings for one address: 1, but for values at an address each.
    """

    function: int
    address: int
    count: int
    points: tuple[int, ...]
    width: int = 1


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
