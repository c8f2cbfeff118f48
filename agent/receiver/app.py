"""The receiver's HTTP side: which request does what, and what errors look like."""

import logging
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.errors import StoreError
from zerometer.agent.receiver.model import Sender
from zerometer.agent.receiver.reply import answer, refusal, status_of
from zerometer.agent.receiver.status import read_status

log = logging.getLogger(__name__)

#: Bytes of one batch; gateways seal at a hundredth of it.
MAX_BODY = 8 << 20


def create_app(desk: Desk) -> Starlette:
    """Return the receiver as an ASGI application on an open *desk*.

    ``POST /v1/batches`` takes a batch and answers 200 once it is committed, also
    when it was committed before. ``GET /v1/status`` tells what there is. Errors
    have the body ``{"error": code, "message": text}``.
    """

    async def post_batch(request: Request) -> Response:
        status, document = await answer(desk, await _read_body(request), Sender())
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("batch not taken: %s", document["message"])
        retry = document.get("retry_after_s")
        headers = {"Retry-After": str(retry)} if retry else None
        return JSONResponse(document, status, headers)

    async def get_status(_request: Request) -> Response:
        return JSONResponse(await desk.run(read_status))

    return Starlette(
        routes=[
            Route("/v1/batches", post_batch, methods=["POST"]),
            Route("/v1/status", get_status),
        ],
        exception_handlers={
            StoreError: _store_failed,
            ClientDisconnect: _gone,
            HTTPException: _http_error,
        },
    )


async def _read_body(request: Request) -> bytes:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "content-encoding: allowed is identity")
    length = request.headers.get("content-length", "0")
    body = bytearray()
    if not (length.isdigit() and int(length) > MAX_BODY):
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                break
        else:
            return bytes(body)
    raise HTTPException(413, f"batch: allowed are {MAX_BODY} bytes")


async def _store_failed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, StoreError)
    return JSONResponse(refusal(error, b""), status_of(error))


async def _gone(_request: Request, _disconnect: Exception) -> Response:
    """Answer nobody: the sender went away within its request."""
    return Response(status_code=400)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
    code = codes.get(error.status_code, "bad-request")
    body = {"error": code, "message": error.detail}
    return JSONResponse(body, error.status_code, dict(error.headers or {}))
