"""The answer table: what each answer makes of a batch, and how long is waited."""

import json
from email.message import Message
from http.client import HTTPMessage
from typing import Any

import pytest
from harness.batches import EPOCH

import zerometer.agent.receiver.errors  # noqa: F401 (its words count as well)
from zerometer.agent.batch import Missing
from zerometer.agent.uplink.answers import MAX_RESEND, judge, judge_reply
from zerometer.agent.uplink.backoff import CAP_S, RETRY_AFTER_CAP_S, Backoff
from zerometer.agent.uplink.base import Outcome
from zerometer.core.errors import FormatError

ACCEPTED, RETRY, PAUSE = Outcome.ACCEPTED, Outcome.RETRY, Outcome.PAUSE
REJECTED, CONFLICT = Outcome.REJECTED, Outcome.CONFLICT
TOO_LARGE = Outcome.TOO_LARGE


def headers(**fields: str) -> HTTPMessage:
    message: Message = HTTPMessage()
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    assert isinstance(message, HTTPMessage)
    return message


def error(code: str, **more: Any) -> bytes:
    document = {"error": code, "message": f"about {code}"} | more
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", ACCEPTED),
        (200, b'{"status": "stored"}', ACCEPTED),
        (200, b'{"status": "duplicate"}', ACCEPTED),
        (200, error("store-busy"), RETRY),
        (200, error("bad-crc"), REJECTED),
        (201, b"", ACCEPTED),
        (204, b"", ACCEPTED),
        (409, error("duplicate"), ACCEPTED),
        (409, b'{"status": "duplicate"}', ACCEPTED),
        (400, b'{"status": "duplicate"}', PAUSE),
        (202, b"", RETRY),
        (408, b"", RETRY),
        (409, error("in-progress"), RETRY),
        (425, b"", RETRY),
        (429, b"", RETRY),
        (500, b"<html>", RETRY),
        (500, error("store-failed"), RETRY),
        (500, error("bad-crc"), RETRY),
        (502, b"", RETRY),
        (503, error("store-busy"), RETRY),
        (504, b"", RETRY),
        (599, b"", RETRY),
        (409, error("identity-conflict"), CONFLICT),
        (409, b"<html>", PAUSE),
        (409, error("who-knows"), PAUSE),
        (400, error("bad-crc"), REJECTED),
        (400, error("bad-table"), REJECTED),
        (400, error("truncated"), REJECTED),
        (422, error("bad-column"), REJECTED),
        (400, error("too-large"), TOO_LARGE),
        (413, error("too-large"), TOO_LARGE),
        (413, b"<html>of a proxy", TOO_LARGE),
        # Not our receiver, or one of ours that is older than we are.
        (400, error("Bad Request"), PAUSE),
        (400, b"a proxy speaking", PAUSE),
        (400, b'["bad-crc"]', PAUSE),
        (400, b"[" * 100_000, PAUSE),
        (422, b"", PAUSE),
        (400, error("newer-format"), PAUSE),
        (400, error("unknown-codec"), PAUSE),
        (401, b"", PAUSE),
        (403, b"", PAUSE),
        (403, error("bad-crc"), PAUSE),
        (404, b"", PAUSE),
        (415, b"", PAUSE),
        (206, b"", PAUSE),
        (301, b"", PAUSE),
        (418, b"[1]", PAUSE),
    ],
)
def test_answers_over_http(status: int, body: bytes, outcome: Outcome) -> None:
    answer = judge(status, headers(), body)
    assert answer.outcome is outcome
    assert (answer.reason == "") is (outcome is ACCEPTED)
    assert status == 200 or outcome is ACCEPTED or answer.reason.startswith(str(status))


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        ({"status": "stored"}, ACCEPTED),
        ({"status": "duplicate", "resend": []}, ACCEPTED),
        ({"error": "duplicate"}, ACCEPTED),
        ({"error": "in-progress"}, RETRY),
        ({"error": "store-busy", "retry_after_s": 2}, RETRY),
        ({"error": "store-failed"}, RETRY),
        ({"error": "store-gone"}, RETRY),
        ({"error": "a-word-of-tomorrow", "retry_after_s": 2}, RETRY),
        ({"error": "a-word-of-tomorrow", "retry_after_s": "2"}, PAUSE),
        ({"error": "a-word-of-tomorrow", "retry_after_s": True}, PAUSE),
        ({"error": "a-word-of-tomorrow"}, PAUSE),
        ({"error": "forged-source"}, PAUSE),
        ({"error": "newer-format"}, PAUSE),
        ({"error": "bad-hash"}, REJECTED),
        ({"error": "identity-conflict"}, CONFLICT),
        ({"error": "too-large"}, TOO_LARGE),
        ({"status": "seen"}, PAUSE),
        ({"status": ["stored"]}, PAUSE),
        ({}, PAUSE),
        ([], PAUSE),
        (None, PAUSE),
    ],
)
def test_answers_by_message(document: Any, outcome: Outcome) -> None:
    answer = judge_reply(document)
    assert answer.outcome is outcome
    assert (answer.reason == "") is (outcome is ACCEPTED)


def codes(error: type[FormatError]) -> set[str]:
    return {error.code}.union(*map(codes, error.__subclasses__()))


def test_every_word_for_what_is_no_batch_is_known() -> None:
    """Of a receiver older than we are, a batch may be taken when it was updated."""
    outcomes = {
        code: judge_reply({"error": code}).outcome for code in codes(FormatError)
    }
    others = {code: one for code, one in outcomes.items() if one is not REJECTED}
    assert others == {
        "too-large": TOO_LARGE,
        "newer-format": PAUSE,
        "unknown-codec": PAUSE,
    }


def test_a_reason_names_the_receivers_error() -> None:
    answer = judge(400, headers(), error("bad-crc"))
    assert (answer.code, answer.reason) == ("bad-crc", "400 bad-crc about bad-crc")
    answer = judge_reply({"error": "bad-crc", "message": "about"})
    assert (answer.code, answer.reason) == ("bad-crc", "bad-crc about")


def test_what_a_stranger_says_is_cut() -> None:
    answer = judge(400, headers(), error("x" * 10_000, message="y" * 10_000))
    assert len(answer.reason) < 500


def test_a_web_page_is_not_a_receivers_success() -> None:
    """A captive portal answers 200 to everything."""
    answer = judge(200, headers(Content_Type="text/html; charset=utf-8"), b"<html>")
    assert answer.outcome is PAUSE


RANGE = {"epoch": EPOCH.hex(), "stream": "ledger", "first": 3, "last": 7}


@pytest.mark.parametrize(
    ("resend", "count"),
    [
        ([RANGE], 1),
        ([RANGE | {"first": 7}, RANGE], 2),
        ([RANGE] * (MAX_RESEND + 5), MAX_RESEND),
        ([], 0),
        (None, 0),
        ("ledger", 0),
        (["ledger", 3, None, RANGE], 1),
        ([RANGE | {"epoch": "0102"}], 0),
        ([RANGE | {"epoch": 7}], 0),
        ([RANGE | {"epoch": "no hex at all"}], 0),
        ([RANGE | {"stream": None}], 0),
        ([RANGE | {"first": 0}], 0),
        ([RANGE | {"first": 8}], 0),
        ([RANGE | {"first": True}], 0),
        ([RANGE | {"last": 7.0}], 0),
    ],
)
def test_what_a_receiver_lacks(resend: Any, count: int) -> None:
    document = {"status": "stored", "resend": resend}
    asked = judge_reply(document).resend
    assert len(asked) == count
    assert not asked or asked[-1] == Missing(EPOCH, "ledger", 3, 7)
    assert judge(200, headers(), json.dumps(document).encode()).resend == asked


def test_a_wait_in_the_document_counts_where_no_header_says_one() -> None:
    body = error("store-busy", retry_after_s=3.5)
    assert judge(503, headers(), body).retry_after_s == 3.5
    assert judge(503, headers(Retry_After="7"), body).retry_after_s == 7.0
    assert judge_reply(json.loads(body)).retry_after_s == 3.5


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
