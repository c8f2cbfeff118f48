"""A fleet through MQTT and through NATS into PostgreSQL: ``python -m bench.fleet``.

Takes 18 minutes; with ``--seconds`` (above 200) less, and then leaves no results. Ends
with an error when a batch was lost or doubled, with 1 when a budget is not met.
"""

import argparse
import sys
from pathlib import Path

from bench.budget import Budget, table
from bench.fleet.measure import (
    BROKERS,
    INTERVAL_S,
    JOINING_S,
    SAMPLES,
    Result,
    measure,
    postgres_server,
)
from bench.machine import description

#: All but the largest are there for their cost; that runs in full.
SIZES = (100, 500, 2000)
FULL_S = 300.0
COST_S = 110.0
RESULTS = Path(__file__).resolve().parent.parent / "results" / "fleet.md"

P99_BUDGET_S = 5.0
#: What a gateway costs the receivers among many, of what it costs among few.
COST_BUDGET = 1.25


def budgets(results: list[Result]) -> list[Budget]:
    """Return what was measured of each budget, and its limit."""
    found = []
    for broker in BROKERS:
        few, *_, many = [each for each in results if each.broker == broker]
        found += [
            Budget(
                f"{many.gateways} gateways over {broker}: latency of commits, p99, s",
                many.p99_s,
                P99_BUDGET_S,
            ),
            Budget(
                f"{many.gateways} gateways over {broker}: receivers' CPU for each, "
                f"of that with {few.gateways}",
                many.receiver_cpu_ms / few.receiver_cpu_ms,
                COST_BUDGET,
            ),
        ]
    return found


def report(results: list[Result], time_s: float) -> str:
    """Return all figures as markdown."""
    lines = [
        "# A fleet into one PostgreSQL",
        "",
        f"{description()}.",
        f"Each gateway seals a batch of {SAMPLES} samples every {INTERVAL_S:.0f} s and",
        "sends it by the agent's own uplink through mosquitto or nats-server to two",
        "`zerometer receive` side by side; they commit into one PostgreSQL, fsync on.",
        f"They come within {JOINING_S:.0f} s; then all run evenly. Gateways, broker,",
        "receivers and database share the machine.",
        f"With {SIZES[-1]} gateways the run takes {time_s:.0f} s, and one receiver is",
        "killed at half time; with fewer, none is. In each run every batch that was",
        "sealed is in the database, once, and every sample of it.",
        "Latency is from when a batch was due to its receiver's answer; a gateway's",
        "first batch, for which it connects and its series are made, stands apart.",
        "A batch in the hands of the receiver that is killed is sent again after the",
        "uplink's time-out over MQTT, and given to the other after 30 s over NATS.",
        "CPU is that of both receivers, or of all of PostgreSQL, for each gateway.",
        "",
        "| broker | gateways | batches | samples/s | median ms | p99 ms | longest s "
        "| first, p99 ms | sent again | receivers, CPU ms/min | PostgreSQL, ms/min |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.broker} | {each.gateways} | {each.batches} "
        f"| {each.samples_per_s:.0f} | {1000 * each.median_s:.0f} "
        f"| {1000 * each.p99_s:.0f} | {each.longest_s:.1f} "
        f"| {1000 * each.first_p99_s:.0f} | {each.again} "
        f"| {each.receiver_cpu_ms:.2f} | {each.database_cpu_ms:.2f} |"
        for each in results
    ]
    return "\n".join([*lines, "", *table(budgets(results))]) + "\n"


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet")
    parser.add_argument("--seconds", type=float, default=FULL_S)
    time_s = parser.parse_args().seconds
    print(f"bench.fleet: {description()}", flush=True)
    results = []
    with postgres_server() as postgres:
        for broker in BROKERS:
            for size in SIZES:
                largest = size == SIZES[-1]
                span_s = time_s if largest else min(COST_S, time_s)
                results.append(measure(broker, size, span_s, postgres, kill=largest))
                print(results[-1], flush=True)
    text = report(results, time_s)
    print(text)
    if time_s >= FULL_S:
        RESULTS.write_text(text, encoding="utf-8")
    return int(not all(budget.kept for budget in budgets(results)))


if __name__ == "__main__":
    sys.exit(main())
