"""Measure the agent at several sizes: ``python -m bench.scale``.

Exits with 1 when a budget is not met; leaves figures and a plot in bench/results.
"""

import sys
from pathlib import Path

from bench.budget import Budget, table
from bench.machine import description
from bench.scale.plot import plot
from bench.scale.run import MEASURED_S, Cost, measure
from bench.scale.site import BUSES, MAP

SIZES = (1, 15, 30, 60, 90, 120)
RESULTS = Path(__file__).resolve().parent.parent / "results"

CPU_BUDGET = 10.0  # percent of one processor, at the largest size
SWITCHES_BUDGET = 3.0  # for each transaction, where buses are busy
MEMORY_BUDGET_MB = 40.0  # at the largest size, page and uplink included
#: Farthest from a straight line through all sizes, percent of the largest's cost.
BEND_BUDGET = 15.0


def line_through(costs: list[Cost]) -> tuple[float, float]:
    """Return what no meter costs, and each one, by least squares."""
    mean_meters = sum(cost.meters for cost in costs) / len(costs)
    mean_cpu = sum(cost.cpu for cost in costs) / len(costs)
    slope = sum(
        (cost.meters - mean_meters) * (cost.cpu - mean_cpu) for cost in costs
    ) / sum((cost.meters - mean_meters) ** 2 for cost in costs)
    return mean_cpu - slope * mean_meters, slope


def budgets(costs: list[Cost]) -> list[Budget]:
    """Return what was measured of each budget, and its limit."""
    base, slope = line_through(costs)
    largest = costs[-1]
    bend = max(abs(cost.cpu - base - slope * cost.meters) for cost in costs)
    at = f"{largest.meters} meters:"
    return [
        Budget(f"{at} CPU of one processor, %", 100 * largest.cpu, CPU_BUDGET),
        Budget(
            f"{at} context switches per transaction",
            largest.switches_each,
            SWITCHES_BUDGET,
        ),
        Budget(f"{at} private memory, MB", largest.private_mb, MEMORY_BUDGET_MB),
        Budget(
            f"1 to {largest.meters} meters: CPU farthest from a line, of the most, %",
            100 * bend / largest.cpu,
            BEND_BUDGET,
        ),
    ]


def report(costs: list[Cost]) -> str:
    """Return all figures as markdown."""
    base, slope = line_through(costs)
    lines = [
        "# The whole agent, by its number of meters",
        "",
        f"{description()}.",
        f"`{MAP}` on {BUSES} buses of 115200 baud: power each second, energy every",
        f"ten; accounting, journal, uplink and page at work; {MEASURED_S:.0f} s each.",
        "",
        "| meters | CPU, % | transactions/s | switches each | private MB "
        "| bus used, % | late, ms |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {cost.meters} | {100 * cost.cpu:.2f} "
        f"| {cost.transactions / MEASURED_S:.1f} | {cost.switches_each:.2f} "
        f"| {cost.private_mb:.1f} | {100 * cost.utilisation:.0f} "
        f"| {1000 * cost.late_s:.0f} |"
        for cost in costs
    ]
    lines += [
        "",
        f"CPU = {100 * base:.2f} % + {100 * slope:.4f} % for each meter.",
        "",
        "![CPU by number of meters](scale.svg)",
        "",
        *table(budgets(costs)),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    print(f"bench.scale: {description()}", flush=True)
    costs = []
    for meters in SIZES:
        costs.append(measure(meters))
        print(costs[-1], flush=True)
    text = report(costs)
    print(text)
    (RESULTS / "scale.md").write_text(text, encoding="utf-8")
    picture = plot(
        [(cost.meters, 100 * cost.cpu) for cost in costs],
        across="meters",
        up="CPU, % of one processor",
        line=tuple(100 * number for number in line_through(costs)),
    )
    (RESULTS / "scale.svg").write_text(picture, encoding="utf-8")
    return int(not all(budget.kept for budget in budgets(costs)))


if __name__ == "__main__":
    sys.exit(main())
