"""Sites and what flows in them, as hypothesis draws them: for the accounting whole."""

from array import array
from dataclasses import dataclass, field
from itertools import count, pairwise

from hypothesis import strategies as st

from zerometer.core import allocation
from zerometer.core.alignment import QUARTER_NS
from zerometer.core.network import Network
from zerometer.core.site import (
    Allocation,
    Factor,
    Fuel,
    Measure,
    Pool,
    Process,
    Sink,
    Site,
    Source,
    Storage,
    View,
)
from zerometer.core.totals import FactorSet

VIEWS: tuple[View, ...] = ("physical", "location", "market")
CARRIERS = {"electricity": "kWh", "heat": "GJ"}
QUANTITIES = st.one_of(st.sampled_from([0.0, 1.0, 2.0, 10.0]), st.floats(1e-3, 1e3))


@dataclass
class Span:
    """A part of a quarter hour: its steps, each with all flows."""

    quarter: int
    start_ns: int
    end_ns: int
    steps: list[list[float]]

    @property
    def durations_ns(self) -> "array[int]":
        """Steps of one length."""
        return array("q", [(self.end_ns - self.start_ns) // len(self.steps)]) * len(
            self.steps
        )

    @property
    def energies(self) -> "array[float]":
        """The steps, row after row."""
        return array("d", (q for step in self.steps for q in step))


@dataclass
class Story:
    """A site, what flows in it, and the factors of each quarter."""

    site: Site
    spans: list[Span]
    factors: list[FactorSet]
    network: Network = field(init=False)

    def __post_init__(self) -> None:
        self.network = Network(self.site)


@st.composite
def stories(
    draw: st.DrawFn,
    *,
    losses: bool = True,
    plants: bool = True,
    storages: bool = True,
    bonus: bool = True,
) -> Story:
    """Draw a story; without *plants* there is one carrier only."""
    numbers = count()

    def measure() -> Measure:
        return Measure(meter=f"m{next(numbers)}", counter="c")

    def times(most: int) -> range:
        return range(draw(st.integers(0, most)))

    carriers = ["electricity"] * draw(st.integers(1, 4))
    if plants:
        carriers += ["heat"] * draw(st.integers(0, 2))
    nominal = draw(st.sampled_from([0.0, 0.0, 4000.0]))
    pools = [
        Pool(id=f"p{i}", carrier=c, unit=CARRIERS[c], nominal=nominal)
        for i, c in enumerate(carriers)
    ]
    power = [p.id for p in pools if p.carrier == "electricity"]
    heat = [p.id for p in pools if p.carrier == "heat"]
    anywhere, of_power = st.sampled_from([p.id for p in pools]), st.sampled_from(power)
    processes = [
        Process(
            id=f"f{i}",
            kind="feeder",
            takes={draw(of_power): measure()},
            gives={draw(of_power): measure()},
            losses=draw(st.sampled_from(["sink", "gross"] if losses else ["gross"])),
        )
        for i in times(5)
    ]
    for i in times(2) if heat else ():
        outputs = {
            p.id: p for p in pools if p.id in (power[0], draw(st.sampled_from(heat)))
        }
        processes.append(
            Process(
                id=f"chp{i}",
                kind="chp",
                takes={},
                gives={pool: measure() for pool in outputs},
                fuels=(
                    Fuel(carrier="natural_gas", unit="Nm3", measure=measure(),
                         factors=_factors("kg/Nm3")),
                ),
                allocation=_allocations(draw, outputs, bonus=bonus),
            )
        )  # fmt: skip
    site = Site(
        id="drawn",
        name="",
        timezone="UTC",
        revision="",
        views=VIEWS,
        pools=(*pools,),
        sources=tuple(
            Source(id=f"s{i}", pool=draw(anywhere), measure=measure(),
                   factors=_factors("kg/kWh"))
            for i in times(3)
        ),
        processes=(*processes,),
        storages=tuple(
            Storage(id=f"b{i}", pool=draw(anywhere), charge=measure(),
                    discharge=measure(),
                    charge_efficiency=draw(st.sampled_from([0.9, 1.0])),
                    standby=draw(st.sampled_from(["carry", "sink"])))
            for i in (times(2) if storages else ())
        ),
        sinks=tuple(
            Sink(id=f"l{i}", pool=draw(anywhere), measure=measure())
            for i in times(3)
        ),
    )  # fmt: skip
    network = Network(site)
    quarters = draw(st.integers(1, 3))
    return Story(
        site,
        [s for q in range(quarters) for s in _spans(draw, q, len(network.flows))],
        [_factor_set(draw, network, q) for q in range(quarters)],
    )


def _spans(draw: st.DrawFn, quarter: int, flows: int) -> list[Span]:
    start, parts = quarter * QUARTER_NS, draw(st.integers(1, 2))
    row = st.lists(QUANTITIES, min_size=flows, max_size=flows)
    edges = [start + i * QUARTER_NS // parts for i in range(parts + 1)]
    return [
        Span(quarter, t0, t1, draw(st.lists(row, min_size=1, max_size=2)))
        for t0, t1 in pairwise(edges)
    ]


def _factor_set(draw: st.DrawFn, network: Network, revision: int) -> FactorSet:
    width = len(network.origins)
    factor = st.floats(0, 2)
    values = {
        view: array("d", draw(st.lists(factor, min_size=width, max_size=width)))
        for view in network.views
    }
    return FactorSet(values, revision)


def _factors(unit: str) -> dict[View, Factor]:
    return dict.fromkeys(VIEWS, Factor(value=0.5, unit=unit))


def _allocations(
    draw: st.DrawFn, outputs: dict[str, Pool], *, bonus: bool
) -> dict[View, Allocation]:
    methods = [
        allocation.energy(outputs),
        allocation.efficiency(outputs),
        allocation.defra(outputs),
    ]
    if bonus:
        methods.append(allocation.power_bonus(outputs, 0.5))
    return {view: draw(st.sampled_from(methods)) for view in VIEWS}
