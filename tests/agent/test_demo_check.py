"""The demo's figures: that they are zero when all is right, and not when it is not."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from math import inf, pi, sin
from pathlib import Path

import pytest

import zerometer.config
from zerometer.agent.demo.check import (
    Served,
    Span,
    counter_step,
    energy_error_ppm,
    misled,
    power_energy_error_ppm,
    quadrature,
    received_spans,
)
from zerometer.agent.demo.scene import Truth
from zerometer.config.site import load_site
from zerometer.core.site import Site
from zerometer.drivers.simulator.factory import START_HOUR
from zerometer.drivers.simulator.wiring import Wiring

IMPORT = "active_energy_import"
HOUR_NS = 3600 * 10**9


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(Path(zerometer.config.__file__).parent / "sites/demo.toml").site


def test_spans_are_first_and_last_of_every_index() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE reading (meter, point, t_ms, value)")
        database.executemany(
            "INSERT INTO reading VALUES (?, ?, ?, ?)",
            [
                ("pv", f"{IMPORT}.index", 2000, 11.5),
                ("pv", f"{IMPORT}.index", 1000, 10.0),
                ("pv", IMPORT, 3000, 99.0),
                ("gas", "volume.index", 1000, 5.0),
            ],
        )
        assert received_spans(database) == [
            Span("gas", "volume", 1000, 1000, 0.0),
            Span("pv", IMPORT, 1000, 2000, 1.5),
        ]


def test_meters_whose_counters_a_fault_misleads_are_known(site: Site) -> None:
    harmless = ["pv:dead", "bus=rs485-a:crc-noise=1%", "line-2:late=1s@5s+9s"]
    assert misled(site, harmless) == set()
    wrong = ["pv:counter-reset@4s", "line-1:twin=turns", "line-2:ct-change=9/5@1s+1s"]
    assert misled(site, [*harmless, *wrong]) == {"pv", "line-1", "line-2"}
    everybody = {meter.id for meter in site.meters}
    assert misled(site, ["bus=rs485-a:counter-reset"]) == everybody


@pytest.mark.parametrize(
    ("gain", "error"), [(0.5, 0.0), (0.5000001, 0.2), (0.4, 200_000.0)]
)
def test_an_index_is_compared_with_the_registers_served(
    tmp_path: Path, gain: float, error: float
) -> None:
    rows = [
        {"t": t * 10**9, "meter": "pv", "point": IMPORT, "value": value}
        for t, value in ((1, 7.0), (2, 7.25), (3, 7.5), (4, 7.75))
    ]
    path = tmp_path / "served.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    served = Served(path, offset_ns=10**9)
    # What is read a little after it was answered.
    span = Span("pv", IMPORT, 2010, 4010, gain)
    assert served.value("pv", IMPORT, 4010) == 7.5
    assert energy_error_ppm([span], served) == pytest.approx(error, rel=1e-6)
    still = Span("pv", IMPORT, 2010, 2900, 0.1)
    assert energy_error_ppm([still], served) == inf
    once = Span("pv", IMPORT, 2010, 2010, 0.0)
    assert energy_error_ppm([once], served) is None


def test_energy_is_compared_with_the_integral_of_the_true_power(site: Site) -> None:
    truth = Truth(start_ns=0, served=Path(), seed=3)
    curve = Wiring(site, seed=3, start_ns=0, start_hour=START_HOUR).curves["line-2"]
    gain = curve.energy(600 * 10**9)[0] - curve.energy(0)[0]
    assert gain > 1
    span = Span("line-2", IMPORT, 0, 600_000, gain)
    assert power_energy_error_ppm([span], site, truth, 0) < 1
    wrong = replace(span, gain=span.gain * 1.01)
    assert 9000 < power_energy_error_ppm([wrong], site, truth, 0) < 10_000
    little = replace(span, gain=0.05)
    assert power_energy_error_ppm([little], site, truth, 0) is None


def test_a_counters_step_includes_the_ratios_of_the_site(site: Site) -> None:
    ratio = 600 / 5
    incomer = counter_step(site.meter("incomer"), Span("incomer", IMPORT, 0, 0, 0.0))
    assert incomer == pytest.approx(0.01 * ratio)
    gas = counter_step(site.meter("gas-main"), Span("gas-main", "volume", 0, 0, 0.0))
    assert 0 < gas < 1


@pytest.mark.parametrize(
    ("power", "integral"),
    [(lambda t: 36.0, 36.0), (lambda t: sin(pi * t / HOUR_NS), 2 / pi)],
)
def test_a_quadrature(power: Callable[[int], float], integral: float) -> None:
    assert quadrature(power, 0, HOUR_NS) == pytest.approx(integral, rel=1e-6)
    assert quadrature(power, 5, 5) == 0.0
