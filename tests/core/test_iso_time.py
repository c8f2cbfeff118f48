"""Times as text, and back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zerometer.core.factor import LATEST_NS
from zerometer.core.iso_time import format_time, parse_time, unix_ns


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T08:00:00+08:00", 1_772_323_200 * 10**9),
        ("2026-03-01T00:00:00.25Z", 1_772_323_200_250_000_000),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
def test_a_time_is_read(text: str, time_ns: int) -> None:
    assert parse_time(text) == time_ns


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("yesterday", "'yesterday' is not an ISO 8601 time"),
        ("2026-03-01T08:00", "has no offset; expected Z or such as"),
        ("9" * 99, f"^'{'9' * 40}' is not"),
    ],
)
def test_what_is_no_time_is_said(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_time(text)


@given(st.integers(0, LATEST_NS // 1000))
@example(1_772_323_200_000_001)
def test_a_time_that_is_written_is_read_again(time_us: int) -> None:
    text = format_time(time_us * 1000)
    assert text.endswith("Z") and text[10] == "T"
    assert parse_time(text) == time_us * 1000
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    assert unix_ns(moment) == time_us * 1000


def test_no_digit_is_written_too_many_or_too_few() -> None:
    assert format_time(1_500_000_000) == "1970-01-01T00:00:01.5Z"
    assert format_time(1_000_000_001) == "1970-01-01T00:00:01.000000001Z"
