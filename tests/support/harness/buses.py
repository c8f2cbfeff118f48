"""A bus loop under test, and what it delivered and said."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.core.points import LineSettings, Point, PolledPoint, Reading
from zerometer.core.site import Bus
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.lines.open_line import open_line
from zerometer.drivers.memory import UnitMemory
from zerometer.drivers.notices import BusNotice
from zerometer.drivers.unit_plan import UnitPlan

FAST = LineSettings(baud=115_200)
MS = 1_000_000


def unit_plan(
    meter: str,
    unit: int,
    points: Sequence[Point],
    *,
    period_ms: int = 50,
    periods_ms: Sequence[int] = (),
    limits: ReadLimits | None = None,
) -> UnitPlan:
    """A meter with *points*, each read every *period_ms* or as *periods_ms* say."""
    periods = periods_ms or [period_ms] * len(points)
    return UnitPlan(
        meter=meter,
        unit=unit,
        map=MeterMap(
            id="test",
            vendor="Test",
            model="Test",
            category="electricity",
            confidence="high",
            points=tuple(points),
            limits=limits or ReadLimits(),
        ),
        points=tuple(
            PolledPoint(point=point, period_ns=period * MS)
            for point, period in zip(points, periods, strict=True)
        ),
    )


class Watched:
    """Readings and notices of a bus loop, and a way to wait for them."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.notices: list[BusNotice] = []
        self._changed = threading.Condition()

    def deliver(self, reading: Reading) -> None:
        """Take a reading."""
        with self._changed:
            self.readings.append(reading)
            self._changed.notify_all()

    def notify(self, notice: BusNotice) -> None:
        """Take a notice."""
        with self._changed:
            self.notices.append(notice)
            self._changed.notify_all()

    def of(self, meter: str) -> list[Reading]:
        """Return the readings of *meter* so far."""
        return [reading for reading in self.readings if reading.meter == meter]

    def said(self, kind: str) -> list[BusNotice]:
        """Return the notices of *kind* so far."""
        return [notice for notice in self.notices if notice.kind == kind]

    def wait(self, until: Callable[[], bool], timeout_s: float = 4.0) -> None:
        """Wait until *until* holds; fail when it does not."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not until():
                left = deadline - time.monotonic()
                assert left > 0, (self.notices, self.readings[-3:])
                self._changed.wait(left)


def serial_bus(port: str) -> Bus:
    """The bus on a serial port."""
    return Bus(id="rs485-a", port=port, line=FAST)


@contextmanager
def running_bus(
    bus: Bus | str,
    units: Sequence[UnitPlan],
    *,
    timeout_ms: int = 200,
    memories: Mapping[str, UnitMemory] = MappingProxyType({}),
) -> Iterator[tuple[BusLoop, Watched]]:
    """Run a bus loop on *bus*, or on the serial port of that path."""
    watched = Watched()
    opened = serial_bus(bus) if isinstance(bus, str) else bus
    loop = BusLoop(
        opened.id,
        lambda: open_line(opened),
        opened.line,
        units,
        deliver=watched.deliver,
        notify=watched.notify,
        timeout_ns=timeout_ms * MS,
        memories=memories,
    )
    loop.start()
    try:
        yield loop, watched
    finally:
        loop.stop()
