"""What an HTTP answer means for the batch that was sent."""

import json
from email.utils import parsedate_to_datetime
from http.client import HTTPMessage

from zerometer.agent.uplink.base import Answer, Outcome

#: Nothing to be changed on our side: the same request may succeed later.
RETRIED = frozenset({202, 408, 425, 429})


def judge(status: int, headers: HTTPMessage, body: bytes) -> Answer:
    """Return what to do after an answer with *status*, *headers* and *body*.

    A 202 promises nothing yet, so the batch is offered again until the answer says
    that it is stored. Whatever is neither a success nor known to be temporary
    pauses: losing nothing is worth a standstill that somebody must look at.
    """
    code, message = _error_of(body)
    if status in {200, 201, 204}:
        if headers.get_content_type() == "text/html":
            return Answer(Outcome.PAUSE, f"{status} with a web page: not a receiver")
        return Answer(Outcome.ACCEPTED)
    if status == 409 and code == "duplicate":
        return Answer(Outcome.ACCEPTED)
    reason = " ".join(filter(None, (str(status), code, message)))
    if status >= 500 or status in RETRIED or (status == 409 and code == "in-progress"):
        return Answer(Outcome.RETRY, reason, retry_after_s(headers))
    return Answer(Outcome.PAUSE, reason, retry_after_s(headers))


def _error_of(body: bytes) -> tuple[str, str]:
    """Return code and message of a receiver's error body; empty when it is none."""
    try:
        document = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    return str(document.get("error", "")), str(document.get("message", ""))[:200]


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
