"""What a day writes to the card: ``python -m bench.card``.

360 points, each once a second, go through the agent's pipeline into a journal in real
files, with the settings that a site has if it states none: rows become durable each
minute, batches are sealed each quarter of an hour. Counted is what the process hands
to write calls (``wchar`` of /proc/self/io), and what the kernel then takes for the
disk (``write_bytes``), which is 0 where files are in memory. Exits with 1 when the
budget is not met; leaves the figures in ``bench/results/card.md``.
"""

import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from bench.budget import Budget, table
from bench.machine import description
from bench.wire.factory import MIXED, START_NS, readings, site
from zerometer.agent.batch import decode
from zerometer.agent.clock import Clock
from zerometer.agent.events import EventLog
from zerometer.agent.journal import Journal
from zerometer.agent.pipeline import Pipeline
from zerometer.core.site import STREAMS

RESULTS = Path(__file__).resolve().parent.parent / "results" / "card.md"
SECOND_NS = 1_000_000_000
MEASURED_S = 4 * 3600
DAY_S = 86_400
POINTS = 360
BUDGET_MB = 100.0


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: *calls* bytes in calls, *disk* bytes taken for the disk."""

    calls: int
    disk: int
    batches: int
    batch_bytes: int
    samples: int

    def less(self, before: "Written") -> "Written":
        """Return what came since *before*."""
        return Written(
            self.calls - before.calls,
            self.disk - before.disk,
            self.batches - before.batches,
            self.batch_bytes - before.batch_bytes,
            self.samples - before.samples,
        )


class Receiver:
    """Acknowledges what is durable, as an uplink does, and counts it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.batches = self.bytes = self.samples = 0

    def take(self) -> None:
        """Take all that there is."""
        while found := self._journal.oldest("up"):
            for batch in found:
                if batch.stream == "readings":
                    assert decode(batch.data).header.seq == batch.seq
                self.batches += 1
                self.bytes += len(batch.data)
                self.samples += batch.samples
                self._journal.acknowledge("up", batch)

    def written(self) -> Written:
        """Return what this process wrote, once all is in the files."""
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
        told = {name: int(number) for name, number in (ln.split(": ") for ln in lines)}
        return Written(
            told["wchar"],
            told["write_bytes"] - told["cancelled_write_bytes"],
            self.batches,
            self.bytes,
            self.samples,
        )


def measure(folder: Path) -> Written:
    """Let an agent live in *folder* for MEASURED_S; return what it wrote.

    Up to the end of the journal, when what still is in WALs goes into its files: a
    batch is written to both, the second time hours later.
    """
    plain = site(MIXED)
    factory = replace(plain, journal=replace(plain.journal, path=str(folder)))
    assert sum(len(meter.points) for meter in plain.meters) >= POINTS
    now_ns = START_NS
    clock = Clock(
        boottime_ns=lambda: now_ns,
        realtime_ns=lambda: now_ns,
        kernel_synchronised=lambda: True,
    )
    with closing(
        Journal.open(folder, factory.journal, uplinks={"up": STREAMS})
    ) as journal:
        pipeline = Pipeline(factory, journal, journal.resume(), clock, EventLog())
        receiver = Receiver(journal)
        before = receiver.written()
        made = readings(factory, seconds=MEASURED_S, period_s=1)
        for second, group in groupby(
            made, lambda reading: (reading.time_ns - START_NS) // SECOND_NS
        ):
            for reading in group:
                pipeline.deliver(reading)
            now_ns = START_NS + (second + 1) * SECOND_NS
            pipeline.tick(now_ns)
            if second % 60 == 0:
                receiver.take()
    return receiver.written().less(before)


def report(written: Written, budgets: list[Budget]) -> str:
    """Return the figures as markdown."""
    days = MEASURED_S / DAY_S
    lines = [
        "# What a day writes to the card",
        "",
        f"{description()}.",
        f"{POINTS} points of 30 meters, each once a second, through pipeline and",
        "journal into files, all of it acknowledged; commit 1 min, seal 15 min.",
        f"{MEASURED_S // 3600} h were measured, with the checkpoints at their end,",
        "and are stated for a day. What a file system writes for itself is not in it.",
        "",
        "| | MB a day |",
        "|---|---|",
        f"| handed to write calls | {written.calls / days / 1e6:.1f} |",
        f"| taken by the kernel for the disk | {written.disk / days / 1e6:.1f} |",
        f"| sealed batches | {written.batch_bytes / days / 1e6:.1f} |",
        "",
        f"{written.samples / MEASURED_S:.0f} samples a second, "
        f"{written.batches / MEASURED_S * 3600:.0f} batches an hour.",
        "",
        *table(budgets),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, keep; return 1 when the budget is not met."""
    print(f"bench.card: {description()}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        written = measure(Path(name))
    assert written.samples >= POINTS * (MEASURED_S - 3600)
    budget = Budget(
        "360 points at 1 s: MB a day in write calls",
        written.calls / MEASURED_S * DAY_S / 1e6,
        BUDGET_MB,
    )
    text = report(written, [budget])
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return int(not budget.kept)


if __name__ == "__main__":
    sys.exit(main())
