"""Fill a journal, then let an uplink drain it into a receiver's database."""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.drain.batches import PERIOD_MS, ROWS, SAMPLES, sealed
from zerometer.agent.batch import peek
from zerometer.agent.demo.processes import Process
from zerometer.agent.journal import Commit, Journal, SealedBatch
from zerometer.agent.uplink.schemes import open_sender
from zerometer.agent.uplink.worker import Uplink
from zerometer.core.site import JournalSettings, UplinkSettings

#: Batches of one commit while the journal is filled.
TOGETHER = 50


@dataclass(frozen=True, slots=True)
class Drain:
    """What a drain of so many *batches* took."""

    batches: int
    bytes: int
    seconds: float

    @property
    def samples_per_s(self) -> float:
        """Values that arrived each second."""
        return self.batches * SAMPLES / self.seconds

    @property
    def days(self) -> float:
        """How long a gateway measures for as many batches."""
        return self.batches * ROWS * PERIOD_MS / 86_400_000


def drain(batches: int, *, max_bytes_per_s: int = 0) -> Drain:
    """Drain a journal of so many *batches*; check that all arrived, and once."""
    with (
        tempfile.TemporaryDirectory() as name,
        _journal(Path(name), batches) as journal,
        Process(
            "receive", ["receive", "--to", "x.sqlite", "--port", "0"], Path(name)
        ) as receiver,
    ):
        settings = UplinkSettings(
            id="main", url=receiver.line(), max_bytes_per_s=max_bytes_per_s
        )
        size = sum(len(batch.data) for batch in journal.oldest("main", batches))
        seconds = _send_all(settings, journal, batches)
        receiver.stop()
        with closing(sqlite3.connect(Path(name) / "x.sqlite")) as database:
            (arrived,) = database.execute("SELECT count(*) FROM batch").fetchone()
            (values,) = database.execute("SELECT count(*) FROM sample").fetchone()
        assert (arrived, values) == (batches, batches * SAMPLES), (arrived, values)
        return Drain(batches, size, seconds)


def _send_all(settings: UplinkSettings, journal: Journal, batches: int) -> float:
    """Return how many seconds pass until the last batch is acknowledged."""
    done = threading.Event()
    uplink = Uplink(
        settings,
        journal,
        open_sender(settings, journal.source),
        event=print,
        reissue=print,
        draw=lambda: 0.0,  # what spreads a fleet would only be waited for
    )
    start_s = time.monotonic()
    uplink.start()
    while uplink.state().sent_batches < batches:
        done.wait(0.01)
    seconds = time.monotonic() - start_s
    uplink.stop(1.0)
    return seconds


@contextmanager
def _journal(folder: Path, batches: int) -> Iterator[Journal]:
    """Open a journal that holds so many batches for the uplink ``main``."""
    settings = JournalSettings(path=str(folder / "journal"), min_free_bytes=0)
    journal = Journal.open(
        folder / "journal", settings, uplinks={"main": ("readings",)}
    )
    with closing(journal):
        waiting: list[SealedBatch] = []
        for data in sealed(batches, source=journal.source, epoch=journal.epoch):
            header = peek(data)
            waiting.append(
                SealedBatch(
                    stream=header.stream, seq=header.seq, data=data,
                    t0_ms=header.t0_ms, t1_ms=header.t1_ms, samples=header.samples,
                )
            )  # fmt: skip
            if len(waiting) == TOGETHER or header.seq == batches:
                journal.append(Commit(state=b"", sealed=waiting)).result()
                waiting = []
        yield journal
