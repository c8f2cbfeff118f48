"""What is worth knowing of a unit when its bus is read again after a restart."""

from dataclasses import dataclass, replace

from zerometer.core.meter_map import ReadLimits
from zerometer.core.planner import Hole


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitMemory:
    """What was learnt of one meter on its bus.

    ``turnaround_ns`` is 0 if it never answered. ``max_registers`` is what it takes in
    one request, as far as that is less than its map says; 0 if it is not. No request
    may cover one of ``holes``; ``refused`` are the names of points that it refuses.
    ``serial`` is the serial number that it told.
    """

    turnaround_ns: int = 0
    max_registers: int = 0
    holes: tuple[Hole, ...] = ()
    refused: tuple[str, ...] = ()
    serial: str = ""

    def within(self, stated: ReadLimits) -> ReadLimits:
        """Return the limits that a map has *stated*, narrowed to what was learnt."""
        if 0 < self.max_registers < stated.max_registers:
            return replace(stated, max_registers=self.max_registers)
        return stated
