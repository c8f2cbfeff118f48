"""A meter model: what its points are, and how they may be read."""

from dataclasses import dataclass, field, replace
from typing import Literal

from zerometer.core.identity import Check, Identity, Variant
from zerometer.core.points import LineSettings, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """What a meter allows in one request.

    ``blocks`` are the first and last addresses of the areas that a request must
    stay within; none, if it may be anywhere. An address holds one register, or, in
    meters of Enron's kind, all the registers of a number.
    """

    max_registers: int = 125
    bridge_gaps: bool = True
    blocks: tuple[tuple[int, int], ...] = ()
    registers_per_address: int = 1
    even_only: bool = False
    single: tuple[int, ...] = ()
    min_delay_ms: int = 0
    connect_delay_ms: int = 0
    timeout_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterMap:
    """A meter model: its points, its reading rules, and where we know them from.

    ``also`` are other names that the same meter is sold under. ``sunspec`` are the
    addresses where the list of SunSpec models may begin, none in other meters.
    ``channels`` are how far the points of each channel stand from those of the map,
    none in meters that have but one.
    """

    id: str
    vendor: str
    model: str
    category: str
    confidence: Literal["high", "medium", "low"]
    points: tuple[Point, ...]
    line: LineSettings = field(default_factory=LineSettings)
    limits: ReadLimits = field(default_factory=ReadLimits)
    identity: Identity | None = None
    checks: tuple[Check, ...] = ()
    variants: tuple[Variant, ...] = ()
    sources: tuple[str, ...] = ()
    notes: str = ""
    also: tuple[str, ...] = ()
    sunspec: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()

    def point(self, name: str) -> Point | None:
        """Return the point called *name*, or None."""
        return next((p for p in self.points if p.name == name), None)

    def placed(self, point: Point, channel: int) -> Point:
        """Return *point* of the map where it stands for *channel*, counted from 1."""
        return point if point.shared else point.moved(self.channels[channel - 1])

    def on_channel(self, channel: int) -> "MeterMap":
        """Return the map of one channel, counted from 1, of a meter with several."""
        variants = tuple(
            replace(
                variant,
                points={n: self.placed(p, channel) for n, p in variant.points.items()},
            )
            for variant in self.variants
        )
        points = tuple(self.placed(point, channel) for point in self.points)
        return replace(self, points=points, variants=variants, channels=())
