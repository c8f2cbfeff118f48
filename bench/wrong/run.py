"""Let the whole bus loop read a line with one kind of trouble, and check all values."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from bench.bus.plant import UnpacedLine
from bench.wrong.troubles import TIMEOUT_NS, Trouble, faults
from bench.wrong.units import ADDRESSES, MAP, PLANNED, NumberedUnit
from zerometer.core.points import PolledPoint, Quality, Reading
from zerometer.drivers.bus import BusLoop
from zerometer.drivers.lines.serial_line import SerialLine
from zerometer.drivers.simulator.line import SimulatedLine
from zerometer.drivers.unit_plan import UnitPlan

UNITS = range(1, 9)
PERIOD_NS = 1_000_000
#: Longer than any run takes on a slow machine.
PATIENCE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Count:
    """What came of a trouble: requests that were heard, faults, values.

    ``extra`` are the requests that only a fault asked for: proofs and repetitions.
    """

    name: str
    requests: int
    faulty: int
    extra: int
    right: int
    missing: int
    wrong: int

    @property
    def extra_each(self) -> float:
        """Requests beyond those planned, for each faulty reply."""
        return self.extra / self.faulty if self.faulty else 0.0


class Audience:
    """Compares each value with the answer that its unit gave to the last request."""

    def __init__(self, units: dict[int, NumberedUnit]) -> None:
        self._units = units
        self.right = self.missing = self.wrong = 0

    def deliver(self, reading: Reading) -> None:
        """Count the values of *reading*."""
        unit = self._units[int(reading.meter)]
        if reading.qualities[0] == Quality.MISSING:
            self.missing += len(reading.values)
            return
        number = unit.number_at(reading.time_ns)
        for index, value in zip(reading.points, reading.values, strict=True):
            if value == unit.value(number, ADDRESSES[index]):
                self.right += 1
            else:
                self.wrong += 1


class Heard:
    """Counts the requests on the line, and tells when there were enough.

    A proof asks for another number of registers than any planned request.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self.requests = self.proofs = 0
        self.finished = Event()

    def tap(self, data: bytes) -> None:
        """Take what was written to the line: all of it whole requests."""
        assert len(data) == 8 and data[1] in range(1, 5), data
        self.requests += 1
        self.proofs += int.from_bytes(data[4:6], "big") not in PLANNED
        if self.requests >= self._enough:
            self.finished.set()


def count(trouble: Trouble, transactions: int) -> Count:
    """Return what came of so many *transactions* with *trouble*."""
    units = {unit: NumberedUnit() for unit in UNITS}
    heard = Heard(transactions)
    audience = Audience(units)
    settings = UnpacedLine()
    line = SimulatedLine(settings, units, turnaround_ns=0, paced=False, tap=heard.tap)
    line.echo(trouble.echo)
    counters = []
    for unit in units:
        counter, given = faults(trouble, unit)
        line.give(unit, *given)
        if counter is not None:
            counters.append(counter)
    with line:
        loop = _loop(line.port, settings, audience.deliver)
        loop.start()
        finished = heard.finished.wait(PATIENCE_S)
        loop.stop()
    assert finished, f"{trouble.name}: {heard.requests} requests in {PATIENCE_S:.0f} s"
    statistics = loop.statistics()
    return Count(
        name=trouble.name,
        requests=heard.requests,
        faulty=sum(counter.happened for counter in counters),
        extra=heard.proofs + sum(unit.retries for unit in statistics.units),
        right=audience.right,
        missing=audience.missing,
        wrong=audience.wrong,
    )


def _loop(
    port: str, settings: UnpacedLine, deliver: Callable[[Reading], None]
) -> BusLoop:
    points = tuple(PolledPoint(point=p, period_ns=PERIOD_NS) for p in MAP.points)
    return BusLoop(
        bus_id="bench",
        open_line=lambda: SerialLine(port, settings),
        line=settings,
        units=[
            UnitPlan(meter=str(unit), unit=unit, map=MAP, points=points)
            for unit in UNITS
        ],
        deliver=deliver,
        notify=lambda _notice: None,
        timeout_ns=TIMEOUT_NS,
    )
