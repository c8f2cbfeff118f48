"""Frames that no meter should send: no crash, no hang, and no value from them."""

from harness.hostile import exchange_frames, judge_frames

from zerometer.core.verdict import Verdict
from zerometer.drivers.outcome import Outcome


def test_the_judge_says_of_each_what_the_reference_says() -> None:
    verdicts = judge_frames(50_000, seed=1)
    assert verdicts.total() == 50_000
    assert verdicts.keys() == {verdict.name for verdict in Verdict}


def test_an_exchange_takes_nothing_else_for_a_reply() -> None:
    outcomes = exchange_frames(3000, seed=2, meters=20)
    assert outcomes.total() == 3000
    assert outcomes.keys() >= {verdict.name for verdict in Verdict}
    assert Outcome.LOST.name not in outcomes
    assert outcomes["TIMEOUT"] < 300
