"""Run everything that compares: the kernels' suites, then each comparison's own.

A comparison is a folder with a ``__main__``, also run as ``python -m bench.NAME``.
Those that need the network run only so.
"""

import subprocess
import sys
from pathlib import Path

from bench.readme import budgets, put

HERE = Path(__file__).resolve().parent
NETWORK = {"peers"}


def main() -> int:
    """Run all; return the number of those that failed."""
    # -P keeps the checkout off sys.path, where its folders would be importable.
    suites = [[sys.executable, "-P", "-m", "pytest", str(HERE), "--benchmark-only",
               "--benchmark-enable", "--benchmark-columns=median,ops,rounds",
               "--benchmark-group-by=group", "--benchmark-sort=mean"]]  # fmt: skip
    suites += [
        [sys.executable, "-m", f"bench.{path.parent.name}"]
        for path in sorted(HERE.glob("*/__main__.py"))
        if path.parent.name not in NETWORK
    ]
    failed = sum(
        subprocess.run(suite, cwd=HERE.parent, check=False).returncode != 0
        for suite in suites
    )
    put("bench", budgets())
    return failed


if __name__ == "__main__":
    sys.exit(main())
