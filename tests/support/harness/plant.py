"""The whole chain as real processes, for tests that kill parts of it."""

import json
import random
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from harness.relay import relay
from reference.frame import with_crc

from zerometer.agent.demo.processes import Process, boottime_offset_ns
from zerometer.agent.demo.scene import write_site
from zerometer.agent.journal_tools.contents import read_batches

#: Most that a request may ask for, by function.
MOST = {1: 2000, 2: 2000, 3: 125, 4: 125}


def only_reads(tapped: str) -> bool:
    """Whether all that the lines of *tapped* have heard were reads of one unit.

    There is no request in two pieces on a line; a Modbus TCP gateway hears requests
    with a header, and without a checksum.
    """
    lines = [json.loads(line) for line in tapped.splitlines()]
    return bool(lines) and all(_reads(bytes.fromhex(row["bytes"])) for row in lines)


def _reads(heard: bytes) -> bool:
    frames = [heard[i : i + 8] for i in range(0, len(heard), 8)]
    if all(frame == with_crc(frame[:6]) for frame in frames):
        return all(map(_read, frames))
    frames = [heard[i : i + 12] for i in range(0, len(heard), 12)]
    return all(f[2:6] == b"\0\0\0\6" and _read(f[6:]) for f in frames)


def _read(request: bytes) -> bool:
    count = int.from_bytes(request[4:6], "big")
    return request[0] > 0 and 1 <= count <= MOST.get(request[1], 0)


class Plant:
    """A receiver and a simulated factory that run; an agent that comes and goes."""

    def __init__(
        self,
        folder: Path,
        *,
        replace: dict[str, str],
        factory: bool = True,
        options: Sequence[str] = (),
        brokers: Sequence[str] = (),
        network: random.Random | None = None,
    ) -> None:
        """*replace* maps patterns to what replaces them in the demo's site file.

        *brokers* are addresses from which the receiver takes batches, too. With
        *network* there is a bad one before it, which loses by chance.

        Without *factory* there is none before ``start_factory``; *options* are what
        else the simulator is told.
        """
        self._folder = folder
        self._replace = replace
        self._with_factory = factory
        self._options = options
        self._brokers = brokers
        self._network = network
        self._factory: Process | None = None
        self._stack = ExitStack()
        self.site = folder / "site.toml"
        self.journal = folder / "journal"
        self.database = folder / "received.sqlite"
        self.served = folder / "served.jsonl"
        self.tapped = folder / "tapped.jsonl"

    def __enter__(self) -> Self:
        url = self._start_receiver(0)
        self._port = urlsplit(url).port or 0
        if self._network is not None:
            between = self._stack.enter_context(relay(self._port, self._network))
            url = url.replace(f":{self._port}/", f":{between.port}/")
        write_site(self.site, uplink=url, page_port=0)
        text = self.site.read_text()
        for pattern, replacement in self._replace.items():
            text, count = re.subn(pattern, replacement, text)
            assert count, f"{pattern} is not in the demo's site file"
        self.site.write_text(text)
        if self._with_factory:
            self.start_factory()
        return self

    def _start_receiver(self, port: int) -> str:
        """Start it; return its address once it listens."""
        self._receiver = self._process(
            *("receive", "--to", str(self.database), "--port", str(port)),
            *(f"--from={url}" for url in self._brokers),
        )
        return self._receiver.line()

    def kill_receiver(self, away_s: float = 0.0) -> None:
        """Kill the receiver, and start it again after a time, where it was."""
        self._receiver.kill()
        time.sleep(away_s)
        self._start_receiver(self._port)

    def start_factory(self) -> None:
        """Connect the meters."""
        self._factory = self._process(
            "simulate",
            *(str(self.site), "--served", str(self.served)),
            *("--tap", str(self.tapped), *self._options),
        )
        self._factory.line()

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _process(self, *arguments: str) -> Process:
        process = Process(arguments[0], list(arguments), self._folder)
        return self._stack.enter_context(process)

    def agent(self) -> Process:
        """Start the agent; it is ready once it has printed a line."""
        return self._process("run", str(self.site))

    def finish(self) -> None:
        """Stop receiver and factory, so that their files are complete.

        Nothing but read requests may have been written to any bus.
        """
        self._receiver.stop()
        if self._factory is not None:
            self._factory.stop()
            assert only_reads(self.tapped.read_text())

    def rows(self, query: str) -> list[Any]:
        """Return what the receiver has."""
        database = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()

    def journalled(self) -> dict[tuple[str, int], bytes]:
        """Return the data of every batch in the agent's journal, by stream and seq."""
        return {
            (kept.stream, kept.seq): kept.data for kept in read_batches(self.journal)
        }

    def windows(self, length: str) -> dict[int, dict[str, int]]:
        """Return the cells of the receiver's windows, by start in ms."""
        found: dict[int, dict[str, int]] = defaultdict(dict)
        for start, place, quantity, booked in self.rows(
            "SELECT t_ms, place, quantity, booked FROM ledger"
            f" WHERE \"window\" = '{length}'"
        ):
            found[start][f"{place}:{quantity}" if quantity else place] = booked
        return dict(found)

    def served_gain(self, meter: str, point: str, t0_ms: int, t1_ms: int) -> float:
        """Return what a counter gained between the answers to two readings."""
        offset_ns = boottime_offset_ns()
        first = last = None
        for line in self.served.read_text().splitlines():
            row = json.loads(line)
            if (row["meter"], row["point"]) == (meter, point):
                time_ms = (row["t"] + offset_ns) // 1_000_000
                first = row["value"] if time_ms <= t0_ms else first
                last = row["value"] if time_ms <= t1_ms else last
        assert first is not None
        assert last is not None
        return float(last - first)
