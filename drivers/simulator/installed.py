"""A meter of a site as it hangs on its simulated line."""

from dataclasses import replace

from zerometer.core.points import Point
from zerometer.core.site import Meter
from zerometer.drivers.simulator.adjusted import Adjusted, Part
from zerometer.drivers.simulator.meters import Recorder, SimulatedMeter
from zerometer.drivers.simulator.plant import Model

#: What a twin measures of its sibling's load.
TWIN_SHARE = 0.4
TWIN_SERIAL = "7777777"


class Installed:
    """*meter* of a site, which measures *model* and answers on its line.

    ``load`` is the model, with counters that can be set.
    """

    def __init__(self, meter: Meter, model: Model, recorder: Recorder | None) -> None:
        self.meter = meter
        self.load = Adjusted(model)
        self._recorder = recorder
        self.change_ct(None)

    def answer(self, request: bytes, time_ns: int) -> bytes:
        """Return the reply (protocol data unit) to *request* at *time_ns*."""
        return self._unit.answer(request, time_ns)

    def change_ct(self, ratio: float | None) -> None:
        """Let the meter have a CT of this ratio; None: that of the site."""
        self._unit = self._made(self.load, ratio, self.meter.serial, self._recorder)

    def rollover(self, *, exporting: bool) -> float:
        """Return the index at which a counter rolls over first, or infinity."""
        return self._unit.rollover(exporting=exporting)

    def twin(self) -> SimulatedMeter:
        """Return a meter of the same kind, with another load."""
        return self._made(Part(self.load, TWIN_SHARE), None, TWIN_SERIAL, None)

    def _made(
        self, model: Model, ct: float | None, serial: str, recorder: Recorder | None
    ) -> SimulatedMeter:
        meter = self.meter
        if ct is None:
            ct = meter.ct[0] / meter.ct[1] if meter.ct else 1.0
        return SimulatedMeter(
            meter.id,
            meter.map,
            model,
            points=_derived(meter),
            ct=ct,
            pt=meter.pt[0] / meter.pt[1] if meter.pt else 1.0,
            serial=serial,
            recorder=recorder,
        )


def _derived(meter: Meter) -> list[Point]:
    """Return the points that the site file adds; their scale holds every ratio."""
    return [
        replace(polled.point, ratio="primary")
        for polled in meter.points
        if meter.map.point(polled.point.name) is None
    ]
