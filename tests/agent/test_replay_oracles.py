"""Worked numbers through the command: a site file and readings in, JSON out.

A case is a folder: ``site.toml``, ``readings.csv``, maybe ``factors.csv`` or
``certificates.csv``, and ``expected.json``: the options, how close numbers come
(``relative``), a part of the output, and which kinds of flags there are.
"""

import json
from fractions import Fraction
from math import log, sqrt
from pathlib import Path
from typing import Any

import pytest
from harness.replays import differences, kinds, replay

CASES = Path(__file__).parent / "cases" / "replay"


def replayed(case: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is expected of a case and what comes out."""
    folder = CASES / case
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert expected.keys() == {"about", "options", "relative", "output", "flags"}
    options = list(expected["options"])
    for name in ("factors", "certificates"):
        if (folder / f"{name}.csv").exists():
            options += [f"--{name}", folder / f"{name}.csv"]
    return expected, replay(folder / "site.toml", folder / "readings.csv", *options)


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    expected, found = replayed(case)
    assert differences(expected["output"], found, expected["relative"]) == []
    assert {kind for kind, _ in kinds(found)} == set(expected["flags"])


#: As the oracles, which are rounded, but to the last digit.
EXACT = 1e-9
FUEL_KG, POWER_KWH, HEAT_KWH = 202.0, 350.0, 450.0
#: Log-mean temperature of 90 and 70 degC, and 10 degC around, K.
CARNOT = 1 - 283.15 / (20 / log(363.15 / 343.15))


@pytest.mark.parametrize(
    ("case", "power", "heat"),
    [
        ("energy", 1.0, 1.0),
        ("efficiency", 1 / 0.35, 1 / 0.80),
        ("alternative", 1 / 0.53, 1 / 0.90),
        ("defra", 2.0, 1.0),
        ("exergy", 1.0, CARNOT),
    ],
)
def test_chp_exactly(case: str, power: float, heat: float) -> None:
    """Each output has a weight per kWh, by which it gets its part of the burden."""
    _, found = replayed(f"chp-{case}")
    total = power * POWER_KWH + heat * HEAT_KWH
    for sink, part in (("power", power * POWER_KWH), ("heat", heat * HEAT_KWH)):
        kg = found["sinks"][sink]["emissions_kg"]["physical"]
        assert kg == pytest.approx(FUEL_KG * part / total, rel=EXACT)
    factor = found["pools"]["lv"]["factor"]["physical"]
    assert factor == pytest.approx(FUEL_KG * power / total, rel=EXACT)


@pytest.mark.parametrize(
    ("case", "factor"), [("power-bonus", 0.5306), ("power-bonus-negative", 0.6096)]
)
def test_power_bonus_exactly(case: str, factor: float) -> None:
    """Heat has what the power does not stand for, also where that is negative."""
    _, found = replayed(f"chp-{case}")
    heat = found["sinks"]["heat"]["emissions_kg"]["physical"]
    assert heat == pytest.approx(FUEL_KG - POWER_KWH * factor, rel=EXACT)


def test_reconcile_exactly() -> None:
    """main = sub-1 + sub-2: what is missing is divided by variance."""
    _, found = replayed("reconcile")
    x = [Fraction(1000), Fraction(600), Fraction(420)]
    variance = [Fraction("10") ** 2, Fraction("12") ** 2, Fraction("8.4") ** 2]
    lack = x[0] - x[1] - x[2]
    by = lack / sum(variance)
    expected = [
        x[0] - variance[0] * by,
        x[1] + variance[1] * by,
        x[2] + variance[2] * by,
    ]
    balance = found["balances"]["lv"]
    for name, value in zip(("grid", "sub-1", "sub-2"), expected, strict=True):
        assert balance["adjusted"][name] == pytest.approx(float(value), rel=EXACT)
    assert balance["chi2"] == pytest.approx(float(lack * by), rel=EXACT)


def test_uncertainty_exactly() -> None:
    _, found = replayed("uncertainty")
    grid = 530_600 * sqrt(2**2 + 5**2) / 100
    gas = 400_000 * sqrt(1.5**2 + 3**2) / 100
    its = found["uncertainty"]["location"]
    assert its["half_width_kg"] == pytest.approx(sqrt(grid**2 + gas**2), rel=EXACT)
    assert its["percent"] == pytest.approx(
        100 * sqrt(grid**2 + gas**2) / 930_600, rel=EXACT
    )
