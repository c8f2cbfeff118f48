"""Runs of a fleet: how fast, how late, and what each gateway costs."""

import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bench.machine import ROOT

sys.path.insert(0, str(ROOT / "tests" / "support"))

from harness.fleet_gateways import SAMPLES, Run, run_fleet, share_of
from harness.fleet_plant import BROKERS, FleetPlant, fleet_plant
from harness.postgres import PostgresServer, postgres_server

__all__ = [
    "BROKERS",
    "INTERVAL_S",
    "JOINING_S",
    "SAMPLES",
    "Result",
    "measure",
    "postgres_server",
]

#: Each gateway sends so often: a minute of its readings, twice as fast.
INTERVAL_S = 30.0
#: Within which all gateways come, and are heard of for the first time.
JOINING_S = 60.0
#: Costs are read from then on: all are known, and run evenly.
EVEN_S = JOINING_S + 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run came to; ``*_cpu_ms`` are for each gateway and minute."""

    broker: str
    gateways: int
    batches: int
    again: int
    samples_per_s: float
    median_s: float
    p99_s: float
    longest_s: float
    first_p99_s: float
    receiver_cpu_ms: float
    database_cpu_ms: float


class Meter:
    """Reads what receivers and database have cost, at two moments of a run."""

    def __init__(self, plant: FleetPlant, begin_s: float, end_s: float) -> None:
        self._plant = plant
        self._readings: list[tuple[float, float, float]] = []
        self._timers = [threading.Timer(s, self._read) for s in (begin_s, end_s)]
        for timer in self._timers:
            timer.start()

    def _read(self) -> None:
        plant = self._plant
        self._readings.append(
            (monotonic(), plant.receiver_cpu_s(), plant.database_cpu_s())
        )

    def costs_ms(self) -> tuple[float, float]:
        """Return what receivers and database cost in a minute, ms."""
        (begin_s, *begin), (end_s, *end) = self._both()
        scale = 60_000 / (end_s - begin_s)
        return (end[0] - begin[0]) * scale, (end[1] - begin[1]) * scale

    def samples_per_s(self, run: Run) -> float:
        """Return how many samples were acknowledged between the moments."""
        (begin_s, *_), (end_s, *_) = self._both()
        acked = sum(begin_s <= moment < end_s for moment in run.acked_s)
        return acked * SAMPLES / (end_s - begin_s)

    def _both(self) -> list[tuple[float, float, float]]:
        for timer in self._timers:
            timer.join()
        return self._readings


def measure(
    broker: str, gateways: int, time_s: float, postgres: PostgresServer, kill: bool
) -> Result:
    """Run a fleet for *time_s*; with *kill*, one of two receivers dies at half time.

    AssertionError when anything was lost or doubled.
    """
    with (
        TemporaryDirectory() as folder,
        fleet_plant(Path(folder), broker, postgres) as plant,
    ):
        plant.add_receiver()
        plant.add_receiver()
        meter = Meter(plant, EVEN_S, (time_s / 2 if kill else time_s) - 1)
        if kill:
            killer = threading.Timer(time_s / 2, plant.kill_receiver)
            killer.start()
        run = run_fleet(plant.url, gateways, INTERVAL_S, time_s, JOINING_S)
        if kill:
            killer.join()
        plant.check(run)
    receiver_ms, database_ms = meter.costs_ms()
    return Result(
        broker=broker,
        gateways=gateways,
        batches=run.batches,
        again=run.again.total(),
        samples_per_s=meter.samples_per_s(run),
        median_s=share_of(run.latencies_s, 0.5),
        p99_s=share_of(run.latencies_s, 0.99),
        longest_s=max(run.latencies_s),
        first_p99_s=share_of(run.first_s, 0.99),
        receiver_cpu_ms=receiver_ms / gateways,
        database_cpu_ms=database_ms / gateways,
    )
