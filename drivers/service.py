"""What is done on a bus in each turn: its unit is read, interviewed, proved or probed.

While the line works, one request after the other goes out, most urgent first; what
does not answer is given up early, drained, proved and finally probed, so that the
others keep their rate.
"""

from collections.abc import Callable, Container, Sequence
from time import monotonic_ns

from zerometer.core.errors import LineError
from zerometer.core.points import Reading
from zerometer.drivers.failures import Failures
from zerometer.drivers.handover import Handover
from zerometer.drivers.health import ProbeBudget
from zerometer.drivers.interviewer import Interviewer
from zerometer.drivers.lines.line import Master
from zerometer.drivers.load import Load
from zerometer.drivers.notices import Notices
from zerometer.drivers.port import Port
from zerometer.drivers.prober import Prober
from zerometer.drivers.queue import Queue
from zerometer.drivers.reader import Reader
from zerometer.drivers.series import Series
from zerometer.drivers.unit import Unit


class Service:
    """Serves the *units* of one bus on *port*, series of at most *series_reads*."""

    def __init__(
        self,
        *,
        bus_id: str,
        port: Port,
        units: Sequence[Unit],
        series_reads: int,
        notices: Notices,
        deliver: Callable[[Reading], None],
        boot_ns: Callable[[], int],
    ) -> None:
        self._port = port
        self._units = units
        self._series_reads = series_reads
        self._notices = notices
        self._port_lost = False
        self.handover = Handover(bus_id, notices, deliver, boot_ns)
        self.load = Load(bus_id, units, notices)
        budget = ProbeBudget()
        failures = Failures(port, self.handover)
        self._queue = Queue(units, port, budget)
        self._reader = Reader(self.handover, failures, budget)
        self._prober = Prober(self.handover, failures, budget)
        self._interviewer = Interviewer(self.handover, failures)

    def begin(self) -> None:
        """Give every unit its first turn."""
        self._queue.begin()

    def serve(self, now_ns: int) -> int:
        """Do the most urgent things; return when there is something to do again."""
        if self._port.exchange is None and now_ns >= self._port.retry_ns:
            self._open(now_ns)
        number = self._queue.take(now_ns)
        if number is not None:
            self._serve(number, now_ns)
            return now_ns
        wake_ns = self._queue.next_release_ns
        if self._port.exchange is None:
            wake_ns = min(wake_ns, self._port.retry_ns)
        if wake_ns > now_ns:
            self.load.idle()
        return wake_ns

    def _serve(self, number: int, now_ns: int) -> None:
        unit = self._units[number]
        self.load.begin_due(unit, now_ns)
        exchange = self._port.exchange
        down = unit.health.down
        if exchange is None or (down and now_ns < self._queue.probe_ns(unit)):
            self.handover.skip(unit)
            self._queue.put(number)
        elif down:
            self._probe(exchange, number, now_ns)
        elif unit.proof.failing and self._queue.rests(unit, now_ns):
            self.handover.cycle_failed(unit)
            self._queue.put(number)
        elif unit.proof.wanted:
            there = self._prober.prove(exchange, unit)
            self._conclude([number], there, {unit})
        elif unit.interview and not unit.trusted:
            there = self._interviewer.meet(exchange, unit, unit.interview)
            self._conclude([number], there)
        else:
            self._read(exchange, number, now_ns)

    def _probe(self, exchange: Master, number: int, now_ns: int) -> None:
        """Probe unit *number*, which is down."""
        unit = self._units[number]
        alone = self._queue.all_fail_but(unit)
        there = self._prober.probe(exchange, unit)
        if alone and there and not unit.health.down:
            # It was the line that was down: the others are back, too.
            self._queue.hasten_probes(now_ns)
        self._conclude([number], there)

    def _read(self, exchange: Master, first: int, now_ns: int) -> None:
        """Read what is due at unit *first* and, if there is time, at the next ones.

        The series is over by the time when something more urgent may become due.
        """
        series = Series(now_ns, self._series_reads)
        series.end_ns = min(series.end_ns, self._queue.next_release_ns)
        served = [first]
        more = self._reader.gather(series, self._units[first], now_ns)
        while more:
            number = self._queue.take(now_ns)
            if number is None:
                break
            unit = self._units[number]
            self.load.begin_due(unit, now_ns)
            if unit.health.down or unit.proof.wanted or not unit.trusted:
                self._queue.put_back(number)
                break
            for other in served:
                again_ns, deadline_ns = self._units[other].next_cycle_ns
                if deadline_ns < unit.deadline_ns:
                    series.end_ns = min(series.end_ns, again_ns)
            served.append(number)
            more = self._reader.gather(series, unit, now_ns)
        there = not series.turns or self._reader.run(exchange, series)
        self._conclude(served, there, series.unfinished)

    def _conclude(
        self, served: list[int], there: bool, unfinished: Container[Unit] = ()
    ) -> None:
        """Give who was *served* new turns, before all others who is *unfinished*."""
        exchange = self._port.exchange
        if not there:
            now_ns = monotonic_ns()
            self._tell_lost(f"port is gone: {self._port.lose(now_ns)}")
            for number in served:
                self.handover.skip(self._units[number])
        elif self._port_lost and exchange is not None and exchange.heard_ns:
            # Some connect, and are gone again before anything was heard.
            self._port_lost = False
            self._notices.say("port-back", "", "port is back")
        first = []
        for number in served:
            unit = self._units[number]
            if unit in unfinished and unit.pending:
                first.append(number)
            else:
                self._queue.put(number)
        for number in reversed(first):
            self._queue.put_first(number)

    def _open(self, now_ns: int) -> None:
        try:
            self._port.open(now_ns)
        except LineError as error:
            self._tell_lost(str(error))
            return
        for unit in self._units:
            if unit.connect_delay_ns:
                unit.ready_ns = monotonic_ns() + unit.connect_delay_ns
            if self._port_lost:
                # Nobody knows what hangs on the line by now.
                unit.came_back(now_ns)
        self._queue.begin()

    def _tell_lost(self, text: str) -> None:
        if not self._port_lost:
            self._port_lost = True
            self._notices.say("port-lost", "", text)
