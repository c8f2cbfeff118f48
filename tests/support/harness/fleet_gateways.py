"""Simulated gateways: each seals batches of its own and sends them by a real uplink."""

import heapq
import random
import threading
from array import array
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import monotonic
from uuid import UUID

from zerometer.agent.batch import Column, Header, Table, batch_hash, encode
from zerometer.agent.uplink.base import Outcome, Sender
from zerometer.agent.uplink.schemes import open_sender
from zerometer.core.site import UplinkSettings

#: 2026-01-01T00:00:00Z
START_MS = 1_767_225_600_000
STREAM = "readings"
METERS, POINTS, ROWS = 10, 6, 6
STEP_MS = 10_000
SAMPLES = METERS * POINTS * ROWS
#: Threads of a process that send; each waits for its answer.
SENDING = 64
#: Gateways of one process: paho waits with select(), which knows 1024 descriptors,
#: and takes three of them.
CROWD = 250
TIMEOUT_S = 10.0
#: Until the same batch again, where an answer does not say when.
AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Sealed:
    """A batch as a journal hands it out."""

    stream: str
    position: int
    epoch: bytes
    seq: int
    data: bytes
    samples: int
    t1_ms: int


class FleetGateway:
    """One gateway: its values, its numbers, its uplink."""

    def __init__(self, number: int, url: str) -> None:
        self.source = UUID(int=number + 1).bytes
        self.sealed = 0  # batches, all acknowledged once the run is over
        self.batch: Sealed | None = None  # the one that is not acknowledged
        self._epoch = number.to_bytes(8, "big")
        self._prev: bytes | None = None
        self._random = random.Random(number)
        self._powers = [1000 * (meter + 1) for meter in range(METERS)]
        settings = UplinkSettings(id="fleet", url=url)
        self.sender: Sender = open_sender(settings, self.source)

    def seal(self) -> Sealed:
        """Return the next batch: a minute of its meters, at ten seconds."""
        first_ms = START_MS + self.sealed * ROWS * STEP_MS
        times = array("q", range(first_ms, first_ms + ROWS * STEP_MS, STEP_MS))
        self.sealed += 1
        header = Header(
            source=self.source,
            epoch=self._epoch,
            site=f"site {self.source.hex()[-4:]}",
            stream=STREAM,
            seq=self.sealed,
            t0_ms=times[0],
            t1_ms=times[-1],
            boot=self.source,
            prev=self._prev,
        )
        tables = [self._table(meter, times) for meter in range(METERS)]
        data = encode(header, tables)
        self._prev = batch_hash(data)
        self.batch = Sealed(
            STREAM, self.sealed, self._epoch, self.sealed, data, SAMPLES, times[-1]
        )
        return self.batch

    def _table(self, meter: int, times: "array[int]") -> Table:
        columns = [Column("time", "ms", 0, times)]
        for point in range(POINTS):
            values = array("q")
            for _ in times:
                self._powers[meter] += self._random.randint(-9, 9)
                values.append(self._powers[meter] + point)
            columns.append(Column(f"power_l{point}", "kW", -2, values))
        return Table(f"readings/meter-{meter}/power", columns)


@dataclass(slots=True)
class Run:
    """What a run came to; latencies are from when a batch was due to its answer."""

    #: Batches of each source (hexadecimal), all of them acknowledged.
    sealed: dict[str, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    #: Those of each gateway's first batch: it connects, and its series are made.
    first_s: list[float] = field(default_factory=list)
    #: When each batch was acknowledged, on a clock that all processes share.
    acked_s: list[float] = field(default_factory=list)
    again: Counter[str] = field(default_factory=Counter)  # why tries were in vain

    @property
    def batches(self) -> int:
        """Batches that were sent and acknowledged."""
        return len(self.acked_s)

    def add(self, other: "Run") -> None:
        """Take in what other gateways came to."""
        self.sealed |= other.sealed
        self.latencies_s += other.latencies_s
        self.first_s += other.first_s
        self.acked_s += other.acked_s
        self.again += other.again


def share_of(latencies_s: list[float], share: float) -> float:
    """Return the latency that *share* (0 to 1) of all do not exceed."""
    ordered = sorted(latencies_s)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def run_fleet(
    url: str, gateways: int, interval_s: float, time_s: float, joining_s: float
) -> Run:
    """Let *gateways* send to *url*, each a batch every *interval_s*, for *time_s*.

    They come one after the other within *joining_s*. Returns when all is
    acknowledged. They live in as many processes as they need.
    """
    crowds = -(-gateways // CROWD)
    run = Run()
    with ProcessPoolExecutor(crowds, get_context("spawn")) as pool:
        running = [
            pool.submit(_run_crowd, url, range(first, gateways, crowds), interval_s,
                        [n * joining_s / gateways
                         for n in range(first, gateways, crowds)], time_s)
            for first in range(crowds)
        ]  # fmt: skip
        for crowd in running:
            run.add(crowd.result())
    return run


def _run_crowd(
    url: str, numbers: range, interval_s: float, joining_s: list[float], time_s: float
) -> Run:
    crowd = _Crowd([FleetGateway(number, url) for number in numbers], interval_s)
    return crowd.send(joining_s, time_s)


class _Crowd:
    """The gateways of one process; each sends a batch every *interval_s*."""

    def __init__(self, gateways: Sequence[FleetGateway], interval_s: float) -> None:
        self._gateways = gateways
        self._interval_s = interval_s
        self._changed = threading.Condition()
        self._due: list[tuple[float, int]] = []
        self._since: dict[int, float] = {}  # when a gateway's batch was due
        self._sending = 0
        self._end_s = 0.0
        self.run = Run()

    def send(self, joining_s: list[float], time_s: float) -> Run:
        """Send for *time_s*, each from its time on, then until all is acknowledged."""
        start_s = monotonic()
        self._end_s = start_s + time_s
        self._due = [(start_s + join_s, n) for n, join_s in enumerate(joining_s)]
        with ThreadPoolExecutor(SENDING, "fleet") as pool:
            sends = []
            while (number := self._next()) is not None:
                sends.append(pool.submit(self._send_one, number))
            for done in sends:
                done.result()
            list(pool.map(lambda gateway: gateway.sender.close(), self._gateways))
        self.run.sealed = {g.source.hex(): g.sealed for g in self._gateways}
        return self.run

    def _next(self) -> int | None:
        """Return which gateway is due, as soon as one is; None when all is done."""
        with self._changed:
            while self._due or self._sending:
                wait_s = self._due[0][0] - monotonic() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    due_s, number = heapq.heappop(self._due)
                    self._since.setdefault(number, due_s)
                    self._sending += 1
                    return number
                self._changed.wait(wait_s)
            return None

    def _send_one(self, number: int) -> None:
        gateway = self._gateways[number]
        try:
            answer = gateway.sender.send(gateway.batch or gateway.seal(), TIMEOUT_S)
            # Anything else than patience would be a fault of the run.
            assert answer.outcome in {Outcome.ACCEPTED, Outcome.RETRY}, answer
            with self._changed:
                if answer.outcome is Outcome.ACCEPTED:
                    self._accepted(number, gateway)
                else:
                    self.run.again[answer.reason] += 1
                    wait_s = max(answer.retry_after_s, AGAIN_S)
                    heapq.heappush(self._due, (monotonic() + wait_s, number))
        finally:
            with self._changed:
                self._sending -= 1
                self._changed.notify()

    def _accepted(self, number: int, gateway: FleetGateway) -> None:
        due_s = self._since.pop(number)
        kept = self.run.first_s if gateway.sealed == 1 else self.run.latencies_s
        now_s = monotonic()
        kept.append(now_s - due_s)
        self.run.acked_s.append(now_s)
        gateway.batch = None
        if due_s + self._interval_s < self._end_s:
            heapq.heappush(self._due, (due_s + self._interval_s, number))
