"""What a tick costs: where all that flows is from, solved for a whole site.

Each figure is the time of a tick within a span that is booked at once, with its share
of what is done once per span: factors, sums and what the storages hold.
"""

import random
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum, isclose
from pathlib import Path
from statistics import median

from zerometer.config.site import load_site
from zerometer.core.attribution import Attribution
from zerometer.core.network import Network
from zerometer.core.totals import FactorSet

#: Ticks of a second that are booked at once, and how often.
TICKS = 60
RUNS = 15
START_NS = 1_800_000_000_000_000_000
SECOND_NS = 1_000_000_000

_HEAD = 'format = 1\n[site]\nid = "tick"\ntimezone = "Asia/Shanghai"\n'
_METER = '[[meter]]\nid = "{0}"\npoints = {{ active_energy_import = "kWh" }}\n'
_POOL = '[pool.{0}]\ncarrier = "electricity"\n'
_SOURCE = '[source.{0}]\ninto = "{1}"\nmeter = "{0}"\nfactor = {2}\n'
_FEEDER = '[process.{0}]\ntakes = {{ {1} = "{0}" }}\ngives = {{ {2} = "{0}" }}\n'
_SINK = '[sink.{0}]\nfrom = {{ {1} = "{0}" }}\n'
_STORAGE = (
    '[[meter]]\nid = "{0}"\n'
    'points = {{ active_energy_import = "kWh", active_energy_export = "kWh" }}\n'
    '[storage.{0}]\npool = "{1}"\nmeter = "{0}"\nefficiency = [0.95, 0.95]\n'
)


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick of a site costs, and how large the site is."""

    meters: int
    pools: int
    sources: int
    seconds: float


def factory() -> str:
    """Return a large factory: 120 meters, 40 pools, 12 sources, 2 batteries.

    Ten busbars in a ring, with feeders to 30 halls.
    """
    parts = [_HEAD, *(_POOL.format(f"p{i}") for i in range(40))]
    for i in range(12):
        parts.append(_METER.format(f"s{i}"))
        parts.append(_SOURCE.format(f"s{i}", f"p{i % 10}", i / 20))
    feeders = [(i, (i + 1) % 10) for i in range(10)]
    feeders += [(i % 10, 10 + i) for i in range(30)]
    parts += _feeders(feeders)
    for i in range(66):
        parts.append(_METER.format(f"l{i}"))
        parts.append(_SINK.format(f"l{i}", f"p{i % 40}"))
    parts += [_STORAGE.format("b0", "p0"), _STORAGE.format("b1", "p5")]
    return "\n".join(parts)


def ring(pools: int) -> str:
    """Return *pools* in one loop, each of which also feeds others at random."""
    drawn = random.Random(pools)
    feeders = {(i, (i + 1) % pools): None for i in range(pools)}
    while len(feeders) < 4 * pools:
        a, b = drawn.randrange(pools), drawn.randrange(pools)
        if a != b:
            feeders[a, b] = None
    parts = [_HEAD, *(_POOL.format(f"p{i}") for i in range(pools))]
    for i in range(12):
        parts.append(_METER.format(f"s{i}"))
        parts.append(_SOURCE.format(f"s{i}", f"p{drawn.randrange(pools)}", i / 20))
    parts += _feeders(list(feeders))
    parts += [f'[sink.r{i}]\nremainder_of = "p{i}"\n' for i in range(pools)]
    return "\n".join(parts)


def _feeders(links: list[tuple[int, int]]) -> Iterator[str]:
    for number, (a, b) in enumerate(links):
        yield _METER.format(f"f{number}")
        yield _FEEDER.format(f"f{number}", f"p{a}", f"p{b}")


def measure(folder: Path, text: str) -> Tick:
    """Measure a tick of the site in *text*; refuse books that do not balance."""
    file = folder / "tick.toml"
    file.write_text(text, encoding="utf-8")
    site = load_site(file).site
    network = Network(site)
    attribution = Attribution(network)
    factors = FactorSet(network.constants)
    drawn = random.Random(120)
    sources = {inflow.flow for inflow in network.inflows}
    energies = array(
        "d",
        (
            drawn.uniform(50, 100) if flow in sources else drawn.uniform(0.1, 10)
            for _ in range(TICKS)
            for flow in range(len(network.flows))
        ),
    )
    durations = array("q", [SECOND_NS]) * TICKS
    times = []
    for run in range(RUNS):
        start_ns = START_NS + run * TICKS * SECOND_NS
        end_ns = start_ns + TICKS * SECOND_NS
        start = time.process_time()
        totals = attribution.book(energies, durations, start_ns, end_ns, factors)
        times.append((time.process_time() - start) / TICKS)
        assert isclose(fsum(totals.entered), fsum(totals.received), rel_tol=1e-9)
        for view, entered in totals.entered_kg.items():
            assert isclose(fsum(entered), fsum(totals.received_kg[view]), rel_tol=1e-9)
    return Tick(len(site.meters), len(network.pools), len(site.sources), median(times))
