"""Factors by the clock: what counts at an hour of a month, in the site's zone."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from zerometer.core.alignment import NS_PER_S


def profile_value(
    values: Sequence[Sequence[float]], time_ns: int, zone: tzinfo
) -> float:
    """Return the value of *values*, 12 months of 24 hours, at *time_ns* (Unix, UTC).

    Which month and hour it is, the clocks on the wall in *zone* say: an hour that
    they repeat in autumn counts twice, one that they leave out in spring never.
    """
    local = datetime.fromtimestamp(time_ns // NS_PER_S, UTC).astimezone(zone)
    return values[local.month - 1][local.hour]
