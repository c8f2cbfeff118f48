"""Our whole bus loop: ``bus_loop PORT BAUD POLLS`` prints a Sample."""

import sys
from array import array
from collections import Counter
from threading import Event

from bench.bus.plant import (
    BLOCKS,
    READ_INPUT_REGISTERS,
    UNITS,
    WARM_POLLS,
    line_settings,
    values,
)
from bench.bus.sample import Sample, now
from zerometer.core.meter_map import MeterMap
from zerometer.core.points import Point, PolledPoint, Reading
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.notices import BusNotice
from zerometer.drivers.unit_plan import UnitPlan

#: So short that the line is never idle.
PERIOD_NS = 10_000
TIMEOUT_NS = 1_000_000_000

POINTS = tuple(
    Point(name=f"p{place}", function=READ_INPUT_REGISTERS, address=place, type="f32")
    for address, count in BLOCKS
    for place in range(address, address + count, 2)
)
#: The values of each meter and block, by the block's first point.
EXPECTED = {
    (str(unit), [point.address for point in POINTS].index(address)): array(
        "d", values(unit, address, count)
    )
    for unit in UNITS
    for address, count in BLOCKS
}
MAP = MeterMap(
    id="floats",
    vendor="bench",
    model="floats",
    category="electricity",
    confidence="high",
    points=POINTS,
)


class Audience:
    """Takes the loop's readings, checks them, and takes samples at the right ones."""

    def __init__(self, polls: int) -> None:
        self._per_poll = len(UNITS) * len(BLOCKS)
        self._first = WARM_POLLS * self._per_poll
        self._last = self._first + polls * self._per_poll
        self._taken = 0
        self._start: Sample | None = None
        self.total: Sample | None = None
        self.finished = Event()
        self.wrong: list[str] = []
        self.blocks: Counter[tuple[str, int]] = Counter()

    def deliver(self, reading: Reading) -> None:
        """Check a reading and count it."""
        block = reading.meter, reading.points[0]
        if reading.values != EXPECTED.get(block):
            self.wrong.append(str(reading))
        self.blocks[block] += 1
        self._taken += 1
        if self._taken == self._first:
            self._start = now(self._taken)
        elif self._taken == self._last:
            self.total = now(self._taken) - self._start
            self.finished.set()

    def notify(self, notice: BusNotice) -> None:
        """Remember what the loop complains of, but for the lack of time we made."""
        if notice.kind != "overload":
            self.wrong.append(notice.text)


def run(port: str, baud: int, polls: int) -> Sample:
    """Read all blocks *polls* times."""
    settings = line_settings(baud)
    units = [
        UnitPlan(
            meter=str(unit),
            unit=unit,
            map=MAP,
            points=tuple(PolledPoint(point=p, period_ns=PERIOD_NS) for p in POINTS),
        )
        for unit in UNITS
    ]
    audience = Audience(polls)
    loop = BusLoop(
        bus_id="bench",
        open_line=lambda: SerialLine(port, settings),
        line=settings,
        units=units,
        deliver=audience.deliver,
        notify=audience.notify,
        timeout_ns=TIMEOUT_NS,
    )
    loop.start()
    audience.finished.wait()
    loop.stop()
    assert not audience.wrong, audience.wrong
    # All blocks came about equally often: a transaction compares with a peer's.
    assert len(audience.blocks) == len(UNITS) * len(BLOCKS), audience.blocks
    assert max(audience.blocks.values()) - min(audience.blocks.values()) <= 2
    assert audience.total is not None
    return audience.total


if __name__ == "__main__":
    print(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).text())
