"""How long a gateway is held up by units that do not answer."""

from zerometer.drivers.lines.backlog import LONGEST_HOLD_NS, Backlog

S = 1_000_000_000


def held(times: int = 1) -> Backlog:
    """A backlog that was held up for a second so many times, and is empty."""
    backlog = Backlog()
    for _ in range(times):
        backlog.unanswered(1, 0)
        backlog.answered(1, S)
    return backlog


def test_nothing_is_waited_for_without_reason() -> None:
    backlog = Backlog()
    backlog.caught_up(5 * S, 5 * S, late=False)
    backlog.answered(3, 6 * S)
    assert not backlog.waits
    assert backlog.likely_ns == backlog.surely_ns == 0


def test_at_first_the_next_unit_is_waited_for_as_long_as_any_gateway_waits() -> None:
    backlog = Backlog()
    backlog.unanswered(1, 10 * S)
    assert backlog.waits
    assert backlog.likely_ns == 10 * S  # nothing is waited for before it
    assert backlog.surely_ns == 10 * S + LONGEST_HOLD_NS


def test_the_time_of_a_late_answer_is_learnt() -> None:
    backlog = held()
    assert not backlog.waits
    backlog.unanswered(2, 10 * S)
    assert backlog.likely_ns == 10 * S + S * 7 // 8
    assert backlog.surely_ns == 12 * S


def test_the_next_unit_tells_when_a_silent_gateway_is_free() -> None:
    backlog = Backlog()
    backlog.unanswered(1, 0)
    backlog.caught_up(S, 2 * S, late=True)
    backlog.unanswered(3, 10 * S)
    assert backlog.likely_ns == 10 * S + 2 * S * 7 // 8


def test_who_is_answered_as_usual_was_not_held_up() -> None:
    backlog = held()
    for number in range(50):
        backlog.unanswered(2 * number, number * S)
        backlog.caught_up(number * S + S // 2, number * S + S // 2, late=False)
    backlog.unanswered(200, 100 * S)
    assert backlog.likely_ns < 100 * S + S // 100
    assert backlog.surely_ns < 101 * S


def test_one_quick_answer_tells_that_a_gateway_is_never_held_up() -> None:
    backlog = Backlog()
    backlog.unanswered(1, 0)
    backlog.caught_up(S // 2, S // 2 + 1, late=False)
    backlog.unanswered(3, 10 * S)
    assert backlog.likely_ns == 10 * S
    assert backlog.surely_ns == 10 * S + S // 2


def test_requests_are_worked_at_one_after_the_other() -> None:
    backlog = held()
    backlog.unanswered(7, 10 * S)
    backlog.unanswered(8, 11 * S)
    assert backlog.surely_ns == 12 * S
    backlog.answered(7, 11 * S)
    assert backlog.waits
    assert backlog.surely_ns == 13 * S
    backlog.answered(8, 12 * S)
    assert not backlog.waits


def test_what_nobody_waits_for_any_more_begins_anew() -> None:
    backlog = held()
    backlog.unanswered(7, 10 * S)
    backlog.unanswered(8, 10 * S + LONGEST_HOLD_NS)
    assert backlog.likely_ns > 10 * S + LONGEST_HOLD_NS


def test_no_gateway_is_believed_to_wait_for_ever() -> None:
    backlog = Backlog()
    backlog.unanswered(1, 0)
    backlog.answered(1, 3600 * S)
    backlog.unanswered(2, 4000 * S)
    assert backlog.surely_ns == 4000 * S + LONGEST_HOLD_NS
