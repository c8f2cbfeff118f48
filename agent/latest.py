"""The latest value of every point, for those who look: page and status."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

from zerometer.core.points import Quality, Reading
from zerometer.core.site import Meter


@dataclass(slots=True)
class MeterState:
    """What a meter said last; times are boot-time ns, -1 for never."""

    meter: Meter
    values: "array[float]"
    time_ns: int = -1
    quality: Quality = Quality.MISSING

    def shown(self) -> list[dict[str, Any]]:
        """Return the point values that are known, with units."""
        return [
            {"point": polled.point.name, "value": value, "unit": polled.point.unit}
            for polled, value in zip(self.meter.points, self.values, strict=True)
            if not isnan(value) and polled.point.group != "ratio"
        ]


class Latest:
    """Latest values by meter."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        self.meters = {
            meter.id: MeterState(meter, array("d", [nan]) * len(meter.points))
            for meter in meters
        }

    def read(self, reading: Reading) -> None:
        """Take in a reading; a missing value is shown as missing, not as before."""
        state = self.meters[reading.meter]
        for index, value in zip(reading.points, reading.values, strict=True):
            state.values[index] = value
        good = any(quality != Quality.MISSING for quality in reading.qualities)
        state.quality = Quality.MEASURED if good else Quality.MISSING
        if good:
            state.time_ns = reading.time_ns
