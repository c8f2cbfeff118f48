"""Compare with other programs, in one run: ``python -m bench.peers``.

Needs PyPI and some packages of Debian's; makes the programs' environments under
``$XDG_CACHE_HOME/zerometer-bench``. Takes about 25 minutes; leaves the figures in
``bench/results/peers.md`` and their short table in the READMEs. With ``--only NAME``
the peers whose names hold NAME are measured, and printed only. Exits with 1 when
one could not be measured.
"""

import argparse
import sys

from bench.machine import description
from bench.peers import dead, report, speed, wrong
from bench.peers.environments import missing_packages
from bench.peers.report import Figures
from bench.peers.roster import OURS, SETTINGS

COMMAND = "python -m bench.peers"


def main() -> int:
    """Measure all peers; return how many rows could not be had, at most 1."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="the peers called like this")
    only = parser.parse_args().only
    missing = missing_packages()
    if missing:
        print(f"bench.peers: missing: apt-get install -y {' '.join(missing)}")
        return 1
    settings = [s for s in SETTINGS if only is None or only.lower() in s.peer.lower()]
    if not settings:
        print(f"bench.peers: --only: {only}: no such peer beside {OURS}")
        return 1
    print(f"bench.peers: {description()}", flush=True)
    figures = Figures(speed.race(settings), dead.keep(settings), wrong.count(settings))
    print(report.full(figures, COMMAND))
    if only is None:
        report.write(figures, COMMAND)
    failed = [row.error for row in figures.rows if row.error]
    failed += [kept.text for kept in figures.kept if kept.share is None]
    failed += [count.error for count in figures.counts if count.error]
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
