"""Our bus loop, reading for ever."""

import signal
from array import array
from threading import Event
from typing import Any

from tally import Tally, arguments, value

from zerometer.core.meter_map import MeterMap, ReadLimits
from zerometer.core.points import LineSettings, Point, PolledPoint, Reading
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.notices import BusNotice
from zerometer.drivers.unit_plan import UnitPlan

#: So short that the line is never idle.
PERIOD_NS = 1_000_000
#: As the site file's, where it says nothing.
TIMEOUT_NS = 500_000_000


def plans(reads: list[tuple[int, int, int]], most: int) -> list[UnitPlan]:
    """Return each unit's points; a request may have *most* registers."""
    units: dict[int, list[Point]] = {}
    for unit, address, count in reads:
        units.setdefault(unit, []).extend(
            Point(name=f"p{place}", function=4, address=place, type="f32")
            for place in range(address, address + count, 2)
        )
    return [
        UnitPlan(
            meter=str(unit),
            unit=unit,
            map=MeterMap(
                id="floats",
                vendor="bench",
                model="floats",
                category="electricity",
                confidence="high",
                points=tuple(points),
                limits=ReadLimits(max_registers=most),
            ),
            points=tuple(PolledPoint(point=p, period_ns=PERIOD_NS) for p in points),
        )
        for unit, points in units.items()
    ]


def run(wanted: dict[str, Any]) -> None:
    """Read until the bench ends it."""
    tally = Tally(wanted["tally"])
    settings = LineSettings(baud=wanted["baud"])
    units = plans(wanted["reads"], max(count for _, _, count in wanted["reads"]))
    places = [polled.point.address for polled in units[0].points]
    expected: dict[tuple[str, tuple[int, ...]], array[float]] = {}

    def deliver(reading: Reading) -> None:
        if any(reading.qualities):
            tally.failed()
            return
        block = reading.meter, reading.points
        if block not in expected:
            unit = int(reading.meter)
            expected[block] = array(
                "d", [value(unit, places[index]) for index in reading.points]
            )
        tally.compare(reading.values, expected[block])

    def notify(_notice: BusNotice) -> None:
        """What is wrong on the line is meant to be."""

    loop = BusLoop(
        bus_id="bench",
        open_line=lambda: SerialLine(wanted["port"], settings),
        line=settings,
        units=units,
        deliver=deliver,
        notify=notify,
        timeout_ns=int(wanted["timeout_s"] * 1e9)
        if wanted["timeout_s"]
        else TIMEOUT_NS,
    )
    ended = Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    loop.start()
    ended.wait()
    loop.stop()


if __name__ == "__main__":
    run(arguments())
