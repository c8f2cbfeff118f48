"""What accounting costs: ``python -m bench.accounting``.

Exits with 1 when a budget is not met; leaves the figures in
``bench/results/accounting.md``. Needs NumPy and pandas (``pip install .[bench]``).
"""

import sys
import tempfile
from pathlib import Path

from bench.accounting import throughput
from bench.machine import description

RESULTS = Path(__file__).resolve().parent.parent / "results" / "accounting.md"


def main() -> int:
    """Measure, print, keep; return 1 when a budget is not met."""
    print(f"bench.accounting: {description()}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        found = throughput.measure(Path(name))
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
