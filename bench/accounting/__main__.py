"""What accounting costs: ``python -m bench.accounting``.

Exits with 1 when a budget is not met; leaves the figures in
``bench/results/accounting.md``. Needs NumPy and pandas (``pip install .[bench]``), and
4 GB of room for temporary files.
"""

import sys
import tempfile
from dataclasses import dataclass
from math import isclose
from pathlib import Path

from bench.accounting import throughput, tick, year
from bench.accounting.throughput import Throughput
from bench.accounting.tick import Tick
from bench.accounting.year import Replay
from bench.budget import Budget, table
from bench.machine import description

RESULTS = Path(__file__).resolve().parent.parent / "results" / "accounting.md"

READING_BUDGET_US = 0.5  # 2 million readings a second of a core
TICK_BUDGET_MS = 0.2
LOOP_BUDGET_MS = 5.0
JOURNAL_BUDGET_S = 60.0
CSV_BUDGET = 1.5  # times what Python's csv.reader alone takes


@dataclass(frozen=True, slots=True)
class Results:
    """All that was measured."""

    throughput: Throughput
    factory: Tick
    ring: Tick
    journal: Replay
    csv: Replay
    bare_csv_s: float


def measure(folder: Path) -> Results:
    """Measure everything; files go into *folder*."""
    speed = throughput.measure(folder)
    print(speed, flush=True)
    factory = tick.measure(folder, tick.factory())
    ring = tick.measure(folder, tick.ring(128))
    print(factory, ring, flush=True)
    site = folder / "year.toml"
    site.write_text(year.site_text(folder / "journal"), encoding="utf-8")
    made = year.Year()
    year.write_journal(made, site, folder / "journal")
    journal = year.replay(site, folder / "journal")
    print(journal, flush=True)
    year.write_csv(made, folder / "year.csv")
    bare_s = year.bare_csv_s(folder / "year.csv")
    csv = year.replay(site, folder / "year.csv")
    print(csv, bare_s, flush=True)
    for replay in (journal, csv):
        assert isclose(replay.kwh, made.lines_kwh(), rel_tol=1e-9), replay.kwh
    return Results(speed, factory, ring, journal, csv, bare_s)


def budgets(results: Results) -> list[Budget]:
    """Return what was measured of each budget, and its limit."""
    return [
        Budget(
            "100 meters, registers to windows: us of a core per reading",
            1e6 / results.throughput.ours,
            READING_BUDGET_US,
        ),
        Budget(
            "tick of 120 meters, 40 pools, 12 sources: ms",
            1e3 * results.factory.seconds,
            TICK_BUDGET_MS,
        ),
        Budget(
            "tick of 128 pools in one loop: ms",
            1e3 * results.ring.seconds,
            LOOP_BUDGET_MS,
        ),
        Budget(
            "replay of a year of 100 points a minute, journal: s of a core",
            results.journal.cpu_s,
            JOURNAL_BUDGET_S,
        ),
        Budget(
            "the same from CSV, of what Python's csv.reader alone takes",
            results.csv.cpu_s / results.bare_csv_s,
            CSV_BUDGET,
        ),
    ]


def report(results: Results) -> str:
    """Return all figures as markdown."""
    speed = results.throughput
    lines = [
        "# What accounting costs",
        "",
        f"{description()}.",
        "All results were compared with each other, to 1e-9.",
        "",
        "## Readings a second of a core",
        "",
        "100 meters, 8 pools, 6 sources, 2 batteries; power each second, two counters",
        f"every ten: {speed.readings:,} readings of an hour, from the registers of",
        "their replies to windows of integers that balance.",
        "",
        "| | readings/s | Zerometer, times as fast |",
        "|---|---|---|",
        f"| Zerometer | {speed.ours:,.0f} | |",
        f"| plain Python | {speed.plain:,.0f} | {speed.ours / speed.plain:.1f} |",
        f"| pandas and NumPy | {speed.pandas:,.0f} | {speed.ours / speed.pandas:.2f} |",
        "",
        "The other two know this site's tree, that nothing is missing, late or reset,",
        "and (pandas) the whole hour before it begins.",
        "",
        "## A year of 100 points a minute",
        "",
        f"{year.READINGS:,} readings through `zerometer replay`, in one process.",
        "",
        "| from | CPU, s | elapsed, s | readings/s of a core | peak memory, MB |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {replay.cpu_s:.1f} | {replay.wall_s:.1f} "
            f"| {year.READINGS / replay.cpu_s:,.0f} | {replay.peak_mb:.0f} |"
            for name, replay in (("a journal", results.journal), ("CSV", results.csv))
        ),
        "",
        f"Python's `csv.reader` alone would take {results.bare_csv_s:.1f} s.",
        "",
        *table(budgets(results)),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    print(f"bench.accounting: {description()}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        results = measure(Path(name))
    text = report(results)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return int(not all(budget.kept for budget in budgets(results)))


if __name__ == "__main__":
    sys.exit(main())
