"""Curves integrate exactly, both signs apart, in bounded memory."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.errors import UsageError
from zerometer.drivers.simulator import plant, profiles
from zerometer.drivers.simulator.plant import Curve

SECOND = 1_000_000_000


def quadrature(curve: Curve, until_ns: int, parts: int) -> tuple[float, float]:
    """Midpoint rule over both signs, in kWh."""
    width = until_ns / parts
    powers = [curve.power(int((i + 0.5) * width)) for i in range(parts)]
    hours = width / 3.6e12
    return (
        sum(p for p in powers if p > 0) * hours,
        -sum(p for p in powers if p < 0) * hours,
    )


def test_a_curve_agrees_with_fine_quadrature() -> None:
    battery = profiles.battery(50.0, seed=3, cycle_s=20.0)
    curve = Curve(lambda n: battery(n * 1.0))
    until = int(47.3 * SECOND)
    expected = quadrature(curve, until, 40_000)
    assert curve.energy(until) == pytest.approx(expected, rel=1e-5)
    assert min(expected) > 0


def test_a_zero_crossing_is_split_exactly() -> None:
    curve = Curve(lambda n: 3600.0 * (1 - 4 * n))
    # From +3600 to -10800 kW within a second: up 0.25 s, down 0.75 s.
    imported, exported = curve.energy(SECOND)
    assert imported == pytest.approx(0.25 * 0.5)
    assert exported == pytest.approx(0.75 * 1.5)
    assert curve.energy(SECOND // 4) == pytest.approx((0.125, 0.0))


def test_indices_start_where_they_are_told() -> None:
    curve = Curve(lambda _: 36.0, initial=(1000.0, 20.0), start_ns=5 * SECOND)
    assert curve.energy(5 * SECOND) == (1000.0, 20.0)
    assert curve.energy(15 * SECOND) == pytest.approx((1000.1, 20.0))


@given(
    knots=st.lists(st.floats(-500, 500), min_size=2, max_size=12),
    times=st.lists(st.integers(0, 10**10), min_size=2, max_size=8),
)
def test_energies_never_fall(knots: list[float], times: list[int]) -> None:
    curve = Curve(lambda n: knots[n % len(knots)])
    indices = [curve.energy(t) for t in sorted(times)]
    for side in (0, 1):
        values = [index[side] for index in indices]
        for before, after in pairwise(values):
            assert after >= before - 1e-12


def test_the_balance_of_curves_is_exact() -> None:
    parts = [
        Curve(lambda n: 30.0 + n % 7),
        Curve(lambda n: -25.0 - 3 * (n % 5)),
        Curve(lambda n: 4.0 * (n % 3)),
    ]
    total = Curve(lambda n: sum(part.knot(n) for part in parts))
    for t in (0, 123_456_789, 9_999_999_999, 60 * SECOND):
        assert total.power(t) == pytest.approx(sum(p.power(t) for p in parts))
        net = [i - e for i, e in (p.energy(t) for p in parts)]
        imported, exported = total.energy(t)
        assert imported - exported == pytest.approx(sum(net), abs=1e-12)


def test_memory_is_bounded_and_old_instants_are_refused() -> None:
    curve = Curve(lambda _: 1.0)
    curve.energy(3 * plant.KEPT_KNOTS * SECOND)
    assert len(curve._power) <= 2 * plant.KEPT_KNOTS + 1
    assert curve.energy(3 * plant.KEPT_KNOTS * SECOND)[0] == pytest.approx(
        3 * plant.KEPT_KNOTS / 3600
    )
    with pytest.raises(UsageError, match="no longer known"):
        curve.power(0)


def test_an_instant_before_the_start_is_refused() -> None:
    with pytest.raises(UsageError, match="knot -1"):
        Curve(lambda _: 1.0, start_ns=SECOND).power(SECOND - 1)


@pytest.mark.parametrize(
    "profile",
    [
        profiles.production_line(60.0, 1),
        profiles.compressor(60.0, 2),
        profiles.solar(60.0, 3, 9.5),
        profiles.boiler(60.0, 4),
        profiles.steady(60.0),
    ],
)
def test_profiles_are_deterministic_and_within_their_rating(
    profile: profiles.Profile,
) -> None:
    first = [profile(float(t)) for t in range(2000)]
    assert first == [profile(float(t)) for t in range(2000)]
    assert min(first) >= 0.0
    assert max(first) <= 60.0
    assert sum(first) > 0.1 * 60.0 * 2000


def test_the_sun_sets() -> None:
    solar = profiles.solar(100.0, 1, start_hour=17.0)
    assert solar(0.0) > 0
    assert solar(2 * 3600.0) == 0.0
    assert solar(18 * 3600.0) > 0
