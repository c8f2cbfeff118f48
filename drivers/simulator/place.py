"""Where an ordered fault happens: a line, or a meter on it."""

import math
import time
from collections.abc import Sequence
from zlib import crc32

from zerometer.drivers.simulator.faults import Fault
from zerometer.drivers.simulator.installed import Installed
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.simulator.server import SimulatedServer
from zerometer.drivers.simulator.unit import Unit

#: A counter that is to roll over does so when the load has lasted this long.
ROLLOVER_H = 5 / 3600

SimulatedBus = SimulatedLine | SimulatedServer


def wire(line: SimulatedBus) -> SimulatedLine:
    """Return *line* as one whose bytes can be spoilt; ValueError if it is none."""
    if isinstance(line, SimulatedLine):
        return line
    raise ValueError("is of serial lines; this bus is Modbus TCP")


class LinePlace:
    """A line; ``seed`` makes what happens by chance happen again."""

    def __init__(self, line: SimulatedBus, seed: int) -> None:
        self.line = line
        self.seed = seed

    def plug(self, on: bool) -> None:
        """Plug the line's adapter in, or unplug it."""
        if on:
            self.line.start()
        else:
            self.line.stop()


class MeterPlace:
    """A meter on a line; ``seed`` makes what happens by chance happen again."""

    def __init__(self, line: SimulatedBus, installed: Installed, seed: int) -> None:
        meter = installed.meter
        self.seed = crc32(f"{seed}:{meter.id}".encode())
        self.installed = installed
        #: Faults are of what answers under a number: all channels of a unit.
        self.unit = (meter.bus, meter.unit)
        self.line = line

    def give(self, faults: Sequence[Fault]) -> None:
        """Give the unit these faults instead of those it had."""
        self.line.give(self.unit[1], *faults)

    def twin(self) -> Unit:
        """Return a meter like this one, with another load."""
        return self.installed.twin()

    def reset_counters(self) -> None:
        """Set all counters to zero."""
        self.installed.load.set(_now_ns(), 0.0, 0.0)

    def can_roll_over(self) -> bool:
        """Whether any of its counters has an end."""
        ends = (self.installed.rollover(exporting=e) for e in (False, True))
        return any(map(math.isfinite, ends))

    def roll_over(self) -> None:
        """Set the counter that moves to just before it rolls over, if it does."""
        now_ns, load = _now_ns(), self.installed.load
        power = load.power(now_ns)
        end = self.installed.rollover(exporting=power < 0)
        if math.isinf(end):
            return
        imported, exported = load.energy(now_ns)
        index = end - abs(power) * ROLLOVER_H
        if power < 0:
            load.set(now_ns, imported, index)
        else:
            load.set(now_ns, index, exported)


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
