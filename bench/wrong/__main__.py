"""Count wrong values on a troubled line: ``python -m bench.wrong``.

Exits with 1 when there is one, or when faults cost more requests than they may;
leaves the figures in ``bench/results/wrong.md``.
"""

import sys
from pathlib import Path

from bench.budget import Budget, table
from bench.machine import description
from bench.wrong.run import UNITS, Count, count
from bench.wrong.troubles import TROUBLES, Trouble

RESULTS = Path(__file__).resolve().parent.parent / "results" / "wrong.md"

#: Requests that a failed one may cost beyond the planned ones.
EXTRA_BUDGET = 2.0


def budgets(results: list[Count]) -> list[Budget]:
    """Return what was allowed over all *results*, and what was counted."""
    requests = sum(result.requests for result in results)
    return [
        Budget(
            f"wrong values in {requests:,} transactions on troubled lines",
            sum(result.wrong for result in results),
            0,
        ),
        Budget(
            "requests beyond the planned ones for each that failed",
            max(result.extra_each for result in results),
            EXTRA_BUDGET,
        ),
    ]


def report(results: list[tuple[Trouble, Count]]) -> str:
    """Return all figures as markdown."""
    lines = [
        "# Wrong values on a troubled line",
        "",
        f"{description()}.",
        f"Our whole bus loop reads {len(UNITS)} units on a line that is not paced.",
        "Every value tells which request it answers: a late, doubled or foreign one",
        "is wrong.",
        "",
        "| trouble | share | requests | faulty replies | failed requests "
        "| values right | missing | wrong | extra requests for each failed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {trouble.name} | {'all' if trouble.echo else f'{trouble.share:.2%}'} "
        f"| {result.requests} | {result.faulty} | {result.failed} | {result.right} "
        f"| {result.missing} | {result.wrong} | {result.extra_each:.2f} |"
        for trouble, result in results
    ]
    lines += ["", *table(budgets([result for _, result in results]))]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Count, print, keep; return 1 when a budget is not met."""
    print(f"bench.wrong: {description()}", flush=True)
    results = []
    for trouble in TROUBLES:
        results.append((trouble, count(trouble, trouble.transactions)))
        print(results[-1][1], flush=True)
    text = report(results)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    checked = budgets([result for _, result in results])
    return int(not all(budget.kept for budget in checked))


if __name__ == "__main__":
    sys.exit(main())
