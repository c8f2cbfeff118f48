"""What receiving costs: ``python -m bench.receiver``.

Exits with 1 when the budget is not met; leaves the figures in
``bench/results/receiver.md``. Needs the extras, and PostgreSQL's programs.
"""

import sys
import tempfile
from pathlib import Path

from bench.budget import Budget, table
from bench.drain.batches import SAMPLES, sealed
from bench.machine import ROOT, description

sys.path.insert(0, str(ROOT / "tests" / "support"))

from harness.postgres import postgres_server

from bench.receiver import loopback, stages
from bench.receiver.loopback import Loopback
from bench.receiver.stages import Stage

RESULTS = Path(__file__).resolve().parent.parent / "results" / "receiver.md"
BATCHES = 100
GROUP = 4
#: 200 000 samples a second.
SQLITE_BUDGET_US = 5.0


def measure(folder: Path) -> tuple[list[Stage], list[Loopback]]:
    """Measure everything; files go into *folder*."""
    batches = list(sealed(BATCHES, source=bytes(16), epoch=bytes(8)))
    found = stages.measure(batches, folder, GROUP)
    print(found, flush=True)
    over: list[Loopback] = []
    with postgres_server() as server, server.database() as url:
        for name, target in (
            ("SQLite", f"sqlite:{folder}/received.sqlite"),
            ("DuckDB", f"duckdb:{folder}/received.duckdb"),
            ("PostgreSQL", url),
        ):
            over.append(loopback.measure(name, target, batches, SAMPLES))
            print(over[-1], flush=True)
    return found, over


def report(found: list[Stage], over: list[Loopback]) -> str:
    """Return all figures as markdown."""
    count = BATCHES * SAMPLES
    lines = [
        "# What receiving costs",
        "",
        f"{description()}.",
        f"{BATCHES} batches of {SAMPLES:,} readings each (360 points, every 10 s, 15",
        "minutes); sender and receiver on this machine, each batch acknowledged when",
        "it is on the disk.",
        "",
        "| over loopback HTTP into | samples/s | peak memory, MB |",
        "|---|---|---|",
        *(f"| {o.target} | {o.samples_per_s:,.0f} | {o.peak_mb:.0f} |" for o in over),
        "",
        "PostgreSQL works in processes of its own, and on the same cores.",
        "",
        "| step | us of a core per sample |",
        "|---|---|",
        *(f"| {stage.name} | {1e6 * stage.seconds / count:.2f} |" for stage in found),
        "",
        *table(budgets(over)),
    ]
    return "\n".join(lines) + "\n"


def budgets(over: list[Loopback]) -> list[Budget]:
    """Return what was measured of each budget, and its limit."""
    return [
        Budget(
            "batches over loopback HTTP into SQLite: us per sample",
            1e6 / over[0].samples_per_s,
            SQLITE_BUDGET_US,
        )
    ]


def main() -> int:
    """Measure, print, keep; return 1 when the budget is not met."""
    print(f"bench.receiver: {description()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="zerometer-receiver-") as folder:
        found, over = measure(Path(folder))
    text = report(found, over)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0 if all(budget.kept for budget in budgets(over)) else 1


if __name__ == "__main__":
    sys.exit(main())
