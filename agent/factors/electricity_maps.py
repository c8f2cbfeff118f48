"""The form of Electricity Maps: carbon intensity by zone, hourly or finer.

``/v3/carbon-intensity/history`` gives the last 24 hours, ``/forecast`` what is to
come, ``/latest`` one value. What is estimated is measured later, and revised for
months.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from zerometer.agent.factors.feed import AHEAD_NS, FeedError, Said
from zerometer.agent.factors.http_json import JsonClient
from zerometer.agent.factors.json_rows import (
    collect,
    list_of,
    number_of,
    object_of,
    shown,
    time_of,
)
from zerometer.agent.factors.polled import Polled
from zerometer.core.alignment import MINUTE_NS
from zerometer.core.factor import Basis, FactorRow, Status, in_our_unit
from zerometer.core.site import FeedSettings

PROVIDER = "electricity-maps"
PATH = "/v3/carbon-intensity"
#: Addresses that are asked alone, if the site file names one of them.
PARTS = ("/history", "/forecast", "/latest")
#: Under which names answers have lists; the latest value stands alone.
LISTS = ("history", "forecast", "data")
#: How long a value holds, by ``temporalGranularity``; hourly where it is not said.
STEPS_NS = {
    "5_minutes": 5 * MINUTE_NS,
    "15_minutes": 15 * MINUTE_NS,
    "hourly": 60 * MINUTE_NS,
}
#: What the provider counts unless it is asked for the other.
BASIS: Basis = "lifecycle"


class ElectricityMaps(Polled):
    """Asks for what was, and for what is expected."""

    def __init__(self, settings: FeedSettings) -> None:
        super().__init__(JsonClient("auth-token", settings.token_file))
        self._settings = settings
        self._asked = dict(parse_qsl(urlsplit(settings.url).query))

    def poll(self, now_ns: int) -> Said:
        """Return the last day and the next one; or what one address of them has."""
        url = urlsplit(self._settings.url)
        if url.path.endswith(PARTS):
            return self._said(self._client.get(self._address(url.path)), now_ns)
        path = f"{url.path.rstrip('/')}{PATH}"
        said = self._said(self._client.get(self._address(f"{path}/history")), now_ns)
        try:
            answer = self._client.get(self._address(f"{path}/forecast"))
            ahead = self._said(answer, now_ns)
        except FeedError as error:
            # Not every plan includes it: what was measured is taken all the same.
            said.trouble = f"forecast: {error}"
        else:
            said.rows += ahead.rows
            said.bad += ahead.bad
        return said

    def _address(self, path: str) -> str:
        query = urlencode({**self._asked, "zone": self._settings.zone})
        url = urlsplit(self._settings.url)
        return url._replace(path=path, query=query, fragment="").geturl()

    def _said(self, answer: Any, now_ns: int) -> Said:
        """Return the rows of an answer: a list under its name, or one value."""
        whole = object_of(answer, "answer")
        zone = whole.get("zone")
        if zone != self._settings.zone:
            raise FeedError(f"answer: zone: {shown(zone)}, not {self._settings.zone}")
        key = next((key for key in LISTS if key in whole), "history")
        one = key not in whole and "carbonIntensity" in whole
        parts = [whole] if one else list_of(whole.get(key), key)
        forecast = key == "forecast"

        def rows_of(part: dict[str, Any]) -> list[FactorRow]:
            status: Status = "preliminary" if part.get("isEstimated") else "measured"
            return self._rows(
                {**whole, **part}, "forecast" if forecast else status, now_ns
            )

        said = collect(parts, f"{key} {zone}", rows_of)
        said.rows = [row for row in said.rows if row.t0_ns < now_ns + AHEAD_NS]
        return said

    def _rows(
        self, part: dict[str, Any], status: Status, now_ns: int
    ) -> list[FactorRow]:
        intensity = number_of(part, "carbonIntensity")
        if intensity is None:
            return []
        value, unit = in_our_unit(intensity, "g/kWh")
        granularity = part.get("temporalGranularity", "hourly")
        if granularity not in STEPS_NS:
            raise ValueError(f"temporalGranularity: {shown(granularity)} is not known")
        start_ns = time_of(part, "datetime")
        return [
            FactorRow(
                series=self._settings.series,
                t0_ns=start_ns,
                t1_ns=start_ns + STEPS_NS[granularity],
                value=value,
                unit=unit,
                basis=self._basis(part),
                status=status,
                provider=PROVIDER,
                published_ns=time_of(part, "updatedAt")
                if part.get("updatedAt")
                else now_ns,
                fetched_ns=now_ns,
            )
        ]

    def _basis(self, part: dict[str, Any]) -> Basis:
        """Return what is counted: as the answer says, or as was asked."""
        asked = self._asked.get("emissionFactorType", BASIS)
        said = part.get("emissionFactorType", asked)
        if said == "lifecycle":
            return "lifecycle"
        if said == "direct":
            return "direct"
        raise ValueError(f"emissionFactorType: {shown(said)} is not known")
