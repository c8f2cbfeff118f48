"""A site of forty pools with loops, storages and many sinks, as a site file."""

from collections.abc import Iterator

TRANSFORMERS, PANELS = 4, 8
HALLS = ("冲压 Stamping", "焊装 Welding", "涂装 Paint", "总装 Assembly")


def large_site() -> str:
    """Return a site file: its meters have no bus."""
    return "\n".join([*_head(), *_power(), *_utilities()])


def _head() -> Iterator[str]:
    yield "format = 1"
    yield '[site]\nid = "works-40"\nname = "大厂 Forty pools"\ntimezone = "UTC"'


def _meter(name: str, unit: str = "kWh", title: str = "") -> str:
    return f'[[meter]]\nid = "{name}"\nname = "{title}"\npoints = {{ v = "{unit}" }}'


def _pool(name: str, carrier: str = "electricity") -> str:
    return f'[pool.{name}]\ncarrier = "{carrier}"'


def _sink(name: str, pool: str) -> str:
    return f'[sink.{name}]\nkind = "line"\nfrom = {{ {pool} = "{name}" }}'


def _rest(pool: str) -> str:
    return f'[sink.{pool}-rest]\nremainder_of = "{pool}"'


def _power() -> Iterator[str]:
    """Yield a ring main with transformers, panels behind each, and a tie."""
    yield _meter("incomer", title="进线 Incomer")
    yield _pool("hv")
    yield '[source.grid]\ninto = "hv"\nmeter = "incomer"\nfactor = 0.55'
    for t in range(1, TRANSFORMERS + 1):
        yield _pool(f"lv-{t}")
        yield from _branch(f"t{t}", "transformer", "hv", f"lv-{t}", HALLS[t - 1])
        yield _meter(f"pv-{t}", title=f"光伏 PV {t}")
        yield f'[source.pv-{t}]\ninto = "lv-{t}"\nmeter = "pv-{t}"\nfactor = 0'
        yield _rest(f"lv-{t}")
        for p in range(1, PANELS + 1):
            panel = f"panel-{t}-{p}"
            yield _pool(panel)
            yield from _branch(f"f{t}-{p}", "feeder", f"lv-{t}", panel)
            yield _meter(f"line-{t}-{p}", title=f"产线 Line {t}.{p}")
            yield _sink(f"line-{t}-{p}", panel)
            yield _rest(panel)
    # Two halls can feed each other: a loop.
    yield from _branch("tie-12", "feeder", "lv-1", "lv-2")
    yield from _branch("tie-21", "feeder", "lv-2", "lv-1")
    yield _meter("charge")
    yield _meter("discharge")
    yield '[storage.battery]\npool = "lv-1"\ncharge = "charge"\ndischarge = "discharge"'


def _branch(
    name: str, kind: str, pool: str, behind: str, title: str = ""
) -> Iterator[str]:
    yield _meter(f"{name}-in", title=title)
    yield _meter(f"{name}-out")
    yield f'[process.{name}]\nkind = "{kind}"'
    yield f'takes = {{ {pool} = "{name}-in" }}\ngives = {{ {behind} = "{name}-out" }}'


def _utilities() -> Iterator[str]:
    """Yield air, steam, heat and cold; heat of the compressors goes back to heat."""
    for name, unit in (
        ("gas", "Nm3"), ("steam", "GJ"), ("air", "Nm3"), ("waste-heat", "GJ"),
        ("heat-in", "GJ"), ("heat", "GJ"), ("cold", "GJ"), ("chiller-heat", "GJ"),
        ("compressor", "kWh"), ("chiller", "kWh"),
    ):  # fmt: skip
        yield _meter(name, unit)
    for name, carrier in (
        ("steam", "steam"), ("heat", "heat"), ("air", "compressed_air"),
        ("cold", "cooling"),
    ):  # fmt: skip
        yield _pool(name, carrier)
        yield _rest(name)
    yield '[process.boiler]\nkind = "boiler"\nburns = { natural_gas = "gas" }'
    yield 'gives = { steam = "steam" }'
    yield '[process.exchanger]\ntakes = { steam = "heat-in" }'
    yield 'gives = { heat = "heat" }'
    yield '[process.compressors]\nkind = "compressor"\ntakes = { lv-3 = "compressor" }'
    yield 'gives = { air = "air", heat = "waste-heat" }'
    yield '[process.absorption-chiller]\nkind = "chiller"'
    yield 'takes = { heat = "chiller-heat", panel-4-8 = "chiller" }'
    yield 'gives = { cold = "cold" }'
