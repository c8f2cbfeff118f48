"""Times as the output writes them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(time_ns: int) -> str:
    """Return a time (Unix ns) as ISO 8601, UTC, with as many digits as it needs."""
    seconds, below = divmod(time_ns, 1_000_000_000)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{below:09d}".rstrip("0") + "Z" if below else f"{text}Z"
