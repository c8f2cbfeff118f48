"""Health and ProbeBudget with a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as st

from zerometer.drivers.health import (
    DOWN_AFTER_NS,
    FIRST_SPACING_NS,
    LONGEST_SPACING_NS,
    PROBE_SHARE,
    RETIRED_SPACING_NS,
    Health,
    ProbeBudget,
)

SECOND = 1_000_000_000
randoms = st.floats(0, 1, exclude_max=True)


def middle() -> float:
    return 0.5


def test_down_needs_both_time_and_cycles() -> None:
    health = Health(middle)
    assert not health.failed(0)
    assert not health.failed(DOWN_AFTER_NS - 1)
    assert not health.down
    assert health.failed(DOWN_AFTER_NS)
    assert health.down


def test_one_failure_is_never_enough_however_old() -> None:
    health = Health(middle)
    assert not health.failed(0)
    assert not health.down
    assert health.failed(3600 * SECOND)


def test_an_answer_starts_all_over() -> None:
    health = Health(middle)
    health.failed(0)
    assert not health.answered()
    assert not health.failed(5 * SECOND)
    assert not health.failed(6 * SECOND)
    assert health.failed(8 * SECOND)
    assert health.answered()
    assert not health.down
    assert not health.answered()


def test_spacing_doubles_up_to_a_minute() -> None:
    health = Health(middle)
    now = 0
    health.failed(now)
    now = 3 * SECOND
    health.failed(now)
    spacings = []
    for _ in range(9):
        spacings.append((health.next_probe_ns - now) / SECOND)
        now = health.next_probe_ns
        health.failed(now)
    assert spacings == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


@given(st.lists(randoms, min_size=12, max_size=30))
def test_spacing_stays_within_its_bounds(numbers: list[float]) -> None:
    drawn = iter(numbers)
    health = Health(lambda: next(drawn, 0.5))
    health.failed(0)
    now = 10 * SECOND
    for _ in numbers:
        health.failed(now)
        spacing_ns = health.next_probe_ns - now
        assert FIRST_SPACING_NS <= spacing_ns <= LONGEST_SPACING_NS
        now = health.next_probe_ns


@given(
    units=st.integers(1, 100),
    costs_ns=st.lists(st.integers(1, 2 * SECOND), min_size=1, max_size=60),
    number=randoms,
)
def test_probes_of_many_units_take_their_share_at_most(
    units: int, costs_ns: list[int], number: float
) -> None:
    """However many units are down: all probes but the latest within 5 % of the time."""
    sick = [Health(lambda: number) for _ in range(units)]
    for health in sick:
        health.failed(0)
        health.failed(DOWN_AFTER_NS)
    budget = ProbeBudget()
    start_ns = now_ns = DOWN_AFTER_NS
    spent_ns = 0
    for cost_ns in costs_ns:
        health = min(sick, key=lambda health: health.next_probe_ns)
        now_ns = max(now_ns, health.next_probe_ns, budget.free_ns)
        assert spent_ns <= PROBE_SHARE * (now_ns - start_ns) * (1 + 1e-9)
        now_ns += cost_ns
        spent_ns += cost_ns
        health.failed(now_ns)
        budget.charge(now_ns, cost_ns)


def test_every_sick_unit_gets_its_turn() -> None:
    sick = [Health(middle) for _ in range(20)]
    for health in sick:
        health.failed(0)
        health.failed(DOWN_AFTER_NS)
    probed = []
    now_ns = 0
    for _ in range(40):
        health = min(sick, key=lambda health: health.next_probe_ns)
        now_ns = max(now_ns, health.next_probe_ns)
        health.failed(now_ns)
        probed.append(sick.index(health))
    assert sorted(probed[:20]) == sorted(probed[20:]) == list(range(20))


def test_what_was_refused_is_tried_once_a_day() -> None:
    health = Health(lambda: 0.5)
    health.retire(7)
    assert health.down
    assert health.next_probe_ns == 7 + RETIRED_SPACING_NS
    assert not health.failed(RETIRED_SPACING_NS + 9)
    assert health.next_probe_ns == 2 * RETIRED_SPACING_NS + 9
    assert health.answered()
    assert not health.down
    assert not health.failed(0), "as new"


def test_who_trips_is_probed_soon() -> None:
    health = Health(lambda: 0.5)
    health.trip(1000)
    assert health.down
    assert health.next_probe_ns == 1000 + FIRST_SPACING_NS
