"""Allowance: what a unit that keeps failing may waste of its bus's time."""

from hypothesis import given
from hypothesis import strategies as st

from zerometer.drivers.allowance import BURST_NS, WASTE_SHARE, Allowance

SECOND_NS = 1_000_000_000


def test_a_burst_is_allowed_then_it_takes_its_time() -> None:
    allowance = Allowance()
    now_ns = 1000 * SECOND_NS
    attempts = 0
    while not allowance.spent(now_ns):
        now_ns += 600_000_000
        allowance.waste(now_ns, 600_000_000)
        attempts += 1
    assert attempts == 2
    assert allowance.spent(now_ns + 7 * SECOND_NS)
    assert not allowance.spent(now_ns + 9 * SECOND_NS)


def test_one_time_out_now_and_then_is_nothing() -> None:
    allowance = Allowance()
    for minute in range(100):
        now_ns = minute * 60 * SECOND_NS
        allowance.waste(now_ns, 600_000_000)
        assert not allowance.spent(now_ns)


@given(st.lists(st.integers(1, SECOND_NS), min_size=1, max_size=200))
def test_over_long_times_no_more_than_its_share_is_wasted(costs: list[int]) -> None:
    """Who tries as soon as it may, wastes the burst, the share, and one attempt."""
    allowance = Allowance()
    start_ns = now_ns = 1000 * SECOND_NS
    wasted = 0
    for cost_ns in costs:
        while allowance.spent(now_ns):
            now_ns += SECOND_NS
        now_ns += cost_ns
        allowance.waste(now_ns, cost_ns)
        wasted += cost_ns
    assert wasted <= BURST_NS + WASTE_SHARE * (now_ns - start_ns) + max(costs)
