"""The form of the Carbon Intensity API of Great Britain: half-hours, free of charge.

``/intensity/FROM/TO`` has forecast and actual values of the country,
``/regional/intensity/FROM/TO/regionid/N`` forecasts of a region.
"""

from typing import Any
from urllib.parse import urlsplit

from zerometer.agent.factors.feed import AHEAD_NS, BACK_NS, Said
from zerometer.agent.factors.http_json import JsonClient
from zerometer.agent.factors.json_rows import (
    collect,
    list_of,
    number_of,
    object_of,
    time_of,
)
from zerometer.agent.factors.polled import Polled
from zerometer.core.factor import FactorRow, Status, in_our_unit
from zerometer.core.iso_time import format_time
from zerometer.core.site import FeedSettings

PROVIDER = "uk-carbon-intensity"
HALF_HOUR_NS = 1800 * 10**9
#: What an intensity has, and what that is to us.
STATUSES: dict[str, Status] = {"forecast": "forecast", "actual": "measured"}


class UkCarbonIntensity(Polled):
    """Asks for a day back and a day ahead; ``zone`` is a region's number, or empty."""

    def __init__(self, settings: FeedSettings) -> None:
        super().__init__(JsonClient("Authorization", settings.token_file))
        self._settings = settings

    def poll(self, now_ns: int) -> Said:
        """Return the last day and the next one."""
        answer = object_of(self._client.get(self._address(now_ns)), "answer")
        parts = answer.get("data")
        if self._settings.zone:
            parts = object_of(parts, "data").get("data")
        return collect(
            list_of(parts, "data"), "data", lambda part: self._rows(part, now_ns)
        )

    def _address(self, now_ns: int) -> str:
        edge_ns = now_ns - now_ns % HALF_HOUR_NS
        start, end = edge_ns - BACK_NS, edge_ns + AHEAD_NS
        span = "/".join(f"{format_time(time)[:16]}Z" for time in (start, end))
        url = urlsplit(self._settings.url)
        path = f"{url.path.rstrip('/')}/intensity/{span}"
        if zone := self._settings.zone:
            path = f"{url.path.rstrip('/')}/regional/intensity/{span}/regionid/{zone}"
        return url._replace(path=path, fragment="").geturl()

    def _rows(self, part: dict[str, Any], now_ns: int) -> list[FactorRow]:
        intensity = part.get("intensity")
        if not isinstance(intensity, dict):
            raise ValueError("intensity: is not an object")
        rows = []
        for name, status in STATUSES.items():
            said = number_of(intensity, name)
            if said is None:
                continue
            value, unit = in_our_unit(said, "g/kWh")
            rows.append(
                FactorRow(
                    series=self._settings.series,
                    t0_ns=time_of(part, "from"),
                    t1_ns=time_of(part, "to"),
                    value=value,
                    unit=unit,
                    status=status,
                    provider=PROVIDER,
                    published_ns=now_ns,
                    fetched_ns=now_ns,
                )
            )
        return rows
