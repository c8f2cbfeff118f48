"""Latest values for those who look from outside: never through the journal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Protocol

from zerometer.agent.latest import MeterState


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMeter:
    """What a meter said last.

    ``time_ms`` (Unix time, UTC) is that of its last good reading, None before there
    was one; ``quality`` is ``missing`` while it does not answer. ``values`` has each
    point by name, with its unit; None: not known.
    """

    id: str
    time_ms: int | None
    quality: str
    values: dict[str, tuple[float | None, str]]

    @classmethod
    def of(cls, state: MeterState, wall_ns: Callable[[int], int]) -> "LiveMeter":
        """Take the picture of *state*; *wall_ns* turns boot time into wall time."""
        known = state.time_ns >= 0
        return cls(
            id=state.meter.id,
            time_ms=wall_ns(state.time_ns) // 1_000_000 if known else None,
            quality=state.quality.name.lower(),
            values={
                polled.point.name: (None if isnan(value) else value, polled.point.unit)
                for polled, value in zip(state.meter.points, state.values, strict=True)
                if polled.point.group != "ratio"
            },
        )


class LiveSink(Protocol):
    """Somebody who is shown the latest values; used by one thread."""

    def show(self, meters: Sequence[LiveMeter], timeout_s: float) -> None:
        """Bring *meters* there, connecting first if need be.

        UpstreamError or ConfigError when that fails: what was not shown is not
        kept, the next values count.
        """
        ...
