"""What a sender is answered: the same JSON over every transport."""

from http import HTTPStatus
from typing import Any

from zerometer.agent.batch import Header, Missing, peek
from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.errors import (
    IdentityConflictError,
    NotAllowedError,
    StoreBusyError,
    StoreError,
)
from zerometer.agent.receiver.model import Receipt, Sender
from zerometer.core.errors import FormatError

#: The first that fits.
STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (FormatError, HTTPStatus.BAD_REQUEST),
    (NotAllowedError, HTTPStatus.FORBIDDEN),
    (IdentityConflictError, HTTPStatus.CONFLICT),
    (StoreBusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
#: What may be wrong with a batch, or with who sends it, or with us.
Refusal = (FormatError, NotAllowedError, IdentityConflictError, StoreError)

Document = dict[str, Any]


async def answer(desk: Desk, data: bytes, sender: Sender) -> tuple[int, Document]:
    """Have *desk* take *data*; return the HTTP status and the document to answer.

    Below 300 the batch is committed, below 500 it will never be taken as it is; 500
    and above mean that it may be taken later.
    """
    try:
        receipt = await desk.take(data, sender)
    except Refusal as error:
        return status_of(error), refusal(error, data)
    return HTTPStatus.OK, stored(receipt)


def status_of(error: Exception) -> HTTPStatus:
    """Return the HTTP status of a refusal."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def stored(receipt: Receipt) -> Document:
    """Return the answer to a batch that is committed."""
    return {
        "status": receipt.status,
        **_identity(receipt.header),
        "samples": receipt.header.samples,
        "resend": [_range(missing) for missing in receipt.resend],
    }


def refusal(error: Exception, data: bytes) -> Document:
    """Return the answer to *data* that was not taken; its identity if it has one."""
    document = {"error": error.code, "message": str(error)}  # type: ignore[attr-defined]
    if isinstance(error, StoreBusyError):
        document["retry_after_s"] = error.retry_after_s
    try:
        return {**document, **_identity(peek(data))}
    except FormatError:
        return document


def _identity(header: Header) -> Document:
    return {
        "source": header.source.hex(),
        "epoch": header.epoch.hex(),
        "stream": header.stream,
        "seq": header.seq,
    }


def _range(missing: Missing) -> Document:
    return {
        "epoch": missing.epoch.hex(),
        "stream": missing.stream,
        "first": missing.first,
        "last": missing.last,
    }
