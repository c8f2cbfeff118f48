"""Whole networks through the command, against sums in fractions."""

import random
from fractions import Fraction
from pathlib import Path

import pytest
from harness.replays import kinds, replay
from harness.scenarios import counted, meters, site
from reference.sharing import Process, carbon, shares

EXACT = 1e-9
HOUR = 3600


def test_the_four_buses_exactly(tmp_path: Path) -> None:
    """Bialek's network of the oracles, with sums in fractions instead of six digits."""
    gens, loads = (
        {1: (400, Fraction("0.9")), 2: (114, Fraction("0.4"))},
        {3: 200, 4: 300},
    )
    branches = [(1, 2, 60, 59), (1, 4, 225, 218), (1, 3, 115, 112), (2, 3, 173, 171),
                (3, 4, 83, 82)]  # fmt: skip
    folder = Path(__file__).parent / "cases" / "replay"
    for losses in ("gross", "sink"):
        x = shares(
            [(f"bus-{n}", f"gen-{n}", Fraction(q)) for n, (q, _) in gens.items()],
            [
                Process(
                    {f"bus-{a}": Fraction(sent)},
                    {f"bus-{b}": Fraction(got)},
                    loss="loss" if losses == "sink" else "",
                )
                for a, b, sent, got in branches
            ],
        )
        factors = {f"gen-{n}": f for n, (_, f) in gens.items()}
        case = folder / f"bialek4-{losses}"
        found = replay(case / "site.toml", case / "readings.csv")
        for pool, its in x.items():
            factor = found["pools"][pool]["factor"]["physical"]
            assert factor == pytest.approx(float(carbon(its, factors)), rel=EXACT)
        for n, load in loads.items():
            its = found["sinks"][f"load-{n}"]
            expected = float(load * carbon(x[f"bus-{n}"], factors))
            assert its["emissions_kg"]["physical"] == pytest.approx(expected, rel=EXACT)
            for origin, share in x[f"bus-{n}"].items():
                assert its["sources"][origin] == pytest.approx(
                    float(load * share), rel=EXACT
                )
        lost = [s for name, s in found["sinks"].items() if name.startswith("loss.")]
        expected = sum(
            (sent - got) * carbon(x[f"bus-{a}"], factors)
            for a, _, sent, got in branches
        )
        total = sum(its["emissions_kg"]["physical"] for its in lost)
        assert total == pytest.approx(float(expected) if lost else 0, rel=EXACT)
        assert bool(lost) == (losses == "sink")


@pytest.mark.parametrize("seed", range(8))
def test_random_meshed_networks_with_losses(tmp_path: Path, seed: int) -> None:
    """Buses in a ring and across, flows in circles too, three steps of their own."""
    chance = random.Random(seed)
    count = chance.randint(3, 6)
    buses = [f"b{i}" for i in range(count)]
    branches = [(i, (i + 1) % count) for i in range(count)]
    branches += [tuple(chance.sample(range(count), 2)) for _ in range(2)]
    branches = list(dict.fromkeys(branches))
    losses = [chance.choice(("gross", "sink")) for _ in branches]
    factors = {f"g{i}": Fraction(7, 10) / (i + 1) for i in range(count)}
    expected = dict.fromkeys((f"load-{bus}" for bus in buses), Fraction(0))
    steps = []
    for _ in range(3):
        sent = {k: Fraction(chance.randint(10, 400), 8) for k in range(len(branches))}
        got = {k: q * Fraction(chance.randint(30, 32), 32) for k, q in sent.items()}
        net = [
            sum((got[k] for k, (_, b) in enumerate(branches) if b == i), Fraction(0))
            - sum((sent[k] for k, (a, _) in enumerate(branches) if a == i), Fraction(0))
            for i in range(count)
        ]
        gen = {
            0: Fraction(chance.randint(0, 80), 4),
            1: Fraction(chance.randint(0, 80), 4),
        }
        load = {}
        for i in range(count):
            if i in gen:
                gen[i] += max(-net[i], Fraction(0))
                load[i] = net[i] + gen[i]
            else:
                # Others have a generator of their own where they send more.
                load[i] = max(net[i], Fraction(0))
                gen[i] = load[i] - net[i]
        x = shares(
            [(buses[i], f"g{i}", q) for i, q in gen.items()],
            [
                Process(
                    {buses[a]: sent[k]},
                    {buses[b]: got[k]},
                    loss="x" if losses[k] == "sink" else "",
                )
                for k, (a, b) in enumerate(branches)
            ],
        )
        for i, bus in enumerate(buses):
            expected[f"load-{bus}"] += load[i] * carbon(x[bus], factors)
        amounts: dict[str, Fraction] = {f"gen{i}": gen[i] for i in range(count)}
        amounts |= {f"load{i}": load[i] for i in range(count)}
        amounts |= {f"sent{k}": q for k, q in sent.items()}
        amounts |= {f"got{k}": q for k, q in got.items()}
        steps.append((HOUR, amounts))
    path = site(
        tmp_path / "site.toml",
        meters("1h", "kWh", *steps[0][1]),
        *(f'[pool.{bus}]\ncarrier = "electricity"' for bus in buses),
        *(
            f'[source.g{i}]\ninto = "{bus}"\nmeter = "gen{i}"\n'
            f"factor = {float(factors[f'g{i}'])}"
            for i, bus in enumerate(buses)
        ),
        *(
            f'[sink.load-{bus}]\nfrom = {{ {bus} = "load{i}" }}'
            for i, bus in enumerate(buses)
        ),
        *(
            f'[process.branch-{k}]\nkind = "feeder"\nlosses = "{losses[k]}"\n'
            f'takes = {{ {buses[a]} = "sent{k}" }}\ngives = {{ {buses[b]} = "got{k}" }}'
            for k, (a, b) in enumerate(branches)
        ),
    )
    found = replay(path, counted(tmp_path / "r.csv", steps, begin=0))
    for name, kg in expected.items():
        its = found["sinks"][name]["emissions_kg"]["physical"]
        assert its == pytest.approx(float(kg), rel=EXACT, abs=1e-9), name
    entered = found["emissions_kg"]["physical"]
    received = sum(s["emissions_kg"]["physical"] for s in found["sinks"].values())
    assert received == pytest.approx(entered, rel=EXACT)
    assert kinds(found) == set()


FACTORY = """
[pool.lv]
carrier = "electricity"
[pool.heat]
carrier = "heat"
[pool.air]
carrier = "compressed_air"
[pool.cold]
carrier = "cooling"
[source.grid]
into = "lv"
meter = "grid"
factor = 0.5703
[source.pv]
into = "lv"
meter = "pv"
factor = 0
kind = "own"
[process.boiler]
kind = "boiler"
burns = { natural_gas = "gas" }
takes = { lv = "pump" }
factor = { natural_gas = 2.1622 }
gives = { heat = "boiler-heat" }
[process.compressor]
kind = "compressor"
takes = { lv = "compressor" }
gives = { air = "air" }
[process.absorber]
kind = "chiller"
takes = { heat = "absorber-heat", lv = "absorber-power" }
gives = { cold = "cold" }
[sink.line]
from = { lv = "line" }
[sink.line-air]
from = { air = "line-air" }
[sink.line-heat]
from = { heat = "line-heat" }
[sink.line-cold]
from = { cold = "line-cold" }
[sink.rest]
remainder_of = "lv"
[sink.air-rest]
remainder_of = "air"
[sink.heat-rest]
remainder_of = "heat"
[sink.cold-rest]
remainder_of = "cold"
"""


def test_a_factory_of_five_carriers(tmp_path: Path) -> None:
    """Gas to heat, heat and power to cold, power to air: burdens go all the way."""
    chance = random.Random(11)
    power = ("grid", "pv", "pump", "compressor", "absorber-power", "line")
    heat = ("boiler-heat", "absorber-heat", "line-heat", "cold", "line-cold")
    path = site(
        tmp_path / "site.toml",
        meters("15min", "kWh", *power),
        meters("15min", "GJ", *heat),
        meters("15min", "Nm3", "gas", "air", "line-air"),
        FACTORY,
    )
    factors = {"grid": Fraction("0.5703"), "pv": Fraction(0), "gas": Fraction("2.1622")}
    sinks = {"line": "lv", "line-air": "air", "line-heat": "heat", "line-cold": "cold"}
    kg = dict.fromkeys(sinks, Fraction(0))
    steps = []
    for _ in range(12):
        q = {name: Fraction(chance.randint(1, 64), 4) for name in (*power, *heat)}
        q |= {
            name: Fraction(chance.randint(8, 512), 8)
            for name in ("gas", "air", "line-air")
        }
        q["grid"] += q["pump"] + q["compressor"] + q["absorber-power"] + q["line"]
        q["boiler-heat"] += q["absorber-heat"] + q["line-heat"]
        q["cold"] += q["line-cold"]
        q["air"] += q["line-air"]
        x = shares(
            [("lv", "grid", q["grid"]), ("lv", "pv", q["pv"])],
            [
                Process(
                    {"lv": q["pump"]}, {"heat": q["boiler-heat"]}, {"gas": q["gas"]}
                ),
                Process({"lv": q["compressor"]}, {"air": q["air"]}),
                Process(
                    {"heat": q["absorber-heat"], "lv": q["absorber-power"]},
                    {"cold": q["cold"]},
                ),
            ],
        )
        for name, pool in sinks.items():
            kg[name] += q[name] * carbon(x[pool], factors)
        steps.append((900, q))
    found = replay(path, counted(tmp_path / "r.csv", steps), "--window", "1h")
    for name, expected in kg.items():
        its = found["sinks"][name]["emissions_kg"]["physical"]
        assert its == pytest.approx(float(expected), rel=EXACT)
        by_hour = [
            w["sinks"][name]["emissions_kg"]["physical"] for w in found["windows"]
        ]
        assert sum(by_hour) == pytest.approx(its, rel=1e-12)
    assert kinds(found) == set()


def test_a_transformer_without_a_load_loses_what_it_takes(tmp_path: Path) -> None:
    path = site(
        tmp_path / "site.toml",
        meters("15min", "kWh", "grid", "in", "out"),
        '[pool.hv]\ncarrier = "electricity"\n[pool.lv]\ncarrier = "electricity"',
        '[source.grid]\ninto = "hv"\nmeter = "grid"\nfactor = 0.5',
        '[process.tx]\nkind = "transformer"',
        'takes = { hv = "in" }\ngives = { lv = "out" }',
        '[sink.rest]\nremainder_of = "hv"\n[sink.line]\nremainder_of = "lv"',
    )
    steps = [
        (900, {"grid": 10, "in": 8, "out": Fraction("7.6")}),
        (900, {"grid": 10, "in": Fraction("0.2"), "out": 0}),
    ]
    found = replay(path, counted(tmp_path / "r.csv", steps))
    lost = found["sinks"]["loss.tx"]
    assert lost["quantity"] == pytest.approx(0.6, rel=EXACT)
    assert lost["emissions_kg"]["physical"] == pytest.approx(0.3, rel=EXACT)
    assert found["processes"]["tx"]["idle_kg"]["physical"] == 0
    assert found["sinks"]["line"]["quantity"] == pytest.approx(7.6, rel=EXACT)


def test_scaling_flows_changes_no_factor(tmp_path: Path) -> None:
    """Eight times all flows: eight times the kg; twice all factors: twice the kg."""
    chance = random.Random(4)
    names = ("grid", "pv", "pump", "compressor", "absorber-power", "line")
    heat = ("boiler-heat", "absorber-heat", "line-heat", "cold", "line-cold")
    gas = ("gas", "air", "line-air")
    counters = (
        meters("15min", "kWh", *names),
        meters("15min", "GJ", *heat),
        meters("15min", "Nm3", *gas),
    )
    path = site(tmp_path / "site.toml", *counters, FACTORY)
    doubled = FACTORY.replace("0.5703", "1.1406").replace("2.1622", "4.3244")
    other = site(tmp_path / "doubled.toml", *counters, doubled)
    steps = [
        (900, {n: Fraction(chance.randint(1, 64), 8) for n in (*names, *heat, *gas)})
        for _ in range(8)
    ]
    eight = [(s, {n: 8 * q for n, q in amounts.items()}) for s, amounts in steps]
    plain = replay(path, counted(tmp_path / "r.csv", steps, begin=0))
    scaled = replay(path, counted(tmp_path / "s.csv", eight, begin=0))
    twice = replay(other, tmp_path / "r.csv")
    for name, pool in plain["pools"].items():
        factor = pool["factor"]["physical"]
        assert scaled["pools"][name]["factor"]["physical"] == pytest.approx(factor)
        assert twice["pools"][name]["factor"]["physical"] == pytest.approx(2 * factor)
    for name, sink in plain["sinks"].items():
        kg = sink["emissions_kg"]["physical"]
        its = scaled["sinks"][name]["emissions_kg"]["physical"]
        assert its == pytest.approx(8 * kg, rel=EXACT, abs=1e-9)
        its = twice["sinks"][name]["emissions_kg"]["physical"]
        assert its == pytest.approx(2 * kg, rel=EXACT, abs=1e-9)
