"""What is so from a moment on, which no span may straddle.

Lots begin and end, and storages are known to be full or empty: spans are cut there, so
that what was before is booked before. Nothing of this is told twice.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from zerometer.core.event import SiteEvent
from zerometer.core.network import Network
from zerometer.core.site import Site, StateOfCharge

#: Of a storage: which one, and what it can give from then on.
Anchor = tuple[int, float]
#: A moment that concerns no storage.
_CUT = -1


@dataclass(slots=True)
class _Gauge:
    """A gauge of a storage; ``at`` is the end at which it was seen last, if any."""

    tank: int
    settings: StateOfCharge
    capacity: float
    at: float | None = None


class Agenda:
    """The moments that are still to come, in their order."""

    def __init__(self, site: Site, network: Network) -> None:
        self._names = [tank.name.removeprefix("storage.") for tank in network.tanks]
        self._due: list[tuple[int, int, float]] = []
        self._gauges: dict[tuple[str, str], list[_Gauge]] = {}
        for storage in site.storages:
            if storage.state_of_charge is not None:
                soc = storage.state_of_charge
                gauge = _Gauge(self._names.index(storage.id), soc, storage.capacity)
                self._gauges.setdefault((soc.meter, soc.point), []).append(gauge)

    @property
    def gauges(self) -> Iterable[tuple[str, str]]:
        """The points, by meter and name, that ``gauge`` wants to know of."""
        return self._gauges

    def event(self, event: SiteEvent) -> None:
        """Take in an event; one that has no moment of its own changes nothing."""
        if event.kind in ("lot-start", "lot-end"):
            insort(self._due, (event.time_ns, _CUT, 0.0))
        elif event.kind == "storage-anchor" and event.subject in self._names:
            tank = self._names.index(event.subject)
            insort(self._due, (event.time_ns, tank, event.quantity or 0.0))

    def gauge(self, meter: str, point: str, time_ns: int, value: float) -> None:
        """Take in what a gauge read: it counts when it comes to one of its ends.

        NaN says nothing, nor does a full storage of unknown capacity.
        """
        if isnan(value):
            return
        for gauge in self._gauges.get((meter, point), ()):
            ends = gauge.settings
            at = None
            if value <= ends.empty:
                at = 0.0
            elif value >= ends.full and gauge.capacity > 0:
                at = gauge.capacity
            if at is not None and at != gauge.at:
                insort(self._due, (time_ns, gauge.tank, at))
            gauge.at = at

    def until(self, start_ns: int, end_ns: int) -> int:
        """Return where a span from *start_ns* has to end, at the latest *end_ns*."""
        for time_ns, _, _ in self._due:
            if time_ns > start_ns:
                return min(time_ns, end_ns)
        return end_ns

    def take(self, time_ns: int) -> Iterator[Anchor]:
        """Take out what is so from *time_ns* on; yield what storages can give.

        What was so before, at a time that was not accounted for, says nothing by now.
        """
        while self._due and self._due[0][0] <= time_ns:
            since_ns, tank, energy = self._due.pop(0)
            if tank != _CUT and since_ns == time_ns:
                yield tank, energy

    def state(self) -> list[Any]:
        """Return what is to come, by name, as plain values."""
        return [
            [time_ns, self._names[tank] if tank != _CUT else "", energy]
            for time_ns, tank, energy in self._due
        ]

    def restore(self, state: Sequence[Any]) -> None:
        """Take up what is to come; of a storage that is gone, nothing."""
        for time_ns, name, energy in state:
            if not name or name in self._names:
                tank = self._names.index(name) if name else _CUT
                insort(self._due, (time_ns, tank, energy))
