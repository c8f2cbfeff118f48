"""Full polls of a large bus against the wire's limit: ``python -m bench.poll``.

Exits with 1 when the budget is not met; leaves the figures in
``bench/results/poll.md``.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.budget import Budget, table
from bench.machine import description
from bench.poll.loop import Poll, best_plan, meter_map
from bench.poll.plant import MAP, UNITS

#: Baud rates, and how many polls are measured at each.
RATES = {9600: 2, 19_200: 2, 115_200: 8}
TURNAROUNDS_MS = (5, 20)
TIMEOUT_S = 600
RESULTS = Path(__file__).resolve().parent.parent / "results" / "poll.md"

WIRE_BUDGET = 1.03  # of what the wire needs for the best plan


@dataclass(frozen=True, slots=True)
class Measured:
    """Full polls of all units of a line."""

    baud: int
    turnaround_ms: int
    poll: Poll

    @property
    def ratio(self) -> float:
        """Time of the polls, of the wire's limit."""
        return self.poll.time_ns / self.poll.limit_ns

    @property
    def limit_ns(self) -> int:
        """What the wire needs for one full poll."""
        plan = best_plan(self.baud, self.turnaround_ms)
        return len(UNITS) * sum(plan.values())


def measure(baud: int, turnaround_ms: int) -> Measured:
    """Poll all units of a line, each side in a process of its own."""
    module = [sys.executable, "-m"]
    serve = [*module, "bench.poll.plant", str(baud), str(turnaround_ms)]
    with subprocess.Popen(
        serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as plant:
        assert plant.stdin is not None and plant.stdout is not None
        port = plant.stdout.readline().strip()
        done = subprocess.run(
            [*module, "bench.poll.loop", port]
            + [str(number) for number in (baud, turnaround_ms, RATES[baud])],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=TIMEOUT_S,
        )
        plant.stdin.close()
    poll = Poll.from_text(done.stdout)
    return Measured(baud, turnaround_ms, poll)


def budget(result: Measured) -> Budget:
    """Return what a full poll took of what it may."""
    name = (
        f"{result.baud} baud, {result.turnaround_ms} ms turnaround: full poll of "
        f"{len(UNITS)} meters, of the wire's limit"
    )
    return Budget(name, result.ratio, WIRE_BUDGET)


def report(results: list[Measured]) -> str:
    """Return all figures as markdown."""
    points = len(meter_map().points)
    lines = [
        "# Full polls of a large bus",
        "",
        f"{description()}.",
        f"{len(UNITS)} meters, all {points} points of `{MAP}`, on a pty that is paced",
        "by its baud rate; all values were compared. The limit is that of the best",
        "plan: characters, the units' turnaround, and the silence behind each reply.",
        "",
        "| baud | turnaround, ms | limit, s | full poll, s | CPU, us per request "
        "| sleeps each |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {result.baud} | {result.turnaround_ms} | {result.limit_ns / 1e9:.3f} "
        f"| {result.ratio * result.limit_ns / 1e9:.3f} "
        f"| {result.poll.cpu_ns / result.poll.requests / 1e3:.0f} "
        f"| {result.poll.switches / result.poll.requests:.2f} |"
        for result in results
    ]
    lines += ["", *table([budget(result) for result in results])]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, keep; return 1 when the budget is not met."""
    print(f"bench.poll: {description()}", flush=True)
    results = []
    for baud in RATES:
        for turnaround_ms in TURNAROUNDS_MS:
            results.append(measure(baud, turnaround_ms))
            print(results[-1], results[-1].ratio, flush=True)
    text = report(results)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return int(not all(budget(result).kept for result in results))


if __name__ == "__main__":
    sys.exit(main())
