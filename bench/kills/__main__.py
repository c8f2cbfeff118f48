"""Kill agent and receiver 200 times: ``python -m bench.kills``.

Factory, agent and receiver are processes, with a network between that loses requests
and answers. Ends with an error unless every batch that was sealed has arrived exactly
once, unchanged, and the energy of all windows is that of the counters. Leaves the
figures in ``bench/results/kills.md``; takes about ten minutes.
"""

import sys
import tempfile
import time
from pathlib import Path

from bench.machine import ROOT, description

sys.path.insert(0, str(ROOT / "tests" / "support"))

from harness.kills import Outcome, survive

KILLS = 200
SEED = 2026
RESULTS = Path(__file__).resolve().parent.parent / "results" / "kills.md"


def report(outcome: Outcome, seconds: float) -> str:
    """Return the figures as markdown."""
    lines = [
        "# kill -9 over the whole chain",
        "",
        f"{description()}.",
        "Simulated factory, agent, receiver with SQLite, and a relay between them that",
        f"loses requests and answers; {seconds:.0f} s.",
        "",
        "| | |",
        "|---|---|",
        f"| agent killed | {outcome.agent_kills} times |",
        f"| receiver killed | {outcome.receiver_kills} times |",
        f"| batches sealed and received, once each, unchanged | {outcome.batches} |",
        "| batches lost, twice, or declared as gaps | 0 |",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run, print, keep."""
    print(f"bench.kills: {description()}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        outcome = survive(Path(name), KILLS, SEED)
    text = report(outcome, time.monotonic() - start)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
