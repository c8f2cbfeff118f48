"""The site of the throughput figure: 100 meters, 8 pools, 6 sources, 2 batteries.

A medium voltage busbar feeds six low voltage ones through measured transformers, one
of which feeds a direct current bus. ``LAYOUT`` says so in plain lists, for those that
do the same job without Zerometer; ``site_text`` says it as a site file.
"""

from dataclasses import dataclass

MAP = "eastron-sdm630"
#: kg/kWh by view.
FACTORS = {
    "grid": (0.5703, 0.5306),
    "wind": (0.0, 0.0),
    "chp": (0.41, 0.41),
    "pv1": (0.0, 0.0),
    "pv2": (0.0, 0.0),
    "pv3": (0.0, 0.0),
}
VIEWS = ("physical", "location")
LOADS = 78


@dataclass(frozen=True, slots=True)
class Layout:
    """Who is connected to what; each name is that of its meter, too.

    ``feeders``: (meter at its start, pool that it takes from, meter at its end, pool
    that it gives to), in the order in which energy flows. ``pools`` come in an order
    in which none is fed by a later one.
    """

    pools: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]
    feeders: tuple[tuple[str, str, str, str], ...]
    batteries: tuple[tuple[str, str], ...]
    loads: tuple[tuple[str, str], ...]
    efficiency: float = 0.95

    @property
    def meters(self) -> list[str]:
        """All meters, in the order of their numbers."""
        return [
            *(name for name, _ in self.sources),
            *(name for start, _, end, _ in self.feeders for name in (start, end)),
            *(name for name, _ in self.batteries),
            *(name for name, _ in self.loads),
        ]


def _layout() -> Layout:
    pools = ("mv", "lv1", "lv2", "lv3", "lv4", "lv5", "lv6", "dc")
    return Layout(
        pools=pools,
        sources=(
            ("grid", "mv"), ("wind", "mv"), ("chp", "lv1"),
            ("pv1", "lv2"), ("pv2", "lv3"), ("pv3", "lv4"),
        ),
        feeders=(
            *((f"t{i}.mv", "mv", f"t{i}.lv", f"lv{i}") for i in range(1, 7)),
            ("rectifier.ac", "lv1", "rectifier.dc", "dc"),
        ),
        batteries=(("battery1", "lv2"), ("battery2", "lv5")),
        loads=tuple((f"line{i}", pools[i % 8]) for i in range(1, LOADS + 1)),
    )  # fmt: skip


LAYOUT = _layout()
assert len(LAYOUT.meters) == 100


def site_text() -> str:
    """Return the site file; power is read each second, energy every ten."""
    layout = LAYOUT
    parts = [
        'format = 1\n[site]\nid = "throughput"\ntimezone = "Asia/Shanghai"\n',
        '[[bus]]\nid = "bus"\nport = "line"\nbaud = 115200\n',
    ]
    for unit, name in enumerate(layout.meters, 1):
        parts.append(
            f'[[meter]]\nid = "{name}"\nbus = "bus"\nunit = {unit}\nmap = "{MAP}"\n'
            'period = { power = "1s", energy = "10s" }\n'
        )
    parts += [f'[pool.{pool}]\ncarrier = "electricity"\n' for pool in layout.pools]
    for name, pool in layout.sources:
        physical, location = FACTORS[name]
        parts.append(
            f'[source.{name}]\ninto = "{pool}"\nmeter = "{name}"\n'
            f"factor = {{ physical = {physical}, location = {location} }}\n"
        )
    for start, source, end, target in layout.feeders:
        parts.append(
            f'[process."{start}"]\ntakes = {{ {source} = "{start}" }}\n'
            f'gives = {{ {target} = "{end}" }}\n'
        )
    for name, pool in layout.batteries:
        parts.append(
            f'[storage.{name}]\npool = "{pool}"\nmeter = "{name}"\n'
            f"efficiency = [{layout.efficiency}, {layout.efficiency}]\n"
        )
    for name, pool in layout.loads:
        parts.append(f'[sink.{name}]\nfrom = {{ {pool} = "{name}" }}\n')
    return "\n".join(parts)
