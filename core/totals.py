"""What a stretch of time brought, as floats: the accounting before rounding."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from zerometer.core.columns import decode_floats, encode_floats
from zerometer.core.site import View


@dataclass(frozen=True, slots=True)
class FactorSet:
    """The emission factors of a stretch of time, kg per unit.

    ``values``: by view, one for each origin of the network. ``revision`` grows with
    each change of any of them; ``fallback`` names the series that had no value, so
    that the constant of the site file stands in.
    """

    values: Mapping[View, "array[float]"]
    revision: int = 0
    fallback: frozenset[str] = frozenset()

    def packed(self) -> list[Any]:
        """Return the set as plain values."""
        values = {view: encode_floats(row) for view, row in self.values.items()}
        return [values, self.revision, sorted(self.fallback)]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> "FactorSet":
        """Return the set that was *packed*."""
        values, revision, fallback = packed
        rows = {v: decode_floats(row, len(row) // 8, "d") for v, row in values.items()}
        return cls(rows, revision, frozenset(fallback))


class Factors(Protocol):
    """Where the factors of a time come from; constant within each quarter hour."""

    def at(self, start_ns: int) -> FactorSet:
        """Return the factors that hold from *start_ns* (Unix, UTC)."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """What a storage holds: energy to be had, by origin, and kg by view."""

    energy: float
    origins: "array[float]"
    emissions_kg: Mapping[View, float]


@dataclass(slots=True)
class Totals:
    """What flowed in [start, end), in booked units, and what it emitted.

    ``measured``: by measure of the network, what its meter counted, in the counter's
    own unit, before balanced pools were made to agree. ``flows``, ``estimated``: by
    flow: the quantity, and the part of it whose amount or time no meter saw.
    ``entered``: by origin. ``received``: by place and origin, row after row; of a
    storage what charging put in less what discharging took out. ``quantity``: by
    place. ``throughput``: by pool. In kg, by view: ``entered_kg`` by origin,
    ``received_kg`` by place, and ``pool_kg``, what the throughput of each pool
    carried (its factor is the quotient). ``credit_kg``: what exports take off in
    ``gb32150``. ``held``: of each storage, at the end; ``true_up``: by how much it
    was found to hold more than its flows say. ``minutes``: what came in each minute
    of UTC that the span touches, one for each of the network's ``demand``, minute
    after minute. ``seen_ns``: how long meters saw what they measure, as a mean over
    measures. ``flags``: what is to be known of the span, as ``KIND:SUBJECT``:
    ``unmeasured:POOL``, ``circular:POOL``, ``negative-burden:POOL`` and
    ``unknown-start:STORAGE``.
    """

    start_ns: int
    end_ns: int
    flows: "array[float]"
    estimated: "array[float]"
    entered: "array[float]"
    received: "array[float]"
    quantity: "array[float]"
    throughput: "array[float]"
    entered_kg: Mapping[View, "array[float]"]
    received_kg: Mapping[View, "array[float]"]
    pool_kg: Mapping[View, "array[float]"]
    credit_kg: float = 0.0
    held: tuple[Held, ...] = ()
    true_up: "array[float]" = field(default_factory=lambda: array("d"))
    minutes: "array[float]" = field(default_factory=lambda: array("d"))
    measured: "array[float]" = field(default_factory=lambda: array("d"))
    seen_ns: float = 0.0
    flags: set[str] = field(default_factory=set)
