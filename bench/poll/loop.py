"""Our whole bus loop: ``bench.poll.loop PORT BAUD POLLS`` prints a Poll."""

import json
import sys
from array import array
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Self

from bench.bus.plant import value
from bench.bus.sample import Sample, now
from bench.poll.plant import MAP, UNITS
from zerometer.config.map_library import MapLibrary
from zerometer.config.problems import Problems
from zerometer.core.points import LineSettings, MeterMap, PolledPoint, Reading
from zerometer.drivers.bus import BusLoop, BusNotice, UnitPlan
from zerometer.drivers.serial_line import SerialLine

#: So short that the line is never idle.
PERIOD_NS = 1_000_000
TIMEOUT_NS = 1_000_000_000
#: Polls that do not count: the loop learns the units' turnaround meanwhile.
WARM_POLLS = 3


@dataclass(frozen=True, slots=True)
class Poll:
    """What a full poll of all units cost, on average over *polls*.

    ``requests`` is how many it took; ``time_ns`` counts from the end of one reply
    to the end of the last, on the line. ``switches`` are voluntary.
    """

    polls: int
    requests: int
    time_ns: float
    cpu_ns: float
    switches: float

    def text(self) -> str:
        """Return it as one line for ``from_text``."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the poll in *text*."""
        return cls(**json.loads(text))


def meter_map() -> MeterMap:
    """Return the map of every unit."""
    problems = Problems()
    found = MapLibrary(problems, Path("no-maps")).find(MAP)
    problems.check()
    assert found is not None
    return found


class Audience:
    """Checks readings; polls are told apart by one of their replies."""

    def __init__(self, points: tuple[PolledPoint, ...], polls: int) -> None:
        self._points = points
        self._polls = polls
        self._begun = 0
        self._start_ns = 0
        self._cost: Sample | None = None
        self._taken = 0
        self.poll: Poll | None = None
        self.wrong: list[str] = []
        self.finished = Event()

    def deliver(self, reading: Reading) -> None:
        """Check a reading and count it."""
        unit = int(reading.meter)
        points = [self._points[index].point for index in reading.points]
        if reading.values != array("d", [value(unit, p.address) for p in points]):
            self.wrong.append(str(reading))
        if unit == UNITS[0] and 0 in reading.points:
            self._begin(reading.time_ns)
        self._taken += 1

    def _begin(self, time_ns: int) -> None:
        """Note the same reply of each poll: from one to the next is a full poll."""
        self._begun += 1
        if self._begun == WARM_POLLS:
            self._start_ns, self._taken = time_ns, 0
            self._cost = now(0)
        elif self._begun == WARM_POLLS + self._polls and self._cost is not None:
            cost = now(self._taken) - self._cost
            self.poll = Poll(
                polls=self._polls,
                requests=round(self._taken / self._polls),
                time_ns=(time_ns - self._start_ns) / self._polls,
                cpu_ns=cost.cpu_ns / self._polls,
                switches=cost.switches / self._polls,
            )
            self.finished.set()

    def notify(self, notice: BusNotice) -> None:
        """Remember what the loop complains of, but for the lack of time we made."""
        if notice.kind != "overload":
            self.wrong.append(notice.text)


def run(port: str, baud: int, polls: int) -> Poll:
    """Poll all units *polls* times."""
    settings = LineSettings(baud=baud)
    meters = meter_map()
    points = tuple(PolledPoint(point=p, period_ns=PERIOD_NS) for p in meters.points)
    audience = Audience(points, polls)
    loop = BusLoop(
        bus_id="bench",
        open_line=lambda: SerialLine(port, settings),
        line=settings,
        units=[
            UnitPlan(meter=str(unit), unit=unit, map=meters, points=points)
            for unit in UNITS
        ],
        deliver=audience.deliver,
        notify=audience.notify,
        timeout_ns=TIMEOUT_NS,
    )
    loop.start()
    audience.finished.wait()
    loop.stop()
    assert not audience.wrong, audience.wrong[:3]
    assert audience.poll is not None
    return audience.poll


if __name__ == "__main__":
    print(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).text())
