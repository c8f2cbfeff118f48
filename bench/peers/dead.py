"""What dead meters do to the rate of those that are well."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from bench.peers.environments import PeerError
from bench.peers.measure import Measured, Pace, measure
from bench.peers.plant import Load
from bench.peers.roster import Setting

BAUD = 19_200
#: Units on the line, and how many of them are dead.
CASES = ((8, 1), (16, 4))
PACE = Pace(least_s=20, most_s=60, warm_s=12)
#: Lines at a time: what counts here are time-outs, not the processor.
_AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """Which share of their rate the healthy meters keep; text says what happened."""

    setting: Setting
    case: tuple[int, int]
    share: float | None
    text: str


def keep(settings: Sequence[Setting]) -> list[Kept]:
    """Measure each setting with all units alive, and with some of them dead."""
    pairs = [
        (s, case) for s in settings for case in CASES if s.shown or case == CASES[0]
    ]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return list(pool.map(_kept, *zip(*pairs, strict=True)))


def _kept(setting: Setting, case: tuple[int, int]) -> Kept:
    units, dead = case
    load = Load(BAUD, units=units)
    try:
        alive = measure(setting, load, PACE, few=True)
        ill = measure(setting, replace(load, dead=dead), PACE, few=True)
        share, text = _share(alive, ill)
    except (PeerError, OSError) as error:
        share, text = None, str(error)
    print(f"{setting.peer}, {setting.text}, {case}: {text}", flush=True)
    return Kept(setting, case, share, text)


def _share(alive: Measured, ill: Measured) -> tuple[float | None, str]:
    if alive.cycle_s is None:
        return None, f"no poll within {alive.watched_s:.0f} s"
    share = alive.cycle_s / (ill.cycle_s or ill.watched_s)
    if ill.cycle_s is None:
        # Not one poll came about while it was watched.
        return share, f"< {share:.0%}"
    return share, f"{share:.0%}"
