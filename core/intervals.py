"""Intervals of a site's calendar: minutes, quarter hours, hours, days to years."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from zerometer.core.alignment import NS_PER_S, window_start

Granularity = Literal["1min", "15min", "hour", "day", "month", "year"]
_LENGTHS_NS = {
    "1min": 60 * NS_PER_S,
    "15min": 900 * NS_PER_S,
    "hour": 3600 * NS_PER_S,
}


@dataclass(slots=True)
class Calendar:
    """Cuts time into the intervals of a granularity, by the clocks of a zone."""

    granularity: Granularity
    zone: tzinfo
    _last: tuple[int, int] = (0, 0)

    def interval(self, time_ns: int) -> tuple[int, int]:
        """Return start and end (Unix ns, UTC) of the interval that holds a time."""
        if not self._last[0] <= time_ns < self._last[1]:
            self._last = self._find(time_ns)
        return self._last

    def _find(self, time_ns: int) -> tuple[int, int]:
        length_ns = _LENGTHS_NS.get(self.granularity)
        if length_ns is not None:
            start_ns = window_start(time_ns, length_ns, self.zone)
            return start_ns, start_ns + length_ns
        local = datetime.fromtimestamp(time_ns // NS_PER_S, UTC).astimezone(self.zone)
        year, month = local.year, local.month
        if self.granularity == "year":
            return self._begin(date(year, 1, 1)), self._begin(date(year + 1, 1, 1))
        if self.granularity == "day":
            today = local.date()
            return self._begin(today), self._begin(today + timedelta(days=1))
        ends = (year + 1, 1) if month == 12 else (year, month + 1)
        return self._begin(date(year, month, 1)), self._begin(date(*ends, 1))

    def _begin(self, day: date) -> int:
        """Return when a day begins; where clocks skip midnight, after the gap."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return int(midnight.timestamp()) * NS_PER_S
