"""What a bus loop needs to know of one meter beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zerometer.core.meter_map import MeterMap
from zerometer.core.points import PolledPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """One meter on its bus, as its site wants it read.

    Ratio points that others name in ``times`` must be among ``points``. ``serial`` is
    the serial number that the meter must have, if it tells one; empty if any will do.
    ``nameplate`` are the ratios that the transformers have, by ratio point: a meter
    that is set to others is told, but what it says holds.
    """

    meter: str
    unit: int
    map: MeterMap
    points: tuple[PolledPoint, ...]
    serial: str = ""
    nameplate: Mapping[str, float] = field(default_factory=dict)
