"""Steps are cut into ticks where a storage both takes and gives."""

from array import array

import pytest

from zerometer.core.ticks import cut_into_ticks

SECOND = 10**9


def test_steps_in_which_storages_do_one_thing_stay_whole() -> None:
    energies = array("d", [5.0, 1.0, 0.0, 5.0, 0.0, 2.0])
    durations = array("q", [60 * SECOND, 30 * SECOND])
    assert cut_into_ticks(energies, durations, [(1, 2)], SECOND) == (
        energies, durations,
    )  # fmt: skip


def test_a_step_in_which_one_does_both_is_cut() -> None:
    energies = array("d", [5.0, 1.0, 2.0, 7.0, 1.0, 0.0])
    durations = array("q", [10 * SECOND, 30 * SECOND])
    found, lengths = cut_into_ticks(energies, durations, [(1, 2)], 4 * SECOND)
    assert len(lengths) == 4
    assert sum(lengths[:3]) == 10 * SECOND
    assert max(lengths[:3]) <= 4 * SECOND
    assert lengths[3] == 30 * SECOND
    for flow in range(3):
        assert sum(found[flow:9:3]) == pytest.approx(energies[flow], rel=1e-15)
    assert found[9:] == energies[3:]


def test_nothing_is_cut_of_nothing() -> None:
    empty = array("d"), array("q")
    assert cut_into_ticks(*empty, [(0, 1)], SECOND) == empty
