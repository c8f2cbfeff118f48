"""Times as ISO 8601, with an offset from UTC."""

from datetime import UTC, datetime, timedelta

from zerometer.core.alignment import NS_PER_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unix_ns(moment: datetime) -> int:
    """Return a moment, which knows its offset, as Unix time in ns."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def parse_time(text: str) -> int:
    """Return an ISO 8601 time as Unix time in ns; ValueError says what is wrong."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no offset; expected Z or such as +08:00")
    return unix_ns(moment)


def format_time(time_ns: int) -> str:
    """Return a Unix time in ns as ISO 8601, UTC, with as many digits as it needs."""
    seconds, below = divmod(time_ns, NS_PER_S)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{below:09d}".rstrip("0") + "Z" if below else f"{text}Z"
