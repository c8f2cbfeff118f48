"""What providers say in their forms, and what becomes of it."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.upstream import Reply, Upstream, upstream
from hypothesis import given
from hypothesis import strategies as st

from zerometer.agent.factors.electricity_maps import ElectricityMaps
from zerometer.agent.factors.feed import FeedError, Said
from zerometer.agent.factors.forms import open_feed
from zerometer.agent.factors.uk_carbon_intensity import UkCarbonIntensity
from zerometer.agent.factors.watched_csv import WatchedCsv
from zerometer.core.factor import FactorRow
from zerometer.core.iso_time import format_time, parse_time
from zerometer.core.site import FeedSettings

NOW = parse_time("2026-03-01T10:20:00Z")
HOUR = 3600 * 10**9

#: As of the provider's /v3: two hours, and a bad and an empty one.
HISTORY: dict[str, Any] = {
    "zone": "CN",
    "history": [
        {
            "zone": "CN", "carbonIntensity": 581,
            "datetime": "2026-03-01T08:00:00.000Z",
            "updatedAt": "2026-03-01T09:45:12.345Z",
            "createdAt": "2026-02-26T08:45:09.000Z",
            "emissionFactorType": "lifecycle", "isEstimated": False,
            "estimationMethod": None, "temporalGranularity": "hourly",
        },
        {
            "zone": "CN", "carbonIntensity": 575.5,
            "datetime": "2026-03-01T09:00:00.000Z",
            "updatedAt": "2026-03-01T09:45:12.345Z",
            "emissionFactorType": "lifecycle", "isEstimated": True,
            "estimationMethod": "TIME_SLICER_AVERAGE",
            "temporalGranularity": "hourly",
        },
        {"zone": "CN", "carbonIntensity": None, "datetime": "2026-03-01T10:00:00Z"},
        {"zone": "CN", "carbonIntensity": 99999, "datetime": "2026-03-01T07:00:00Z"},
    ],
    "temporalGranularity": "hourly",
}  # fmt: skip
FORECAST: dict[str, Any] = {
    "zone": "CN",
    "forecast": [
        {"carbonIntensity": 560, "datetime": "2026-03-01T11:00:00.000Z"},
        {"carbonIntensity": 555, "datetime": "2026-03-03T11:00:00.000Z"},
    ],
    "updatedAt": "2026-03-01T10:01:00.000Z",
    "temporalGranularity": "hourly",
}
HALF_HOURS: dict[str, Any] = {
    "data": [
        {
            "from": "2026-03-01T09:30Z", "to": "2026-03-01T10:00Z",
            "intensity": {"forecast": 266, "actual": 263, "index": "moderate"},
        },
        {
            "from": "2026-03-01T10:00Z", "to": "2026-03-01T10:30Z",
            "intensity": {"forecast": 270, "actual": None, "index": "moderate"},
        },
    ]
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream() as running:
        yield running


def answering(server: Upstream, *answers: Any) -> str:
    """Let the server answer so; return its address."""
    for answer in answers:
        body = answer if isinstance(answer, Reply) else Reply(body=_bytes(answer))
        server.script.append(body)
    return f"http://127.0.0.1:{server.server_port}"


def _bytes(answer: Any) -> bytes:
    return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def maps(url: str) -> ElectricityMaps:
    return ElectricityMaps(
        FeedSettings(id="em", series="cn", form="electricity-maps", url=url, zone="CN")
    )


def uk(url: str, zone: str = "") -> UkCarbonIntensity:
    return UkCarbonIntensity(
        FeedSettings(
            id="uk", series="gb", form="uk-carbon-intensity", url=url, zone=zone
        )
    )


def brief(said: Said) -> list[tuple[str, str, float, str]]:
    return [
        (format_time(r.t0_ns)[8:16], format_time(r.t1_ns)[8:16], r.value, r.status)
        for r in said.rows
    ]


def test_electricity_maps(server: Upstream) -> None:
    feed = maps(answering(server, HISTORY, FORECAST))
    said = feed.poll(NOW)
    assert brief(said) == [
        ("01T08:00", "01T09:00", 0.581, "measured"),
        ("01T09:00", "01T10:00", pytest.approx(0.5755, rel=1e-15), "preliminary"),
        ("01T11:00", "01T12:00", pytest.approx(0.56, rel=1e-15), "forecast"),
    ]
    assert [row.published_ns for row in said.rows] == [
        parse_time("2026-03-01T09:45:12.345Z"),
        parse_time("2026-03-01T09:45:12.345Z"),
        parse_time("2026-03-01T10:01:00Z"),
    ]
    assert {(r.series, r.provider, r.basis, r.fetched_ns) for r in said.rows} == {
        ("cn", "electricity-maps", "lifecycle", NOW)
    }
    (bad,) = said.bad
    assert bad.where == "history CN"
    assert bad.reason == "value: 99.999 kg/kWh is not within 0 to 2"
    assert said.trouble == ""
    assert [request.path for request in server.requests] == [
        "/v3/carbon-intensity/history?zone=CN",
        "/v3/carbon-intensity/forecast?zone=CN",
    ]


def test_electricity_maps_asked_for_the_latest_only(server: Upstream) -> None:
    latest = {**HISTORY["history"][1]}
    url = answering(server, latest)
    said = maps(f"{url}/v3/carbon-intensity/latest").poll(NOW)
    assert [(value, status) for *_, value, status in brief(said)] == [
        (pytest.approx(0.5755, rel=1e-15), "preliminary")
    ]
    (request,) = server.requests
    assert request.path == "/v3/carbon-intensity/latest?zone=CN"


def test_electricity_maps_without_forecasts_in_the_plan(server: Upstream) -> None:
    refused = Reply(403, body=b'{"error":"forecast is not in your plan"}')
    said = maps(answering(server, HISTORY, refused)).poll(NOW)
    assert len(said.rows) == 2
    assert said.trouble.startswith("forecast: 403 Forbidden: ")


def test_electricity_maps_in_finer_steps_and_direct(server: Upstream) -> None:
    url = answering(server, {**HISTORY, "history": [
        {"carbonIntensity": 100, "datetime": "2026-03-01T08:05:00Z",
         "temporalGranularity": "5_minutes"},
        {"carbonIntensity": 100, "datetime": "2026-03-01T08:05:00Z",
         "temporalGranularity": "yearly"},
        {"carbonIntensity": 100, "datetime": "2026-03-01T08:05:00Z",
         "emissionFactorType": "net"},
    ]}, FORECAST)  # fmt: skip
    feed = maps(f"{url}/?emissionFactorType=direct")
    said = feed.poll(NOW)
    first = said.rows[0]
    assert (first.t1_ns - first.t0_ns, first.basis) == (HOUR // 12, "direct")
    assert first.published_ns == NOW
    assert [bad.reason for bad in said.bad] == [
        "temporalGranularity: 'yearly' is not known",
        "emissionFactorType: 'net' is not known",
    ]
    assert server.requests[0].path == (
        "/v3/carbon-intensity/history?emissionFactorType=direct&zone=CN"
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "answer: answer: [] is not an object"),
        ({"zone": "CN"}, "answer: history: None is not a list"),
        ({"zone": "DE", "history": []}, "answer: zone: 'DE', not CN"),
        (Reply(401, body=b""), "401 Unauthorized"),
    ],
)
def test_electricity_maps_that_says_something_else(
    server: Upstream, answer: Any, reason: str
) -> None:
    with pytest.raises(FeedError) as caught:
        maps(answering(server, answer)).poll(NOW)
    assert str(caught.value) == reason


def test_uk_carbon_intensity(server: Upstream) -> None:
    said = uk(answering(server, HALF_HOURS)).poll(NOW)
    assert brief(said) == [
        ("01T09:30", "01T10:00", pytest.approx(0.266, rel=1e-15), "forecast"),
        ("01T09:30", "01T10:00", pytest.approx(0.263, rel=1e-15), "measured"),
        ("01T10:00", "01T10:30", pytest.approx(0.27, rel=1e-15), "forecast"),
    ]
    (request,) = server.requests
    assert request.path == "/intensity/2026-02-28T10:00Z/2026-03-02T10:00Z"


def test_uk_carbon_intensity_of_a_region(server: Upstream) -> None:
    regional = {"data": {"regionid": 13, "shortname": "London", **HALF_HOURS}}
    said = uk(answering(server, regional), "13").poll(NOW)
    assert len(said.rows) == 3
    (request,) = server.requests
    assert request.path == (
        "/regional/intensity/2026-02-28T10:00Z/2026-03-02T10:00Z/regionid/13"
    )


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (7, "is not an object"),
        ({}, "intensity: is not an object"),
        ({"intensity": {"forecast": "1"}}, "forecast: '1' is not a number"),
        ({"intensity": {"forecast": True}}, "forecast: True is not a number"),
        ({"intensity": {"forecast": 10**400}}, "forecast: 1000"),
        ({"intensity": {"actual": 1}}, "from: None is not a time"),
        ({"intensity": {"actual": 1}, "from": "?"}, "from: '?' is not an ISO 8601"),
    ],
)
def test_uk_carbon_intensity_with_a_bad_part(
    server: Upstream, part: Any, reason: str
) -> None:
    said = uk(answering(server, {"data": [part, *HALF_HOURS["data"]]})).poll(NOW)
    assert len(said.rows) == 3
    assert [bad.reason.startswith(reason) for bad in said.bad] == [True]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["CN", "2026-03-01T10:00Z", "hourly", "9999-12-31T00:00Z"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "data", "history", "forecast", "zone", "intensity", "from", "to",
            "actual", "carbonIntensity", "datetime", "updatedAt", "isEstimated",
            "temporalGranularity", "emissionFactorType",
        ]),
        inner,
        max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_no_answer_is_too_odd(answer: Any) -> None:
    """Whatever comes is rows, or set aside, or refused."""

    class Client:
        def get(self, url: str) -> Any:
            return answer

    for feed in (maps("http://h"), uk("http://h"), uk("http://h", "1")):
        feed._client = Client()  # type: ignore[assignment]
        try:
            said = feed.poll(NOW)
        except FeedError:
            continue
        assert all(isinstance(row, FactorRow) for row in said.rows)


HEAD = "series,t0,t1,value,unit\n"
LINE = "cn,2026-03-01T0{0}:00Z,2026-03-01T0{1}:00Z,0.5,kg/kWh\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cn.csv"


@pytest.fixture
def watched(file: Path) -> WatchedCsv:
    return WatchedCsv(FeedSettings(id="f", series="cn", form="csv", path=str(file)))


def test_a_file_is_read_when_it_has_changed(file: Path, watched: WatchedCsv) -> None:
    with pytest.raises(FeedError, match=r"cn\.csv: No such file"):
        watched.poll(NOW)
    file.write_text(HEAD + LINE.format(1, 2))
    assert len(watched.poll(NOW).rows) == 1
    assert watched.poll(NOW) == Said()
    file.write_text(HEAD + LINE.format(1, 2) + LINE.format(2, 3))
    assert len(watched.poll(NOW).rows) == 2
    # As long as before, but written later.
    file.write_text(HEAD + LINE.format(3, 4) + LINE.format(4, 5))
    os.utime(file, ns=(NOW, NOW))
    assert [row.t0_ns for row in watched.poll(NOW).rows] == [
        parse_time("2026-03-01T03:00Z"),
        parse_time("2026-03-01T04:00Z"),
    ]


def test_lines_of_other_series_are_not_its_business(
    file: Path, watched: WatchedCsv
) -> None:
    other = LINE.replace("cn", "de").format(1, 2)
    file.write_text(HEAD + other)
    with pytest.raises(FeedError, match="no line of the series cn"):
        watched.poll(NOW)
    file.write_text(HEAD + other + LINE.format(1, 2) + "cn,?\n")
    said = watched.poll(NOW)
    assert [row.series for row in said.rows] == ["cn"]
    assert [bad.where for bad in said.bad] == ["cn.csv:4"]


def test_a_file_that_is_no_table_is_told_until_it_is_one(
    file: Path, watched: WatchedCsv
) -> None:
    file.write_text("time,value\n")
    for _ in range(2):
        with pytest.raises(FeedError, match="no column series"):
            watched.poll(NOW)


def test_each_form_has_its_feed(file: Path) -> None:
    settings = FeedSettings(id="f", series="s", form="csv", path=str(file))
    assert isinstance(open_feed(settings), WatchedCsv)
    of_maps = replace(settings, form="electricity-maps", url="http://h", zone="CN")
    assert isinstance(open_feed(of_maps), ElectricityMaps)
    of_uk = replace(settings, form="uk-carbon-intensity", url="http://h")
    assert isinstance(open_feed(of_uk), UkCarbonIntensity)
