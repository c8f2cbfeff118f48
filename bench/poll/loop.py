"""Our whole bus loop: ``bench.poll.loop PORT BAUD TURNAROUND_MS POLLS``."""

import json
import sys
from array import array
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event
from typing import Self

from bench.bus.plant import value
from bench.bus.sample import Sample, now
from bench.poll.plant import MAP, UNITS
from zerometer.config.map_library import MapLibrary
from zerometer.config.problems import Problems
from zerometer.core.meter_map import MeterMap
from zerometer.core.planner import plan_reads, transaction_ns
from zerometer.core.points import LineSettings, PolledPoint, Reading
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.notices import BusNotice
from zerometer.drivers.unit_plan import UnitPlan

#: So short that the line is never idle.
PERIOD_NS = 1_000_000
TIMEOUT_NS = 1_000_000_000
#: Polls that do not count: the loop learns the units' turnaround meanwhile.
WARM_POLLS = 3


@dataclass(frozen=True, slots=True)
class Poll:
    """What so many requests of full polls cost together.

    ``time_ns`` counts from the end of one reply to the end of the last, on the line;
    ``limit_ns`` is what the wire needs for them. ``switches`` are voluntary.
    """

    requests: int
    time_ns: int
    limit_ns: int
    cpu_ns: int
    switches: int

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
    # Polls are measured: nothing is asked but the points.
    return replace(found, identity=None, checks=())


def best_plan(baud: int, turnaround_ms: int) -> dict[tuple[int, ...], int]:
    """Return the requests of the best plan for a unit, the turnaround known.

    Each is named by its points, and has the time that the wire needs for it, in ns.
    """
    meters, line = meter_map(), LineSettings(baud=baud)
    turnaround_ns = turnaround_ms * 1_000_000
    return {
        block.points: transaction_ns(block.function, block.count, line, turnaround_ns)
        for block in plan_reads(meters.points, meters.limits, line, turnaround_ns)
    }


class Audience:
    """Checks readings, and that after a while all are those of the best *plan*."""

    def __init__(
        self,
        points: tuple[PolledPoint, ...],
        plan: dict[tuple[int, ...], int],
        polls: int,
    ) -> None:
        self._points = points
        self._plan = plan
        self._first = WARM_POLLS * len(UNITS) * len(plan)
        self._last = self._first + polls * len(UNITS) * len(plan)
        self._taken = 0
        self._limit_ns = 0
        self._start_ns = 0
        self._cost: Sample | None = None
        self._served = dict.fromkeys(UNITS, 0)
        self.poll: Poll | None = None
        self.wrong: list[str] = []
        self.finished = Event()

    def deliver(self, reading: Reading) -> None:
        """Check a reading and count it."""
        unit = int(reading.meter)
        points = [self._points[index].point for index in reading.points]
        if reading.values != array("d", [value(unit, p.address) for p in points]):
            self.wrong.append(str(reading))
        self._taken += 1
        if self._cost is None:
            if self._taken >= self._first:
                self._start_ns = reading.time_ns
                self._cost = now(self._taken)
            return
        if self._taken > self._last:
            return
        self._served[unit] += 1
        if reading.points not in self._plan:
            self.wrong.append(f"not of the best plan: {reading.points}")
        self._limit_ns += self._plan.get(reading.points, 0)
        if self._taken == self._last:
            self._finish(reading.time_ns, now(self._taken) - self._cost)

    def _finish(self, time_ns: int, cost: Sample) -> None:
        self.poll = Poll(
            requests=cost.transactions,
            time_ns=time_ns - self._start_ns,
            limit_ns=self._limit_ns,
            cpu_ns=cost.cpu_ns,
            switches=cost.switches,
        )
        # At most a cycle begun by some and not by others.
        spread = max(self._served.values()) - min(self._served.values())
        if spread > 2 * len(self._plan):
            self.wrong.append(f"units were not served evenly: {self._served}")
        self.finished.set()

    def notify(self, notice: BusNotice) -> None:
        """Remember what the loop complains of, but for the lack of time we made."""
        if notice.kind != "overload":
            self.wrong.append(notice.text)


def run(port: str, baud: int, turnaround_ms: int, polls: int) -> Poll:
    """Poll all units *polls* times."""
    settings = LineSettings(baud=baud)
    meters = meter_map()
    points = tuple(PolledPoint(point=p, period_ns=PERIOD_NS) for p in meters.points)
    audience = Audience(points, best_plan(baud, turnaround_ms), polls)
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
    print(run(sys.argv[1], *map(int, sys.argv[2:])).text())
