"""Windows over clock changes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from zerometer.core.alignment import window_start

MINUTE = 60 * 10**9
QUARTER = 15 * MINUTE


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Europe/Berlin", "2026-03-29T00:00:00+01:00", 23),
        ("Europe/Berlin", "2026-10-25T00:00:00+02:00", 25),
        ("America/New_York", "2026-03-08T00:00:00-05:00", 23),
        ("America/New_York", "2026-11-01T00:00:00-04:00", 25),
        ("Australia/Lord_Howe", "2026-04-05T00:00:00+11:00", 24.5),
        ("Asia/Shanghai", "2026-03-29T00:00:00+08:00", 24),
        ("Asia/Kathmandu", "2026-03-29T00:00:00+05:45", 24),
    ],
)
@pytest.mark.parametrize("length", [MINUTE, QUARTER])
def test_a_day_is_tiled_without_gap_or_overlap(
    zone: str, first: str, hours: float, length: int
) -> None:
    tz = ZoneInfo(zone)
    start = ns(first)
    end = start + round(hours * 3600) * 10**9
    assert datetime.fromtimestamp(end // 10**9, tz).strftime("%H:%M") == "00:00"
    for offset in range(0, end - start, length):
        edge = start + offset
        assert window_start(edge, length, tz) == edge
        assert window_start(edge + length - 1, length, tz) == edge
        minute = datetime.fromtimestamp(edge // 10**9, tz).minute
        assert minute % (length // MINUTE) == 0


def test_windows_are_local_not_utc() -> None:
    tz = ZoneInfo("Asia/Kathmandu")
    start = window_start(ns("2026-05-01T10:07:30+05:45"), QUARTER, tz)
    local = datetime.fromtimestamp(start // 10**9, UTC).astimezone(tz)
    assert local.isoformat() == "2026-05-01T10:00:00+05:45"
