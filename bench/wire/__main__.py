"""What a sample costs on the wire: ``python -m bench.wire``.

Exits with 1 when a budget is not met; leaves the figures in ``bench/results/wire.md``.
Needs pcodec and zstandard (``pip install .[bench]``).
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.budget import Budget, table
from bench.machine import description
from bench.wire import factory, noise, speed
from bench.wire.formats import FORMATS, HEADER
from bench.wire.speed import Speed
from zerometer.agent.batch import Table, encode, peek

RESULTS = Path(__file__).resolve().parent.parent / "results" / "wire.md"
SECONDS = 900
PERIODS_S = (1, 10, 60)
#: Bytes per sample at most, by period.
BUDGETS = {1: 0.6, 60: 1.1}
#: Nanoseconds per sample: 20 million a second of a core.
COLUMN_BUDGET_NS = 50.0
#: A fifth of what the way through a receiver may take, 200 000 samples a second.
OPEN_BUDGET_NS = 1000.0

SITES = {
    "factory, 30 SDM630": factory.FLOATS,
    "factory, maps of the demo": factory.MIXED,
}
NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Case:
    """Tables of a quarter of an hour, and how many samples they hold."""

    name: str
    period_s: int
    tables: list[Table]
    samples: int


def cases() -> list[Case]:
    """Return all data: each factory and the noise, at each period."""
    made = []
    for period_s in PERIODS_S:
        data = {
            name: factory.tables(maps, seconds=SECONDS, period_s=period_s)
            for name, maps in SITES.items()
        }
        data[NOISE] = noise.tables(SECONDS, period_s)
        for name, tables in data.items():
            samples = peek(encode(HEADER, tables)).samples
            made.append(Case(name, period_s, tables, samples))
    return made


def budgets(ours: dict[tuple[str, int], float], speed_of_noise: Speed) -> list[Budget]:
    """Return what was measured of each budget, and its limit."""
    found = [
        Budget(f"bytes per sample at {period_s} s, {name}", ours[name, period_s], most)
        for period_s, most in BUDGETS.items()
        for name in SITES
    ]
    return [
        *found,
        Budget(
            "column codec, pack: ns of a core per sample (20 million a second: 50)",
            speed_of_noise.encode_column,
            COLUMN_BUDGET_NS,
        ),
        Budget(
            "column codec, open: ns of a core per sample (the same)",
            speed_of_noise.decode_column,
            COLUMN_BUDGET_NS,
        ),
        Budget(
            "open a whole batch: ns of a core per sample",
            speed_of_noise.open,
            OPEN_BUDGET_NS,
        ),
    ]


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    print(f"bench.wire: {description()}", flush=True)
    data = cases()
    sizes: dict[str, list[float]] = {}
    for name, size in FORMATS.items():
        sizes[name] = [size(case.tables) / case.samples for case in data]
        print(name, *(f"{each:.3f}" for each in sizes[name]), flush=True)
    first = next(iter(sizes.values()))
    ours = {
        (case.name, case.period_s): each for case, each in zip(data, first, strict=True)
    }
    speeds = speed.measure(data[PERIODS_S.index(1) + len(SITES)].tables)
    found = budgets(ours, speeds)
    lines = [
        "# What a sample costs on the wire",
        "",
        f"{description()}.",
        "Bytes per sample of a quarter of an hour of 30 meters with 12 points, header,",
        "names, units and times included where a format has them; a counter is two",
        "samples: what the register says, and its stitched index.",
        "",
        "| | " + " | ".join(f"{c.name}, {c.period_s} s" for c in data) + " |",
        "|---" * (1 + len(data)) + "|",
        *(
            f"| {name} | " + " | ".join(f"{each:.3f}" for each in row) + " |"
            for name, row in sizes.items()
        ),
        "",
        "The factory is simulated: its currents and apparent powers follow the power",
        "exactly, its three voltages are alike, powers jump with each piece. In the",
        "noise no column tells of another, and there is little to be had below what",
        "pcodec needs; it has no budget. Real meters lie between. All formats get",
        "values of the resolution that their maps state. The births of Sparkplug B,",
        "and what Gorilla and pcodec need around their blocks, are not counted.",
        "",
        f"Sealing a whole batch takes {speeds.seal:.0f} ns of a core per sample.",
        "",
        *table(found),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return int(not all(budget.kept for budget in found))


if __name__ == "__main__":
    sys.exit(main())
