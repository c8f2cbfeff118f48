"""What a site file says of its graph, as the types of the accounting."""

from dataclasses import replace
from pathlib import Path

import pytest

from zerometer.config.site import LoadedSite, load_site
from zerometer.core import allocation
from zerometer.core.site import (
    Combination,
    Factor,
    Measure,
    Pool,
    SharedService,
    StateOfCharge,
)

SITE = """
format = 1
[site]
id = "works"
timezone = "Asia/Shanghai"
ABOUT
[[meter]]
id = "main"
points = { active_energy_import = "kWh", active_energy_export = "kWh", active_power = "kW" }
[[meter]]
id = "m"
points = { a = "kWh", b = "MWh", c = "kWh", heat = "GJ", cold = "GJ", gas = "Nm3", air = "Nm3", soc = "%", pcs = "pcs", hours = "h", lids = "pcs" }
[pool.lv]
carrier = "electricity"
[source.grid]
into = "lv"
meter = "main"
FACTOR
[sink.rest]
remainder_of = "lv"
MORE
"""  # noqa: E501
HEAT = """
[pool.heat]
carrier = "heat"
[sink.heat]
remainder_of = "heat"
"""
CHP = """
[process.chp]
kind = "chp"
burns = { natural_gas = "m:gas" }
gives = { lv = "m:a", heat = "m:heat" }
"""


def load(
    folder: Path, more: str = "", *, about: str = "", factor: str = "factor = 0.5"
) -> LoadedSite:
    path = folder / "site.toml"
    text = SITE.replace("MORE", more).replace("ABOUT", about).replace("FACTOR", factor)
    path.write_text(text, encoding="utf-8")
    return load_site(path)


def warnings_of(loaded: LoadedSite) -> list[str]:
    return [f"{w.where}: {w.key}: {w.message}" for w in loaded.warnings]


def values(factors: dict[str, Factor]) -> dict[str, float]:
    return {view: factor.value for view, factor in factors.items()}


FOUR = ("physical", "location", "market", "gb32150")


def test_one_factor_serves_four_views(tmp_path: Path) -> None:
    site = load(tmp_path).site
    (grid,) = site.sources
    assert site.views == FOUR
    assert values(dict(grid.factors)) == dict.fromkeys(FOUR, 0.5)
    assert {factor.id for factor in grid.factors.values()} == {"source.grid"}
    assert (grid.kind, grid.carbon_free_share) == ("bought", 0.0)


def test_own_generation_is_free_of_carbon_but_not_of_a_footprint(
    tmp_path: Path,
) -> None:
    more = '[source.pv]\ninto = "lv"\nmeter = "m:a"\nfactor = 0\nkind = "own"'
    loaded = load(tmp_path, more, factor="factor = { location = 0.5, pcf = 0.6 }")
    grid, pv = loaded.site.sources
    assert (pv.kind, pv.carbon_free_share) == ("own", 1.0)
    assert set(pv.factors) == set(FOUR)
    assert grid.factors["pcf"].value == 0.6
    assert loaded.site.views == FOUR
    assert warnings_of(loaded) == [
        'site: : the view pcf is left out: no factor for it of source "pv"'
    ]


def test_a_meter_that_no_agent_reads_is_told_beside_one_that_is_read(
    tmp_path: Path,
) -> None:
    more = """[[bus]]
    id = "b"
    port = "tcp://127.0.0.1:1502"
    [[meter]]
    id = "press"
    bus = "b"
    unit = 1
    map = "eastron-sdm630"
    [sink.press]
    from = { lv = "press" }"""
    told = "has no bus: only a replay knows what it counts, no running agent"
    assert warnings_of(load(tmp_path, more)) == [
        f': meter[0]: "main" {told}',
        f': meter[1]: "m" {told}',
    ]


def test_views_that_all_sources_have_are_accounted_for(tmp_path: Path) -> None:
    loaded = load(tmp_path, factor="factor = { market = 0.5, upstream = 0.1, pcf = 0 }")
    assert loaded.site.views == (*FOUR, "upstream", "pcf")
    assert loaded.warnings == ()


def test_views_are_those_that_the_file_names(tmp_path: Path) -> None:
    about = 'views = ["market", "physical"]\nmatching = "hour"\nevents = "events.csv"'
    site = load(tmp_path, about=about).site
    assert site.views == ("physical", "market")
    assert site.matching == "hour"
    assert site.events == str(tmp_path / "events.csv")


def test_shipped_factors_that_do_not_fit_are_warned_of(tmp_path: Path) -> None:
    factor = (
        'factor = { location = "cn-grid-footprint/2024/national",'
        ' market = "cn-grid/2021/national", pcf = "cn-grid/2023/national" }'
    )
    assert warnings_of(load(tmp_path, factor=factor)) == [
        'source "grid": factor: location: "cn-grid-footprint/2024/national" is a '
        "lifecycle factor, needed is a direct one",
        'source "grid": factor: market: "cn-grid/2021/national" is not verified: '
        "nobody has compared it with its source",
        'source "grid": factor: pcf: "cn-grid/2023/national" is a direct factor, '
        "needed is a lifecycle one",
    ]


def test_a_shipped_factor_of_low_confidence_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        """
        format = 1
        site = { id = "yard", timezone = "Asia/Shanghai" }
        meter = [{ id = "belt", points = { mass = "t" } }]
        pool.yard.carrier = "diesel"
        source.coal.into = "yard"
        source.coal.meter = "belt"
        source.coal.factor = "cn-fuel/bituminous/power-boiler"
        sink.rest.remainder_of = "yard"
        """
    )
    assert warnings_of(load_site(path)) == [
        'source "coal": factor: "cn-fuel/bituminous/power-boiler" is of low confidence'
    ]


def test_a_series_with_what_holds_without_it(tmp_path: Path) -> None:
    factor = (
        'factor = { location = { series = "live", fallback = "cn-grid/2023/national",'
        " uncertainty = 5 }, market = { value = 0.6, uncertainty = 3 } }"
    )
    feed = '[[feed]]\nid = "watched"\nseries = "live"\nform = "csv"\npath = "live.csv"'
    loaded = load(tmp_path, feed, factor=factor)
    (grid,) = loaded.site.sources
    assert grid.factors["location"] == Factor(
        value=0.5306, unit="kg/kWh", id="live", series="live", uncertainty_percent=5.0
    )
    assert grid.factors["market"] == Factor(
        value=0.6, unit="kg/kWh", id="source.grid:market", uncertainty_percent=3.0
    )
    (settings,) = loaded.site.feeds
    assert (settings.path, settings.period_ns) == (
        str(tmp_path / "live.csv"),
        900 * 10**9,
    )
    assert loaded.warnings == ()


def test_a_series_that_nothing_brings_and_one_that_nothing_uses(
    tmp_path: Path,
) -> None:
    more = f"""
    [profile.day]
    values = {[0.5] * 24}
    [[feed]]
    id = "far"
    form = "mqtt"
    url = "mqtts://broker.example.com/factors/east"
    """
    factor = 'factor = { series = "live", fallback = 0.5 }'
    loaded = load(tmp_path, more, factor=factor)
    assert warnings_of(loaded) == [
        'source "grid": factor: no feed or profile brings the series "live"; '
        "until one is imported, its fallback holds",
        ": profile.day: no factor uses this series",
        ': feed[0]: no factor uses its series, "far"',
    ]


@pytest.mark.parametrize("months", [1, 12])
def test_a_profile_has_a_row_for_each_month(tmp_path: Path, months: int) -> None:
    row = [hour / 100 for hour in range(24)]
    stated = row if months == 1 else [row] * 12
    factor = 'factor = { series = "day", fallback = 0.5 }'
    loaded = load(tmp_path, f"[profile.day]\nvalues = {stated}", factor=factor)
    (profile,) = loaded.site.profiles
    assert (profile.series, profile.unit) == ("day", "kg/kWh")
    assert profile.values == (tuple(row),) * 12


def test_a_virtual_meter_is_a_sum_with_signs(tmp_path: Path) -> None:
    more = """
    [virtual.users]
    unit = "MWh"
    plus = ["m:a", "m:b"]
    [virtual.rest]
    unit = "kWh"
    plus = ["main"]
    minus = ["users"]
    [sink.rest-of-it]
    from = { lv = "rest" }
    [sink.half]
    from = { lv = { meter = "users", times = 500 } }
    """
    _, rest, half = load(tmp_path, more).site.sinks
    main = Measure(meter="main", counter="active_energy_import", power="active_power")
    a, b = (Measure(meter="m", counter=n, times=t) for n, t in (("a", 1), ("b", 1e3)))
    assert rest.measure == Combination(id="rest", terms=((1, main), (-1, a), (-1, b)))
    terms = half.measure.terms if isinstance(half.measure, Combination) else ()
    assert [(sign, m.counter, m.times) for sign, m in terms] == [
        (1, "a", 0.5),
        (1, "b", 500.0),
    ]


def test_losses_of_branches_are_a_sink_unless_carried(tmp_path: Path) -> None:
    more = """
    [pool.mv]
    carrier = "electricity"
    [process.one]
    kind = "transformer"
    takes = { lv = "m:a" }
    gives = { mv = "m:b" }
    [process.two]
    kind = "feeder"
    takes = { lv = "m:c" }
    gives = { mv = { meter = "m:gas", times = 1.0 } }
    losses = "gross"
    [process.three]
    takes = { lv = { meter = "m:gas", times = 2.0 } }
    gives = { mv = { meter = "m:heat", times = 1.0 } }
    [sink.mv]
    remainder_of = "mv"
    """
    processes = load(tmp_path, more).site.processes
    assert [(p.kind, p.losses) for p in processes] == [
        ("transformer", "sink"),
        ("feeder", "gross"),
        ("generic", "gross"),
    ]


def outputs() -> dict[str, Pool]:
    return {
        "lv": Pool(id="lv", carrier="electricity", unit="kWh"),
        "heat": Pool(id="heat", carrier="heat", unit="GJ"),
    }


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ('"defra"', allocation.defra(outputs())),
        ('"efficiency"', allocation.efficiency(outputs(), 0.35, 0.8)),
        (
            '{ method = "efficiency", power = 0.4, heat = 0.9 }',
            allocation.efficiency(outputs(), 0.4, 0.9),
        ),
        ('"alternative"', allocation.alternative(outputs(), 0.53, 0.9)),
        (
            '{ method = "exergy", temperatures = { heat = [90, 70] }, ambient = 10 }',
            allocation.exergy(outputs(), {"heat": (90, 70)}, 10),
        ),
        (
            '{ method = "power_bonus", factor = "cn-grid/2023/national" }',
            allocation.power_bonus(outputs(), 0.5306),
        ),
    ],
)
def test_an_allocation_is_by_its_method(
    tmp_path: Path, stated: str, expected: object
) -> None:
    more = HEAT + CHP + f"allocation = {stated}"
    (process,) = load(tmp_path, more).site.processes
    assert process.allocation["physical"] == process.allocation["pcf"] == expected


def test_an_allocation_by_view_leaves_the_others_by_energy(tmp_path: Path) -> None:
    more = HEAT + CHP + 'allocation = { market = "defra", gb32150 = "energy" }'
    (process,) = load(tmp_path, more).site.processes
    assert {v: a.method for v, a in process.allocation.items()} == {
        "market": "defra",
        "gb32150": "energy",
    }
    (fuel,) = process.fuels
    assert (fuel.biogenic, fuel.factors["gb32150"].id) == (
        False,
        "cn-fuel/natural-gas",
    )


def test_recovered_heat_of_a_compressor_has_no_burden(tmp_path: Path) -> None:
    more = """
    [pool.air]
    carrier = "compressed_air"
    [sink.air]
    remainder_of = "air"
    [process.c]
    kind = "compressor"
    takes = { lv = "m:a" }
    gives = { air = "m:air", heat = "m:heat" }
    """
    (process,) = load(tmp_path, HEAT + more).site.processes
    stated = process.allocation["physical"]
    assert (stated.method, stated.weights) == ("main", {"air": 1.0, "heat": 0.0})


def test_biogas_is_biogenic(tmp_path: Path) -> None:
    more = """
    [process.boiler]
    kind = "boiler"
    burns = { biogas = "m:gas" }
    gives = { heat = "m:heat" }
    factor = { biogas = 0 }
    """
    (process,) = load(tmp_path, HEAT + more).site.processes
    (fuel,) = process.fuels
    assert fuel.biogenic
    assert fuel.factors["location"].id == "fuel.boiler.biogas"


def test_what_a_storage_says_of_itself(tmp_path: Path) -> None:
    more = """
    [storage.battery]
    pool = "lv"
    charge = "m:a"
    discharge = "m:c"
    standby = "sink"
    capacity = 200
    state_of_charge = { meter = "m:soc", empty = 5, full = 98 }
    """
    (storage,) = load(tmp_path, more).site.storages
    assert (storage.standby, storage.capacity) == ("sink", 200.0)
    assert storage.state_of_charge == StateOfCharge(
        meter="m", point="soc", empty=5.0, full=98.0
    )


def test_a_full_storage_of_unknown_capacity_is_warned_of(tmp_path: Path) -> None:
    more = """
    [storage.battery]
    pool = "lv"
    charge = "m:a"
    discharge = "m:c"
    state_of_charge = { meter = "m:soc", empty = 5, full = 98 }
    """
    assert warnings_of(load(tmp_path, more)) == [
        'storage "battery": state_of_charge: says when it is empty only: without '
        "capacity, full is no amount"
    ]


def test_products_and_what_they_share(tmp_path: Path) -> None:
    more = """
    [product.housing]
    name = "壳体"
    good = "m:pcs"
    [product.lid]
    unit = "kg"
    good = { meter = "m:lids", times = 0.2 }
    [sink.line]
    kind = "line"
    from = { lv = "m:a" }
    product = "housing"
    [sink.light]
    kind = "shared"
    from = { lv = "m:b" }
    drivers = { housing = "m:hours", lid = { meter = "m:lids", times = 0.01 } }
    [sink.export]
    kind = "export"
    from = { lv = "main:active_energy_export" }
    factor = "cn-grid/2023/national"
    """
    loaded = load(tmp_path, more)
    site = loaded.site
    assert loaded.warnings == ()
    housing, lid = site.products
    assert (housing.name, housing.unit, lid.name, lid.unit) == (
        "壳体",
        "pcs",
        "lid",
        "kg",
    )
    assert lid.good == Measure(meter="m", counter="lids", times=0.2)
    assert {sink.id: (sink.kind, sink.product) for sink in site.sinks} == {
        "rest": ("remainder", ""),
        "line": ("line", "housing"),
        "light": ("shared", ""),
        "export": ("export", ""),
    }
    assert site.shared == (
        SharedService(
            sink="light",
            drivers={
                "housing": Measure(meter="m", counter="hours"),
                "lid": Measure(meter="m", counter="lids", times=0.01),
            },
        ),
    )
    export = site.sinks[3].factor
    assert export is not None
    assert (export.value, export.id) == (0.5306, "cn-grid/2023/national")


def test_a_pool_that_is_balanced_and_its_nominal_rate(tmp_path: Path) -> None:
    more = """
    [pool.mv]
    carrier = "electricity"
    balance = true
    nominal = 630
    [source.mv]
    into = "mv"
    meter = "m:a"
    factor = 0.5
    [sink.mv]
    from = { mv = "m:c" }
    """
    lv, mv = load(tmp_path, more).site.pools
    assert mv == replace(lv, id="mv", balanced=True, nominal=630.0)


def test_limits_of_a_meter(tmp_path: Path) -> None:
    more = """
    [[meter]]
    id = "other"
    points = { energy = "Wh", volume = "Nm3", power = "kW" }
    max_power = 160
    max_rate = { volume = 120 }
    uncertainty = 1.5
    """
    meter = load(tmp_path, more).site.meter("other")
    assert meter.max_rate == {"energy": 160_000.0, "volume": 120.0}
    assert meter.uncertainty_percent == 1.5


def test_a_grid_by_its_export_counter_is_suspicious(tmp_path: Path) -> None:
    more = """
    [pool.mv]
    carrier = "electricity"
    [source.mv]
    into = "mv"
    meter = "main:active_energy_export"
    factor = 0.5
    [sink.mv]
    kind = "export"
    from = { mv = "main:active_energy_import" }
    """
    assert warnings_of(load(tmp_path, more)) == [
        'source "mv": meter: counts exports, and sink "mv" leaves by its imports: '
        "are they the wrong way round?"
    ]


def test_a_product_that_nothing_makes_and_what_nobody_shares(tmp_path: Path) -> None:
    more = """
    [product.lid]
    good = "m:lids"
    [sink.light]
    kind = "shared"
    from = { lv = "m:b" }
    """
    assert warnings_of(load(tmp_path, more)) == [
        'product "lid": : no sink makes it: give one product = "lid"',
        'sink "light": kind: is shared, and no drivers say by whom: no product has it',
    ]
