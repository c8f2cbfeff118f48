"""Windows that begin where the site's clocks say so."""

from datetime import UTC, datetime, timedelta, tzinfo

NS_PER_S = 1_000_000_000
MINUTE_NS = 60 * NS_PER_S
#: Factors are constant within it, and storages begin anew with what they hold.
QUARTER_NS = 15 * MINUTE_NS


def utc_offset_ns(time_ns: int, zone: tzinfo) -> int:
    """Return how far local time in *zone* is ahead of UTC at *time_ns* (Unix, UTC)."""
    moment = datetime.fromtimestamp(time_ns // NS_PER_S, UTC).astimezone(zone)
    offset = moment.utcoffset() or timedelta()
    return round(offset.total_seconds()) * NS_PER_S


def window_start(time_ns: int, length_ns: int, zone: tzinfo) -> int:
    """Return the start (Unix ns, UTC) of the window that holds *time_ns*.

    Windows are [start, start + length), whole multiples of the length in local
    time. The length must divide 15 minutes: every zone in use today shifts by
    multiples of that, so no window is cut by a clock change.
    """
    local = time_ns + utc_offset_ns(time_ns, zone)
    return time_ns - local % length_ns
