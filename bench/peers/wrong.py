"""How many wrong values come out when replies are late, cut, noisy or not theirs."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from bench.peers.environments import PeerError
from bench.peers.libraries import counters, tally_of
from bench.peers.measure import ADDRESSES, running
from bench.peers.plant import Load
from bench.peers.roster import Setting
from bench.peers.trouble import LATE, TIMEOUT_S, TROUBLES

WATCHED_S = 12.0
_AT_A_TIME = 2
_LOAD = Load(115_200, turnaround_ms=0, paced=False)


@dataclass(frozen=True, slots=True)
class Count:
    """What came of some transactions; ``error`` says why there were none."""

    peer: str
    trouble: str
    blocks: bool
    transactions: int = 0
    failed: int = 0
    right: int = 0
    wrong: int = 0
    error: str = ""


def count(settings: Sequence[Setting]) -> list[Count]:
    """Count for each library, in blocks and by value: there all replies look alike."""
    libraries = [s for s in settings if s.shown and s.counts]
    cases = [
        (setting, trouble, blocks)
        for setting in libraries
        for trouble in TROUBLES
        for blocks in (False, True)
        if not blocks or trouble in LATE
    ]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return list(pool.map(_count, *zip(*cases, strict=True))) if cases else []


def _count(setting: Setting, trouble: str, blocks: bool) -> Count:
    asked = replace(setting, own=False, blocks=blocks)
    load = replace(_LOAD, trouble=trouble)
    try:
        with running(asked, load, ADDRESSES, TIMEOUT_S) as (_, job, _, _):
            time.sleep(WATCHED_S)
            transactions, right, wrong, failed = counters(tally_of(job))
    except (PeerError, OSError) as error:
        return Count(setting.peer, trouble, blocks, error=str(error))
    result = Count(setting.peer, trouble, blocks, transactions, failed, right, wrong)
    print(result, flush=True)
    return result
