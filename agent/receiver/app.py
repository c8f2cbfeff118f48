"""The receiver's HTTP side: which request does what, and what errors look like."""

import logging
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zerometer.agent.receiver.desk import Desk
from zerometer.agent.receiver.errors import (
    IdentityConflictError,
    StoreBusyError,
    StoreError,
)
from zerometer.agent.receiver.intake import take
from zerometer.agent.receiver.status import read_status
from zerometer.core.errors import FormatError

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
        receipt = await desk.run(take, await _read_body(request))
        header = receipt.header
        return JSONResponse(
            {
                "status": receipt.status,
                "source": header.source.hex(),
                "epoch": header.epoch.hex(),
                "stream": header.stream,
                "seq": header.seq,
                "samples": header.samples,
            }
        )

    async def get_status(_request: Request) -> Response:
        return JSONResponse(await desk.run(read_status))

    return Starlette(
        routes=[
            Route("/v1/batches", post_batch, methods=["POST"]),
            Route("/v1/status", get_status),
        ],
        exception_handlers={
            FormatError: _refuse(400),
            IdentityConflictError: _refuse(409),
            StoreError: _refuse(500),
            StoreBusyError: _refuse(503),
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


def _error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    body = {"error": code, "message": message}
    return JSONResponse(body, status, headers)


def _refuse(status: int) -> Any:
    async def handle(_request: Request, error: Exception) -> Response:
        if status >= 500:
            log.error("batch not taken: %s", error)
        retry_after_s = getattr(error, "retry_after_s", None)
        headers = {"Retry-After": str(retry_after_s)} if retry_after_s else None
        return _error(status, error.code, str(error), headers)  # type: ignore[attr-defined]

    return handle


async def _gone(_request: Request, _disconnect: Exception) -> Response:
    """Answer nobody: the sender went away within its request."""
    return Response(status_code=400)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}
    code = codes.get(error.status_code, "bad-request")
    return _error(error.status_code, code, error.detail, dict(error.headers or {}))
