"""The network is back: what arrives when, and how fast the rest follows."""

import sqlite3
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bench.outage.times import Agent
from zerometer.agent.demo.processes import Process
from zerometer.agent.uplink.base import Answer, Batch, Sender
from zerometer.agent.uplink.schemes import open_sender
from zerometer.agent.uplink.worker import Uplink
from zerometer.core.site import STREAMS, Site

#: How long a drain is watched, and one with a cap.
DRAIN_S = 60.0
CAPPED_S = 15.0
CAP_BYTES_PER_S = 100_000
#: How often it is looked whether the newest batches are there.
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Drain:
    """What a receiver had after a while."""

    seconds: float
    live_s: float
    batches: int
    samples: int
    bytes: int


class Receiver:
    """A ``zerometer receive`` of its own, into a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / f"{name}.sqlite"
        self._process = Process(
            "receive", ["receive", "--to", str(self._file), "--port", "0"], folder
        )
        self.url = self._process.line().split()[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()

    def newest(self) -> dict[str, int]:
        """Return the last time in the batches of each stream, ms UTC."""
        return dict(self._ask("SELECT stream, max(t1_ms) FROM batch GROUP BY stream"))

    def taken(self) -> tuple[int, int]:
        """Return how many batches and samples it has."""
        ((batches, samples),) = self._ask(
            "SELECT count(*), coalesce(sum(samples), 0) FROM batch"
        )
        return batches, samples

    def _ask(self, query: str) -> list[tuple[int, int]]:
        uri = f"file:{self._file}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as database:
            return database.execute(query).fetchall()


class Counting:
    """A sender that counts the bytes it is given, on both lanes."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.address = sender.address
        self.bytes = 0

    def send(self, batch: Batch, timeout_s: float) -> Answer:
        """Count and send."""
        self.bytes += len(batch.data)
        return self._sender.send(batch, timeout_s)

    def abort(self) -> None:
        """Cut what is in progress."""
        self._sender.abort()

    def close(self) -> None:
        """Close the connection."""
        self._sender.close()


def _refused(batch: Batch, why: str) -> None:
    raise AssertionError(f"{batch.stream}/{batch.seq}: {why}")


def drain(site: Site, agent: Agent, folder: Path, *, cap: int, watch_s: float) -> Drain:
    """Connect the journal to a new receiver, and watch what arrives for a while."""
    name = f"cap-{cap}"
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver(folder, name))
        settings = replace(
            site.uplinks[0], id=name, url=receiver.url, max_bytes_per_s=cap
        )
        newest = {b.stream: b.t1_ms for b in agent.journal.newest(name)}
        assert set(newest) == set(STREAMS)
        sender = Counting(open_sender(settings, agent.journal.source))
        uplink = Uplink(
            settings,
            agent.journal,
            sender,
            event=print,
            reissue=_refused,
            draw=lambda: 0.0,  # no jitter, which is for many gateways at once
        )
        start = time.perf_counter()
        uplink.start()
        live_s = 0.0
        while (passed_s := time.perf_counter() - start) < watch_s:
            time.sleep(LOOK_S if not live_s else 1.0)
            if not live_s:
                here = receiver.newest()
                if all(here.get(s, 0) >= t1_ms for s, t1_ms in newest.items()):
                    live_s = time.perf_counter() - start
        batches, samples = receiver.taken()
        uplink.stop(1.0)
    return Drain(passed_s, live_s or passed_s, batches, samples, sender.bytes)
