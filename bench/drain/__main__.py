"""Measure how a backlog drains: ``python -m bench.drain``.

A journal of real batches goes over HTTP to ``zerometer receive`` with SQLite, on this
machine; then once more with a bound on the rate. Exits with 1 when a budget is not
met.
"""

import sys
from pathlib import Path

from bench.budget import Budget, table
from bench.drain.batches import METERS, PERIOD_MS, POINTS
from bench.drain.run import Drain, drain
from bench.machine import description

RESULTS = Path(__file__).resolve().parent.parent / "results"
BATCHES = 1000
BOUNDED = 60
MAX_BYTES_PER_S = 100_000
SAMPLES_BUDGET = 200_000.0


def budgets(free: Drain, bounded: Drain) -> list[Budget]:
    """Return what was measured of each budget, and its limit."""
    rate = bounded.bytes / bounded.seconds
    return [
        Budget(
            "a backlog drains: us per sample (200,000 a second: 5)",
            1e6 / free.samples_per_s,
            1e6 / SAMPLES_BUDGET,
        ),
        Budget(
            "a backlog drains with max_rate 100 kB/s: bytes/s", rate, MAX_BYTES_PER_S
        ),
    ]


def report(free: Drain, bounded: Drain) -> str:
    """Return all figures as markdown."""
    rows = [
        f"| {name} | {one.batches} | {one.days:.1f} | {one.bytes / 1e6:.1f} "
        f"| {one.seconds:.1f} | {one.samples_per_s:,.0f} | "
        f"{one.bytes / one.seconds / 1000:,.0f} |"
        for name, one in (("none", free), ("100 kB/s", bounded))
    ]
    lines = [
        "# How a backlog drains",
        "",
        f"{description()}.",
        f"{METERS * POINTS} points every {PERIOD_MS // 1000} s, sealed each quarter",
        "hour; journal, uplink, HTTP over loopback, receiver with SQLite in a process",
        "of its own. Every value is counted in the database at the end.",
        "",
        "| max_rate | batches | days | MB | seconds | samples/s | kB/s |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        *table(budgets(free, bounded)),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    print(f"bench.drain: {description()}", flush=True)
    free = drain(BATCHES)
    print(free, flush=True)
    bounded = drain(BOUNDED, max_bytes_per_s=MAX_BYTES_PER_S)
    print(bounded, flush=True)
    print(text := report(free, bounded))
    (RESULTS / "drain.md").write_text(text, encoding="utf-8")
    return int(not all(budget.kept for budget in budgets(free, bounded)))


if __name__ == "__main__":
    sys.exit(main())
