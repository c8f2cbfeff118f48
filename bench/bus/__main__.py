"""Compare on one line, in one run: ``python -m bench.bus``.

The line is a pty that gives each byte the time it takes on the wire. Exits with 1
when a budget is not met, and leaves the figures in ``bench/results/bus.md``.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.bus import clients
from bench.bus.plant import BLOCKS, READ_INPUT_REGISTERS, TURNAROUND_NS, UNITS
from bench.bus.sample import Sample, best
from bench.machine import description
from zerometer.core.planner import transaction_ns
from zerometer.core.points import LineSettings

#: Baud rates, and how many polls of all units make a sample at each.
RATES = {9600: 3, 115_200: 16}
#: Samples of each client, in turns. The best of them counts: whatever else the
#: machine does only adds to what a client costs.
ROUNDS = 3
RESULTS = Path(__file__).resolve().parent.parent / "results" / "bus.md"

EXCHANGE_BUDGET = 1.0  # of libmodbus's processor time
LOOP_BUDGET = 0.2  # of pymodbus's processor time
WIRE_BUDGET = 1.05  # of the time that the wire needs


@dataclass(frozen=True, slots=True)
class Result:
    """What the clients cost at one baud rate."""

    baud: int
    exchange: Sample
    libmodbus: Sample
    loop: Sample
    pymodbus: Sample

    def budgets(self) -> list[tuple[str, float, float]]:
        """Return each budget: what it limits, the ratio measured, the most allowed."""
        limit_ns = wire_limit_ns(self.baud)
        return [
            ("exchange: CPU, of libmodbus's",
             self.exchange.cpu_ns_each / self.libmodbus.cpu_ns_each, EXCHANGE_BUDGET),
            ("bus loop: CPU, of pymodbus's",
             self.loop.cpu_ns_each / self.pymodbus.cpu_ns_each, LOOP_BUDGET),
            ("bus loop: time on the line, of the wire's limit",
             self.loop.wall_ns_each / limit_ns, WIRE_BUDGET),
        ]  # fmt: skip


def wire_limit_ns(baud: int) -> float:
    """Return how long the wire needs for a transaction, on average over the blocks."""
    settings = LineSettings(baud=baud)
    times = [
        transaction_ns(READ_INPUT_REGISTERS, count, settings, TURNAROUND_NS)
        for _, count in BLOCKS
    ]
    return sum(times) / len(times)


def measure(baud: int, polls: int) -> Result:
    """Run all clients, one after the other, on a line of *baud*."""
    rounds: list[list[Sample]] = []
    with clients.libmodbus() as program, clients.line(baud) as port:
        for _ in range(ROUNDS):
            rounds.append([
                clients.run_module("exchange_loop", port, baud, polls),
                clients.run_libmodbus(program, port, baud, polls),
                clients.run_module("bus_loop", port, baud, polls),
                clients.run_module("pymodbus_loop", port, baud, polls),
            ])  # fmt: skip
    return Result(baud, *(best(samples) for samples in zip(*rounds, strict=True)))


def report(results: list[Result]) -> str:
    """Return all figures as markdown."""
    rows = [
        "# Polling a line, beside its peers",
        "",
        f"{description()}.",
        f"{len(UNITS)} units of 52 floats in {len(BLOCKS)} blocks on a pty paced by "
        f"its baud rate, {TURNAROUND_NS // 1_000_000} ms turnaround;",
        f"the best of {ROUNDS} samples.",
        "",
        "| baud | client | CPU, us per transaction | sleeps per transaction "
        "| ms per transaction | transactions |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        for name, sample in (
            ("exchange alone (thread CPU)", result.exchange),
            ("libmodbus (thread CPU)", result.libmodbus),
            ("bus loop (process CPU)", result.loop),
            ("pymodbus async (process CPU)", result.pymodbus),
        ):
            rows.append(
                f"| {result.baud} | {name} | {sample.cpu_ns_each / 1e3:.0f} "
                f"| {sample.switches_each:.1f} | {sample.wall_ns_each / 1e6:.2f} "
                f"| {sample.transactions} |"
            )
        limit_ms = wire_limit_ns(result.baud) / 1e6
        rows.append(f"| {result.baud} | the wire's limit | | | {limit_ms:.2f} | |")
    rows += ["", "| baud | budget | measured | at most | |", "|---|---|---|---|---|"]
    for result in results:
        for name, ratio, most in result.budgets():
            verdict = "kept" if ratio <= most else "**exceeded**"
            rows.append(
                f"| {result.baud} | {name} | {ratio:.3f} | {most:.2f} | {verdict} |"
            )
    return "\n".join(rows) + "\n"


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    print(f"bench.bus: {description()}", flush=True)
    results = [measure(baud, polls) for baud, polls in RATES.items()]
    text = report(results)
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text, encoding="utf-8")
    return int(any(ratio > most for r in results for _, ratio, most in r.budgets()))


if __name__ == "__main__":
    sys.exit(main())
