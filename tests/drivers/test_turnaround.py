"""Turnaround against units that are steady, jittery or change."""

from random import Random

import pytest

from zerometer.drivers.turnaround import ASSUMED_NS, TIMEOUT_FLOOR_NS, Turnaround

MS = 1_000_000
CHARACTER_NS = 1_041_666
CAP_NS = 500 * MS


#: What this machine adds to every sleep.
WAKE_NS = 80_000


def replies(turnaround: Turnaround, latencies_ns: list[int]) -> tuple[float, float]:
    """Feed true latencies; return the mean bus time lost and looks per reply."""
    lost_ns = looks = 0
    for latency_ns in latencies_ns:
        seen_ns = turnaround.look_ns + WAKE_NS
        overslept = seen_ns >= latency_ns
        if not overslept:
            seen_ns = latency_ns + WAKE_NS
        turnaround.replied(seen_ns, overslept)
        lost_ns += seen_ns - latency_ns
        looks += 1 if overslept else 2
    return lost_ns / len(latencies_ns), looks / len(latencies_ns)


def test_a_steady_unit_is_looked_at_when_it_is_done() -> None:
    turnaround = Turnaround(CHARACTER_NS, CAP_NS)
    replies(turnaround, [20 * MS] * 5)
    lost_ns, looks = replies(turnaround, [20 * MS] * 1000)
    assert lost_ns < 0.1 * MS
    assert looks < 1.4


def test_a_jittery_unit_loses_little_time() -> None:
    random = Random(1)
    turnaround = Turnaround(CHARACTER_NS, CAP_NS)
    latencies = [20 * MS + random.randrange(5 * MS) for _ in range(3000)]
    lost_ns, looks = replies(turnaround, latencies)
    assert lost_ns < 0.2 * MS
    assert looks < 1.9


@pytest.mark.parametrize("after_ms", [2, 90])
def test_a_change_is_followed(after_ms: int) -> None:
    turnaround = Turnaround(CHARACTER_NS, CAP_NS)
    replies(turnaround, [20 * MS] * 50)
    replies(turnaround, [after_ms * MS] * 50)
    lost_ns, looks = replies(turnaround, [after_ms * MS] * 100)
    assert lost_ns < 0.1 * MS
    assert looks < 1.6
    assert turnaround.filtered_ns == pytest.approx(after_ms * MS, rel=0.05)


def test_the_time_out_follows_within_floor_and_cap() -> None:
    turnaround = Turnaround(CHARACTER_NS, CAP_NS)
    assert turnaround.timeout_ns == CAP_NS
    assert turnaround.filtered_ns == ASSUMED_NS
    replies(turnaround, [5 * MS] * 50)
    assert turnaround.timeout_ns == TIMEOUT_FLOOR_NS
    replies(turnaround, [60 * MS] * 60)
    assert turnaround.timeout_ns == pytest.approx(240 * MS, rel=0.05)
    replies(turnaround, [400 * MS] * 60)
    assert turnaround.timeout_ns == CAP_NS


def test_patience_grows_with_time_outs_and_fades_with_replies() -> None:
    turnaround = Turnaround(CHARACTER_NS, CAP_NS)
    replies(turnaround, [5 * MS] * 10)
    turnaround.timed_out()
    assert turnaround.timeout_ns == 2 * TIMEOUT_FLOOR_NS
    turnaround.timed_out()
    turnaround.timed_out()
    assert turnaround.timeout_ns == CAP_NS
    replies(turnaround, [5 * MS] * 40)
    assert turnaround.timeout_ns == TIMEOUT_FLOOR_NS
    turnaround.was_late(150 * MS)
    assert turnaround.timeout_ns == 300 * MS


def test_an_unpaced_line_has_no_turnaround() -> None:
    turnaround = Turnaround(CHARACTER_NS, CAP_NS)
    turnaround.replied(-5 * MS, True)
    assert turnaround.look_ns == turnaround.filtered_ns == 0
