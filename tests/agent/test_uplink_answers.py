"""The answer table of an HTTP uplink, and how long it waits."""

import json
from email.message import Message
from http.client import HTTPMessage

import pytest

from zerometer.agent.uplink.answers import judge
from zerometer.agent.uplink.base import CAP_S, RETRY_AFTER_CAP_S, Backoff, Outcome

ACCEPTED, RETRY, PAUSE = Outcome.ACCEPTED, Outcome.RETRY, Outcome.PAUSE


def headers(**fields: str) -> HTTPMessage:
    message: Message = HTTPMessage()
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    assert isinstance(message, HTTPMessage)
    return message


def error(code: str) -> bytes:
    return json.dumps({"error": code, "message": f"about {code}"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", ACCEPTED),
        (200, b'{"status": "duplicate"}', ACCEPTED),
        (201, b"", ACCEPTED),
        (204, b"", ACCEPTED),
        (409, error("duplicate"), ACCEPTED),
        (202, b"", RETRY),
        (408, b"", RETRY),
        (409, error("in-progress"), RETRY),
        (425, b"", RETRY),
        (429, b"", RETRY),
        (500, b"<html>", RETRY),
        (502, b"", RETRY),
        (503, error("busy"), RETRY),
        (504, b"", RETRY),
        (599, b"", RETRY),
        (409, error("identity-conflict"), PAUSE),
        (409, b"<html>", PAUSE),
        (400, error("body-hash"), PAUSE),
        (400, b"a proxy speaking", PAUSE),
        (422, error("body-hash"), PAUSE),
        (401, b"", PAUSE),
        (403, b"", PAUSE),
        (404, b"", PAUSE),
        (413, error("too-large"), PAUSE),
        (415, b"", PAUSE),
        (206, b"", PAUSE),
        (301, b"", PAUSE),
        (418, b"[1]", PAUSE),
    ],
)
def test_answers(status: int, body: bytes, outcome: Outcome) -> None:
    answer = judge(status, headers(), body)
    assert answer.outcome is outcome
    assert (answer.reason == "") is (outcome is ACCEPTED)
    assert outcome is ACCEPTED or answer.reason.startswith(str(status))


def test_a_reason_names_the_receivers_error() -> None:
    answer = judge(400, headers(), error("body-hash"))
    assert answer.reason == "400 body-hash about body-hash"


def test_a_web_page_is_not_a_receivers_success() -> None:
    """A captive portal answers 200 to everything."""
    answer = judge(200, headers(Content_Type="text/html; charset=utf-8"), b"<html>")
    assert answer.outcome is PAUSE


@pytest.mark.parametrize(
    ("fields", "wait_s"),
    [
        ({}, 0.0),
        ({"Retry_After": "120"}, 120.0),
        ({"Retry_After": " 7 "}, 7.0),
        ({"Retry_After": "-5"}, 0.0),
        ({"Retry_After": "soon"}, 0.0),
        ({"Retry_After": "²"}, 0.0),
        (
            {
                "Date": "Sun, 06 Nov 2022 08:49:37 GMT",
                "Retry_After": "Sun, 06 Nov 2022 08:50:07 GMT",
            },
            30.0,
        ),
        (
            {
                "Date": "Sun, 06 Nov 2022 08:49:37 GMT",
                "Retry_After": "Sun, 06 Nov 2022 08:49:07 GMT",
            },
            0.0,
        ),
        ({"Retry_After": "Sun, 06 Nov 2022 08:50:07 GMT"}, 0.0),
        # One of the two without a zone: they cannot be compared.
        (
            {
                "Date": "Sun, 06 Nov 2022 08:49:37 GMT",
                "Retry_After": "Sun, 06 Nov 2022 08:50:07 -0000",
            },
            0.0,
        ),
    ],
)
def test_retry_after(fields: dict[str, str], wait_s: float) -> None:
    assert judge(503, headers(**fields), b"").retry_after_s == wait_s


def test_waits_double_up_to_a_cap_and_start_over() -> None:
    backoff = Backoff(1.0, draw=lambda: 1.0)
    assert [backoff.next_s() for _ in range(12)] == [
        1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, CAP_S, CAP_S,
    ]  # fmt: skip
    backoff.reset()
    assert backoff.next_s() == 1.0


def test_jitter_is_full_and_what_the_other_side_asks_for_is_a_minimum() -> None:
    draws = iter([0.0, 0.25, 0.5, 0.5, 0.5])
    backoff = Backoff(8.0, draw=lambda: next(draws))
    assert backoff.next_s() == 0.0
    assert backoff.next_s() == 4.0
    assert backoff.next_s(at_least_s=120.0) == 120.0
    assert backoff.next_s(at_least_s=3.0) == 32.0
    assert backoff.next_s(at_least_s=1e9) == RETRY_AFTER_CAP_S
