"""What the other side's answer means for the batch that was sent."""

import json
from email.utils import parsedate_to_datetime
from http.client import HTTPMessage
from typing import Any

from zerometer.agent.batch import Missing
from zerometer.agent.uplink.base import Answer, Outcome

#: Bytes of an answer, a short JSON object; more is not read.
MAX_ANSWER = 65_536
#: A receiver has committed the batch: now, or before.
TAKEN = ("stored", "duplicate")
#: What a receiver of ours says of bytes that it will never take.
REJECTED = frozenset(
    {
        "bad-body", "bad-column", "bad-crc", "bad-deflate", "bad-envelope",
        "bad-format", "bad-hash", "bad-header", "bad-length", "bad-reference",
        "bad-runs", "bad-signature", "bad-table", "overlong-varint", "surplus-bytes",
        "surplus-column", "truncated", "truncated-column",
    }
)  # fmt: skip
#: What passes by itself.
PASSING = frozenset({"in-progress", "store-busy", "store-failed", "store-gone"})
#: What a document of errors may be answered with, by its word; the rest pauses.
OUTCOMES = (
    dict.fromkeys(REJECTED, Outcome.REJECTED)
    | dict.fromkeys(PASSING, Outcome.RETRY)
    | {
        "duplicate": Outcome.ACCEPTED,
        "identity-conflict": Outcome.CONFLICT,
        "too-large": Outcome.TOO_LARGE,
    }
)
#: Nothing to be changed on our side: the same request may succeed later.
RETRIED = frozenset({202, 408, 425, 429})
#: Statuses with which a receiver of ours says what is wrong with a batch.
TOLD = frozenset({400, 409, 422})
#: Of a text that others wrote, so much is kept.
SHOWN = 200
#: Ranges that one answer may ask for again.
MAX_RESEND = 1000


def judge_reply(document: Any) -> Answer:
    """Return what to do after a receiver's answer, whatever brought it here.

    *document* is its JSON, read: see docs/receiver.md. What is neither a success nor
    known pauses: losing nothing is worth a standstill that somebody must look at.
    """
    if not isinstance(document, dict):
        return Answer(Outcome.PAUSE, "an answer that is no receiver's")
    if document.get("status") in TAKEN:
        return Answer(Outcome.ACCEPTED, resend=_resend(document))
    code, message = _error_of(document)
    if not code:
        return Answer(Outcome.PAUSE, "an answer that is no receiver's")
    wait_s = _number(document.get("retry_after_s"))
    # Who says when to come again means that it will pass, whatever it is.
    usual = Outcome.RETRY if wait_s else Outcome.PAUSE
    outcome = OUTCOMES.get(code, usual)
    if outcome is Outcome.ACCEPTED:
        return Answer(outcome, resend=_resend(document))
    return Answer(outcome, f"{code} {message}".strip(), wait_s, code=code)


def judge(status: int, headers: HTTPMessage, body: bytes) -> Answer:
    """Return what to do after an HTTP answer with *status*, *headers* and *body*.

    A 202 promises nothing yet, so the batch is offered again until the answer says
    that it is stored. A proxy may answer in the receiver's place: what it says of a
    batch's content is not believed.
    """
    document = _document(body)
    code, message = _error_of(document)
    if status in {200, 201, 204}:
        return _success(status, headers, document)
    reason = " ".join(filter(None, (str(status), code, message)))
    wait_s = retry_after_s(headers) or _number(document.get("retry_after_s"))
    if status >= 500 or status in RETRIED:
        outcome = Outcome.RETRY
    elif status == 413:
        outcome = Outcome.TOO_LARGE
    elif status == 409 and document.get("status") in TAKEN:
        outcome = Outcome.ACCEPTED
    elif status in TOLD:
        outcome = OUTCOMES.get(code, Outcome.PAUSE)
    else:
        outcome = Outcome.PAUSE
    if outcome is Outcome.ACCEPTED:
        return Answer(outcome, resend=_resend(document))
    return Answer(outcome, reason, wait_s, code=code)


def _success(status: int, headers: HTTPMessage, document: dict[str, Any]) -> Answer:
    """Judge a success: a receiver's own, or that of some page."""
    if headers.get_content_type() == "text/html":
        return Answer(Outcome.PAUSE, f"{status} with a web page: not a receiver")
    if _error_of(document)[0]:
        return judge_reply(document)
    return Answer(Outcome.ACCEPTED, resend=_resend(document))


def _document(body: bytes) -> dict[str, Any]:
    """Return the JSON object in *body*; an empty one when it is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _error_of(document: dict[str, Any]) -> tuple[str, str]:
    """Return code and message of a receiver's error; empty when it is none."""
    code, message = document.get("error", ""), document.get("message", "")
    return str(code)[:SHOWN], str(message)[:SHOWN]


def _number(value: Any) -> float:
    """Return a wait in seconds; 0 when *value* is none."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(min(value, 1e9))
    return 0.0


def _resend(document: dict[str, Any]) -> tuple[Missing, ...]:
    """Return what the receiver lacks; an entry that cannot be read asks nothing."""
    entries = document.get("resend")
    if not isinstance(entries, list):
        return ()
    found = (_missing(entry) for entry in entries[:MAX_RESEND])
    return tuple(missing for missing in found if missing is not None)


def _missing(entry: Any) -> Missing | None:
    try:
        epoch, stream = bytes.fromhex(entry["epoch"]), entry["stream"]
        first, last = entry["first"], entry["last"]
    except (KeyError, TypeError, ValueError):
        return None
    numbers = type(first) is int and type(last) is int and 1 <= first <= last
    if not numbers or len(epoch) != 8 or not isinstance(stream, str):
        return None
    return Missing(epoch, stream, first, last)


def retry_after_s(headers: HTTPMessage) -> float:
    """Return the wait that ``Retry-After`` asks for, 0 without a usable one.

    A date counts from the answer's own ``Date``: our clock may be wrong.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        wait = until - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return 0.0
    return max(wait.total_seconds(), 0.0)
