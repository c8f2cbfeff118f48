"""Values of emission factors over time: what a provider said, and which one holds.

A provider says the same hour several times: forecast, estimated, measured, final,
and corrected months later. Nothing that was said is thrown away. At each moment
the row of the highest status holds, among those the one that was published last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType
from typing import Literal, get_args

Status = Literal["forecast", "preliminary", "measured", "final"]
Method = Literal["average", "marginal"]
Basis = Literal["direct", "lifecycle"]

#: From what is only expected to what will not change any more.
STATUSES: tuple[Status, ...] = get_args(Status)
METHODS: tuple[Method, ...] = get_args(Method)
BASES: tuple[Basis, ...] = get_args(Basis)
RANK: Mapping[str, int] = MappingProxyType({s: i for i, s in enumerate(STATUSES)})

#: The largest value that is believed, by unit. No mix of electricity emits more
#: than 2 kg/kWh: such a number is in another unit. Heat and cold likewise, as
#: 1 GJ is 278 kWh. The others are above what any fuel, gas or refrigerant emits.
LARGEST: Mapping[str, float] = MappingProxyType(
    {
        "kg/kWh": 2.0,
        "kg/GJ": 560.0,
        "kg/Nm3": 100.0,
        "kg/m3": 1000.0,
        "kg/kg": 30_000.0,
        "kg/pcs": 1e6,
    }
)

#: Other ways to state the same: the unit of ours, and how many of it one is.
OTHER_UNITS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "g/kWh": ("kg/kWh", 0.001),
        "kg/MWh": ("kg/kWh", 0.001),
        "t/MWh": ("kg/kWh", 1.0),
        "t/GJ": ("kg/GJ", 1000.0),
        "t/t": ("kg/kg", 1.0),
    }
)


#: 2200-01-01, within what 64 bits of nanoseconds hold.
LATEST_NS = 7_258_118_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    """What a provider said a factor was over [t0, t1), Unix times in ns, UTC.

    ``value`` is in ``unit``, which is one of `LARGEST`. ``published_ns`` is when the
    provider said so (when we learnt of it, if it did not say), ``fetched_ns`` when
    we learnt of it. ``revision`` counts the rows of a store: a later one is higher.
    """

    series: str
    t0_ns: int
    t1_ns: int
    value: float
    unit: str = "kg/kWh"
    method: Method = "average"
    basis: Basis = "direct"
    status: Status = "measured"
    provider: str = ""
    published_ns: int = 0
    fetched_ns: int = 0
    revision: int = 0

    @property
    def precedence(self) -> tuple[int, int, int, int]:
        """Of two rows at one time, the one with the higher precedence holds."""
        rank = RANK[self.status]
        return rank, self.published_ns, self.fetched_ns, self.revision


def in_our_unit(value: float, unit: str) -> tuple[float, str]:
    """Return *value* in the unit of ours that measures the same; else as it is."""
    ours, times = OTHER_UNITS.get(unit, (unit, 1.0))
    return value * times, ours


def fault_of(row: FactorRow) -> str:
    """Return why *row* cannot be believed; empty when it can."""
    if row.unit not in LARGEST:
        return f"unit: {row.unit!r} is not one of {', '.join((*LARGEST, *OTHER_UNITS))}"
    if not (0 <= row.t0_ns <= LATEST_NS and row.t1_ns <= LATEST_NS):
        return "t0, t1: not within 1970 to 2200"
    if row.t1_ns <= row.t0_ns:
        return "t1: is not after t0"
    largest = LARGEST[row.unit]
    if not (isfinite(row.value) and 0 <= row.value <= largest):
        return f"value: {row.value:g} {row.unit} is not within 0 to {largest:g}"
    return ""
