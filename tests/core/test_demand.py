"""The mean power of quarters, however they are laid."""

from array import array
from itertools import pairwise

import pytest
from harness.sites import small_site
from harness.totals import nothing
from hypothesis import given
from hypothesis import strategies as st

from zerometer.core.alignment import MINUTE_NS
from zerometer.core.demand import Demand, minute_energies, predicted_kw
from zerometer.core.network import Network

START = 1_800_000_000_000_000_000 // (15 * MINUTE_NS) * 15 * MINUTE_NS
#: 300 kW from minute 8 to 23, else 0.
TRACE = [0.0] * 8 + [300.0] * 15 + [0.0] * 22


def followed(powers_kw: list[float], spans: list[int]) -> Demand:
    """Return the demand of the grid after minutes of *powers_kw*, cut at *spans*."""
    network = Network(small_site())
    demand = Demand(network)
    for first, last in pairwise(spans):
        totals = nothing(network, START + first * MINUTE_NS, START + last * MINUTE_NS)
        for kw in powers_kw[first:last]:
            totals.minutes.extend([kw / 60, 0.0])
        demand.add(totals)
    return demand


def test_the_highest_demand_depends_on_how_quarters_are_laid() -> None:
    peaks = followed(TRACE, [0, 45]).peaks()["grid"]
    assert {way: peak.kw for way, peak in peaks.items()} == {
        "block": pytest.approx(160, rel=1e-12),
        "rolling": pytest.approx(260, rel=1e-12),
        "sliding": pytest.approx(300, rel=1e-12),
    }
    assert peaks["block"].end_ns == START + 30 * MINUTE_NS
    assert peaks["rolling"].end_ns == START + 25 * MINUTE_NS
    assert peaks["sliding"].end_ns == START + 23 * MINUTE_NS


def test_each_window_has_the_demand_of_its_blocks() -> None:
    network = Network(small_site())
    demand, blocks = Demand(network), []
    for block in range(3):
        first = 15 * block
        totals = nothing(
            network, START + first * MINUTE_NS, START + (first + 15) * MINUTE_NS
        )
        for kw in TRACE[first : first + 15]:
            totals.minutes.extend([kw / 60, 0.0])
        demand.add(totals)
        blocks.append(demand.window()["grid"]["block"].kw)
    assert blocks == pytest.approx([140, 160, 0], rel=1e-12)


def test_a_quarter_is_predicted_from_what_it_had_and_the_present() -> None:
    assert predicted_kw(5 * 400 / 60 + 9 * 600 / 60, 600, MINUTE_NS) == pytest.approx(
        533.333333, abs=5e-7
    )
    demand = followed([400.0] * 5 + [600.0] * 9, [0, 14])
    powers = {"grid": 600.0, "pv": 0.0}
    assert demand.predicted_kw(powers)["grid"] == pytest.approx(533.333333, abs=5e-7)


def test_the_last_demand_is_that_of_the_last_15_minutes() -> None:
    assert followed(TRACE, [0, 25]).last_kw()["grid"] == pytest.approx(13 / 15 * 300)
    assert followed(TRACE, [0, 14]).last_kw()["grid"] is None


def test_what_began_within_a_quarter_is_predicted_by_the_present() -> None:
    demand = followed([0.0] * 10 + [200.0] * 2, [10, 12])
    assert demand.predicted_kw({"grid": 200.0, "pv": 0.0})["grid"] == pytest.approx(200)


def test_a_quarter_that_was_not_all_accounted_for_has_no_demand() -> None:
    network = Network(small_site())
    demand = Demand(network)
    for first, last in ((1, 15), (20, 34)):
        totals = nothing(network, START + first * MINUTE_NS, START + last * MINUTE_NS)
        totals.minutes.extend([9.0, 0.0] * (last - first))
        demand.add(totals)
    assert demand.peaks()["grid"] == {}


@given(
    powers=st.lists(st.floats(0, 1e6), min_size=1, max_size=70),
    cuts=st.sets(st.integers(1, 69)),
)
def test_peaks_are_those_of_all_whole_intervals(
    powers: list[float], cuts: set[int]
) -> None:
    spans = sorted({0, len(powers), *(c for c in cuts if c < len(powers))})
    peaks = followed(powers, spans).peaks()["grid"]
    for way, step in (("block", 15), ("rolling", 5), ("sliding", 1)):
        means = [
            sum(powers[end - 15 : end]) / 15
            for end in range(15, len(powers) + 1)
            if end % step == 0
        ]
        assert (way in peaks) == bool(means)
        if means:
            assert peaks[way].kw == pytest.approx(max(means), rel=1e-12, abs=1e-9)


def test_steps_are_divided_over_the_minutes_that_they_touch() -> None:
    start = START + MINUTE_NS // 2
    energies = array("d", [7.0, 3.0, 7.0, 4.0])
    minutes = minute_energies(start, [MINUTE_NS, 2 * MINUTE_NS], energies, 2, [1])
    assert list(minutes) == [1.5, 1.5 + 1.0, 2.0, 1.0]
