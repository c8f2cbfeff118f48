"""Compare on one line, in one run: ``python -m bench.bus``.

The line is a pty that gives each byte the time it takes on the wire, or none at all.
Exits with 1 when a budget is not met, and leaves the figures in
``bench/results/bus.md``.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.budget import Budget, table
from bench.bus import clients
from bench.bus.plant import BLOCKS, READ_INPUT_REGISTERS, TURNAROUND_NS, UNITS, UNPACED
from bench.bus.sample import Sample, middle
from bench.machine import description
from zerometer.core.planner import transaction_ns
from zerometer.core.points import LineSettings

#: Baud rates, and how many polls of all units make a sample at each.
RATES = {9600: 2, 115_200: 12, UNPACED: 2000}
#: Samples of each client, in turns. What else the machine does changes from one round
#: to the next by more than the clients differ: ratios are taken within a round.
ROUNDS = 5
RESULTS = Path(__file__).resolve().parent.parent / "results" / "bus.md"

#: Of libmodbus's processor time. At a usual rate most of it are wake-ups.
EXCHANGE_BUDGETS = {9600: 0.5, 115_200: 1.0, UNPACED: 1.0}
LOOP_BUDGET = 0.2  # of pymodbus's processor time
WIRE_BUDGET = 1.03  # of the time that the wire needs


@dataclass(frozen=True, slots=True)
class Round:
    """A sample of each client, taken one after the other."""

    exchange: Sample
    libmodbus: Sample
    loop: Sample
    pymodbus: Sample


def wire_limit_ns(baud: int) -> float:
    """Return how long the wire needs for a transaction, on average over the blocks."""
    settings = LineSettings(baud=baud)
    times = [
        transaction_ns(READ_INPUT_REGISTERS, count, settings, TURNAROUND_NS)
        for _, count in BLOCKS
    ]
    return sum(times) / len(times)


def measure(baud: int, polls: int) -> list[Round]:
    """Run all clients in turns on a line of *baud*."""
    with clients.libmodbus() as program, clients.line(baud) as port:
        return [
            Round(
                exchange=clients.run_module("exchange_loop", port, baud, polls),
                libmodbus=clients.run_libmodbus(program, port, baud, polls),
                loop=clients.run_module("bus_loop", port, baud, polls),
                pymodbus=clients.run_module("pymodbus_loop", port, baud, polls),
            )
            for _ in range(ROUNDS)
        ]


def said(baud: int) -> str:
    """Return the rate as people say it."""
    return "unpaced" if baud == UNPACED else f"{baud} baud"


def budgets(baud: int, rounds: list[Round]) -> list[Budget]:
    """Return what was allowed at *baud*, and what was measured."""

    def typical(ratio: Callable[[Round], float]) -> float:
        return median(map(ratio, rounds))

    found = [
        Budget(
            f"{said(baud)}, exchange: CPU, of libmodbus's",
            typical(lambda r: r.exchange.cpu_ns_each / r.libmodbus.cpu_ns_each),
            EXCHANGE_BUDGETS[baud],
        ),
        Budget(
            f"{said(baud)}, bus loop: CPU, of pymodbus's",
            typical(lambda r: r.loop.cpu_ns_each / r.pymodbus.cpu_ns_each),
            LOOP_BUDGET,
        ),
    ]
    if baud != UNPACED:
        limit_ns = wire_limit_ns(baud)
        name = f"{said(baud)}, bus loop: time on the line, of the wire's limit"
        ratio = typical(lambda r: r.loop.wall_ns_each / limit_ns)
        found.append(Budget(name, ratio, WIRE_BUDGET))
    return found


def rows(baud: int, rounds: list[Round]) -> list[str]:
    """Return the lines of the table of costs for *baud*."""
    names = {
        "exchange alone (thread CPU)": [r.exchange for r in rounds],
        "libmodbus (thread CPU)": [r.libmodbus for r in rounds],
        "bus loop (process CPU)": [r.loop for r in rounds],
        "pymodbus async (process CPU)": [r.pymodbus for r in rounds],
    }
    lines = []
    for name, samples in names.items():
        sample = middle(samples)
        lines.append(
            f"| {said(baud)} | {name} | {sample.cpu_ns_each / 1e3:.0f} "
            f"| {sample.switches_each:.1f} | {sample.wall_ns_each / 1e6:.2f} |"
        )
    if baud == UNPACED:
        return lines
    limit_ms = wire_limit_ns(baud) / 1e6
    return [*lines, f"| {said(baud)} | the wire's limit | | | {limit_ms:.2f} |"]


def report(costs: list[str], checked: list[Budget]) -> str:
    """Return all figures as markdown."""
    lines = [
        "# Polling a line, beside its peers",
        "",
        f"{description()}.",
        f"{len(UNITS)} units of 52 floats in {len(BLOCKS)} blocks on a pty that is",
        f"paced by its baud rate, {TURNAROUND_NS // 1_000_000} ms turnaround, or not",
        f"paced at all. Medians of {ROUNDS} rounds; all values were compared.",
        "",
        "| line | client | CPU, us | sleeps | time, ms (each per transaction) |",
        "|---|---|---|---|---|",
        *costs,
        "",
        "Who is faster than the wire's limit does not keep the silence between frames.",
        "",
        *table(checked),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    print(f"bench.bus: {description()}", flush=True)
    costs: list[str] = []
    checked: list[Budget] = []
    for baud, polls in RATES.items():
        rounds = measure(baud, polls)
        costs += rows(baud, rounds)
        checked += budgets(baud, rounds)
    text = report(costs, checked)
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text, encoding="utf-8")
    return int(not all(budget.kept for budget in checked))


if __name__ == "__main__":
    sys.exit(main())
