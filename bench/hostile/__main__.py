"""Feed the judge and the exchange with hostile frames: ``python -m bench.hostile``.

The frames, and the plain reference that says what must become of each, are those of
the tests, which run fewer of them. Ends with an error at the first difference, and
leaves the counts in ``bench/results/hostile.md``.
"""

import sys
import time
from collections import Counter
from pathlib import Path

from bench.machine import ROOT, description

sys.path.insert(0, str(ROOT / "tests" / "support"))

from harness.hostile import exchange_frames, judge_frames

JUDGED = 1_000_000
EXCHANGED = 100_000
#: So many exchanges run side by side: an incomplete reply is waited for.
METERS = 40
SEED = 2026
RESULTS = Path(__file__).resolve().parent.parent / "results" / "hostile.md"


def table(title: str, counts: Counter[str], seconds: float) -> list[str]:
    """Return the lines of one table."""
    return [
        "",
        f"{title}: {counts.total()} frames in {seconds:.0f} s.",
        "",
        "| outcome | frames |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in counts.most_common()),
    ]


def main() -> int:
    """Run both, print, keep."""
    start = time.monotonic()
    judged = judge_frames(JUDGED, SEED)
    middle = time.monotonic()
    exchanged = exchange_frames(EXCHANGED, SEED, METERS)
    lines = [
        "# Hostile meters",
        "",
        f"{description()}.",
        "Random, damaged, cut, doubled, spliced, forged and misdirected frames, and",
        "some that are right. Each outcome is the one that the plain reference gives;",
        "no value came of a frame with a wrong CRC, nothing crashed, nothing hung.",
        *table("The judge, then the decoding of what is good", judged, middle - start),
        *table(
            "The exchange on a socket pair, frames whole or in two pieces",
            exchanged,
            time.monotonic() - middle,
        ),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
