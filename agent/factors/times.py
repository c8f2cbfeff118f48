"""Times as providers write them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str) -> int:
    """Return an ISO 8601 time as Unix time in ns; ValueError says what is wrong."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no offset; expected Z or such as +08:00")
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def format_time(time_ns: int) -> str:
    """Return a Unix time in ns as ISO 8601 in UTC, to the second."""
    moment = EPOCH + timedelta(microseconds=time_ns // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
