"""What a fleet sends into: a real broker, real receivers, a real PostgreSQL."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from harness.broker import broker
from harness.fleet_gateways import SAMPLES, Run
from harness.nats_server import nats_server
from harness.postgres import PostgresServer
from harness.receiver_process import ReceiverProcess

BROKERS = ("mqtt", "nats")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class FleetPlant:
    """Receivers side by side, from one broker into one database."""

    def __init__(self, postgres: PostgresServer, database: str, url: str) -> None:
        self.url = url
        self._postgres = postgres
        self._database = database
        self._receivers: list[ReceiverProcess] = []

    def add_receiver(self) -> None:
        """Start one more."""
        self._receivers.append(ReceiverProcess(self._database, 0, "--from", self.url))

    def kill_receiver(self) -> None:
        """Kill the first one."""
        self._receivers.pop(0).end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop all in order."""
        while self._receivers:
            assert self._receivers.pop().end(signal.SIGTERM) == 0

    def receiver_cpu_s(self) -> float:
        """Return the time that all receivers have spent on processors."""
        return sum(cpu_s(receiver.pid) for receiver in self._receivers)

    def database_cpu_s(self) -> float:
        """Return the time that the database has spent, for whomever."""
        return sum(map(cpu_s, self._postgres.pids()))

    def check(self, run: Run) -> None:
        """Compare what was committed with what was sealed: no less, no more."""
        sealed = {
            (source, seq)
            for source, count in run.sealed.items()
            for seq in range(1, count + 1)
        }
        rows = self._ask(
            "SELECT source.uuid, seq FROM batch JOIN source ON source.id = batch.source"
        )
        assert len(rows) == len(sealed) == run.batches
        assert set(rows) == sealed
        ((samples,),) = self._ask("SELECT count(*) FROM sample")
        assert samples == run.batches * SAMPLES
        ((superseded,),) = self._ask("SELECT count(*) FROM superseded")
        assert superseded == 0

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._database) as connection:
            return connection.execute(statement.encode()).fetchall()


@contextmanager
def fleet_plant(
    folder: Path, kind: str, postgres: PostgresServer
) -> Iterator[FleetPlant]:
    """Run a broker of that *kind*, for receivers into a new database."""
    folder.mkdir(parents=True, exist_ok=True)
    with postgres.database() as database, _broker(folder, kind) as url:
        plant = FleetPlant(postgres, database, url)
        try:
            yield plant
        finally:
            plant.stop()


@contextmanager
def _broker(folder: Path, kind: str) -> Iterator[str]:
    if kind == "mqtt":
        with broker(folder) as port:
            yield f"mqtt://127.0.0.1:{port}"
    else:
        with nats_server(folder) as server:
            yield server.url


def cpu_s(pid: int) -> float:
    """Return the processor time of a process so far; 0 when it has gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()  # proc(5): utime and stime are 14 and 15
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S
